"""What bind and connect may be told about a socket's messages, as tables of what is taken and what is refused."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from osbrain._protocol.flow import PLAIN, Flow
from osbrain.address import AgentAddressKind, guess_kind
from osbrain.errors import KindUnsupported, OptionInvalid

SOCKETS = ('PUSH', 'PULL', 'REQ', 'REP', 'PUB', 'SUB')
CHANNELS = ('ASYNC_REP', 'ASYNC_REQ', 'SYNC_PUB', 'SYNC_SUB')
KINDS = (*SOCKETS, *CHANNELS)
CONFLATING = ('PUSH', 'PULL', 'SUB')
BATCHING = ('PULL', 'SUB', 'SYNC_SUB')


@pytest.mark.parametrize('kind', KINDS)
def test_nothing_asked_for_is_nothing_special(kind):
    assert Flow.checked(kind, None, False, False) == PLAIN == (None, False, False)


@pytest.mark.parametrize(
    'given, mark',
    [
        (0, 0),
        (1, 1),
        (2**31 - 1, 2**31 - 1),
        (np.int8(3), 3),
        (np.int64(3), 3),
        (np.uint64(2**31 - 1), 2**31 - 1),
        (np.array(3), 3),
    ],
    ids=repr,
)
def test_a_mark_is_a_whole_number_and_is_kept_as_a_plain_int(given, mark):
    kept = Flow.checked('PUSH', given, False, False).hwm
    assert (type(kept), kept) == (int, mark)


@pytest.mark.parametrize(
    'given',
    [
        -1,
        2**31,
        2**64,
        1.0,
        0.5,
        math.nan,
        math.inf,
        True,
        False,
        np.True_,
        np.float64(1),
        np.int64(-1),
        np.array([1, 2]),
        '10',
        b'10',
        '',
        [10],
        (),
        {},
        Decimal(1),
        Fraction(1),
        1j,
        object(),
    ],
    ids=lambda given: type(given).__name__ if type(given) is object else repr(given),
)
@pytest.mark.parametrize('kind', ['PUSH', 'SUB', 'SYNC_PUB'])
def test_anything_else_is_no_mark(kind, given):
    with pytest.raises(OptionInvalid, match='hwm') as caught:
        Flow.checked(kind, given, False, False)
    assert isinstance(caught.value, ValueError)
    assert 'whole number' in str(caught.value)


@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_has_a_mark_but_those_whose_requests_are_limited_elsewhere(kind):
    if kind in ('ASYNC_REP', 'ASYNC_REQ'):
        with pytest.raises(KindUnsupported, match='REQUEST_LIMIT'):
            Flow.checked(kind, 10, False, False)
    else:
        assert Flow.checked(kind, 10, False, False).hwm == 10


@pytest.mark.parametrize('kind', KINDS)
def test_only_what_flows_one_way_can_keep_the_newest(kind):
    if kind in CONFLATING:
        assert Flow.checked(kind, None, True, False) == (None, True, False)
    else:
        with pytest.raises(KindUnsupported, match='PUSH, PULL and SUB') as caught:
            Flow.checked(kind, None, True, False)
        assert kind in str(caught.value)


@pytest.mark.parametrize('kind', KINDS)
def test_only_what_receives_without_answering_has_lists(kind):
    if kind in BATCHING:
        assert Flow.checked(kind, None, False, True) == (None, False, True)
    else:
        with pytest.raises(KindUnsupported, match='batch=True') as caught:
            Flow.checked(kind, None, False, True)
        assert kind in str(caught.value)


@pytest.mark.parametrize('option', ['conflate', 'batch'])
@pytest.mark.parametrize('given', [None, 0, 1, 'yes', '', np.True_, []], ids=repr)
def test_a_switch_is_true_or_false(option, given):
    options = {'conflate': False, 'batch': False, option: given}
    with pytest.raises(OptionInvalid, match=option):
        Flow.checked('PULL', None, **options)


@pytest.mark.parametrize('kind', KINDS)
def test_kinds_as_bind_guesses_them_are_known_too(kind):
    guessed = guess_kind(kind) if kind in SOCKETS or kind in ('ASYNC_REP', 'SYNC_PUB') else kind
    assert isinstance(guessed, AgentAddressKind) == (kind in SOCKETS)
    assert Flow.checked(guessed, None, kind in CONFLATING, kind in BATCHING)[1:] == (
        kind in CONFLATING,
        kind in BATCHING,
    )


def test_all_of_them_can_be_asked_for_together():
    assert Flow.checked('PULL', 10, True, True) == (10, True, True)
