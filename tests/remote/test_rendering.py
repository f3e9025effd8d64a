"""Values as text: JSON where nothing is lost, else what Python shows, whatever the value does."""

import json
import math

import pytest

from osbrain._remote.rendering import rendered


class Mute:
    def __repr__(self):
        raise RuntimeError('no')


DEEP = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    'value', [None, True, 3, 2.5, 'text', 'ü\x00', [1, [2]], {'a': {'b': [None]}}, '', [], {}]
)
def test_json_comes_back_as_it_was(value):
    text, is_json = rendered(value)
    assert is_json
    assert json.loads(text) == value


def test_tuples_are_lists():
    assert rendered((1, (2,))) == ('[1, [2]]', True)


@pytest.mark.parametrize(
    'value, text',
    [
        ({1, 2}, '{1, 2}'),
        ({1: 2}, '{1: 2}'),
        ([{'a': {None: 1}}], "[{'a': {None: 1}}]"),
        (b'x', "b'x'"),
        (math.nan, 'nan'),
        ([math.inf], '[inf]'),
        (object, "<class 'object'>"),
        (Mute(), '<Mute, which cannot be shown: RuntimeError>'),
    ],
)
def test_what_is_no_json_is_shown(value, text):
    assert rendered(value) == (text, False)


def test_what_contains_itself_is_shown():
    value = []
    value.append(value)
    assert rendered(value) == ('[[...]]', False)


def test_what_is_too_deep_is_told():
    assert not rendered(DEEP).is_json
