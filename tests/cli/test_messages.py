"""Messages as text and as JSON: nothing that is in them fails, or moves a cursor."""

import base64
import json
import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain._protocol.failures import dump_failure
from osbrain._protocol.serializers import CODECS
from osbrain.cli.messages import facts, line, message_text
from osbrain.cli.output import printable
from osbrain.recording.observation import Observation, Source

WHEN = 1_700_000_000.25


def observation(body, serializer='raw', what='message', topic=b''):
    source = Source('feed', 'prices', 'PUB', serializer)
    return Observation(source, 1, 'out', WHEN, WHEN + 0.5, topic, what, body, len(body))


def of(message, serializer='pickle', **options):
    return observation(CODECS[serializer].dump(message), serializer, **options)


class Proud:
    def __repr__(self):
        raise RuntimeError('no')


@pytest.mark.parametrize('body, text', [
    (b'plain', 'plain'),
    ('höher'.encode(), 'höher'),
    (b'\xff\x00', r"b'\xff\x00'"),
    (b'\x1b[31mred', r"b'\x1b[31mred'"),
    (b'', ''),
])  # fmt: skip
def test_raw_bytes_are_text_if_they_are(body, text):
    assert message_text(observation(body)) == text


def test_a_line_says_when_what_and_on_which_topic():
    words = line(of({'bid': 1.5}, topic=b'AAPL'), 100).split()
    assert words[1:] == ['AAPL', "{'bid':", '1.5}']
    assert words[0].count(':') == 2 and words[0].endswith('.250')
    assert line(of(1, what='request'), 100, 'feed:prices').split()[1:] == ['feed:prices', 'request', '1']


def test_a_long_message_is_cut_and_says_how_long_it_is():
    assert line(of('x' * 5000), 10).endswith("'xxxxxxxxx… (5002 characters)")
    assert line(of('x' * 5000), 0).endswith("xx'")


def test_what_cannot_be_read_is_told_with_the_reason():
    text = message_text(observation(b'no pickle', 'pickle'))
    assert text.startswith('<9 bytes: ')
    assert 'pickle' in text


def test_a_repr_that_fails_fails_nothing():
    assert message_text(of([1], 'json')) == '[1]'
    proud = of(Proud(), 'cloudpickle')
    assert message_text(proud) == '<Proud, whose repr fails: RuntimeError>'
    assert facts(proud)['message'] == '<Proud, whose repr fails: RuntimeError>'


def test_a_failure_is_shown_as_the_exception():
    body = dump_failure(CODECS['pickle'], ValueError('no price'))
    assert message_text(observation(body, 'pickle', 'failure')).startswith("ValueError('no price'")


def test_without_the_package_msgpack_the_line_says_what_to_install(monkeypatch):
    from osbrain._protocol import msgpack_form

    made = of([1], 'msgpack')
    monkeypatch.setitem(sys.modules, 'msgpack', None)
    msgpack_form.package.cache_clear()
    assert 'osbrain[msgpack]' in message_text(made)
    assert 'osbrain[msgpack]' in facts(made)['error']


@pytest.mark.parametrize('made, form, message', [
    (of({'bid': 1.5}), 'json', {'bid': 1.5}),
    (of([1, 2]), 'json', [1, 2]),
    (of(float('nan')), 'repr', 'nan'),
    (of({1, 2}), 'repr', '{1, 2}'),
    (of({(1, 2): 3}), 'repr', '{(1, 2): 3}'),
    (observation(b'plain'), 'text', 'plain'),
    (observation(b'\xff'), 'base64', base64.b64encode(b'\xff').decode()),
])  # fmt: skip
def test_json_says_in_which_form_the_message_is(made, form, message):
    said = facts(made)
    assert (said['form'], said['message']) == (form, message)
    assert json.loads(json.dumps(said)) == said


def test_json_says_all_that_is_known():
    assert facts(of(1, topic=b'AA\xff')) == {
        'agent': 'feed',
        'alias': 'prices',
        'number': 1,
        'direction': 'out',
        'what': 'message',
        'topic': 'AA\\xff',
        'when': WHEN,
        'arrived': WHEN + 0.5,
        'size': len(pickle.dumps(1, 5)),
        'form': 'json',
        'message': 1,
    }


@given(st.binary(), st.sampled_from(['raw', 'json', 'msgpack']), st.binary())
def test_whatever_comes_is_a_line_and_json(body, serializer, topic):
    made = observation(body, serializer, topic=topic)
    assert '\n' not in printable(line(made, 100)) and '\x1b' not in printable(line(made, 100))
    json.loads(json.dumps(facts(made), allow_nan=False))
