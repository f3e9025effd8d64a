"""Calls and answers as bytes: what was given comes out, what was raised is raised, what cannot travel says so."""

import pickle
import threading
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osbrain._remote import packing
from osbrain._remote.packing import RemoteTraceback, outcome, pack, pack_failure, pack_result, unpack
from osbrain.address import AgentAddress, AgentChannel, SocketAddress
from osbrain.errors import MessageUndecodable, RemoteError, UnknownAlias, Unpicklable

PROFILE = settings(derandomize=True, database=None, deadline=None, max_examples=60)
ADDRESS = AgentAddress('tcp', '127.0.0.1:1234', 'PUSH', 'server', 'json')

atoms = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary(), st.just(ADDRESS)
)
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=20),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=20),
    ),
    max_leaves=30,
)


def raised(error):
    try:
        raise error
    except BaseException as caught:
        return caught


@PROFILE
@given(values)
def test_values_come_out_as_they_went_in(value):
    back = unpack(pack(value))
    assert back == value and type(back) is type(value)
    assert outcome(pack_result(value)) == value


@PROFILE
@given(values)
def test_plain_values_need_no_cloudpickle_and_others_are_written_by_it(value):
    with mock.patch.object(packing.cloudpickle, 'dumps', wraps=packing.cloudpickle.dumps) as dumps:
        pack(value)
    assert bool(dumps.called) is not packing._is_plain(value)


def test_functions_and_classes_made_on_the_spot_travel():
    offset = 3

    class Local:
        def __init__(self, value):
            self.value = value

    function, made = unpack(pack((lambda number: number + offset, Local(4))))
    assert (function(1), made.value, type(made).__name__) == (4, 4, 'Local')


@pytest.mark.parametrize(
    'value', [SocketAddress('127.0.0.1', 1), ADDRESS, AgentChannel('ASYNC_REP', receiver=ADDRESS, sender=None)], ids=str
)
def test_addresses_and_channels_travel(value):
    assert unpack(pack(value)) == value
    assert repr(unpack(pack([value]))) == repr([value])


@pytest.mark.parametrize(
    'value',
    [threading.Lock(), [threading.Lock()], {'a': iter([])}, (one for one in ())],
    ids=lambda one: type(one).__name__,
)
def test_what_cannot_travel_is_an_error_that_says_so(value):
    if isinstance(value, dict):
        value['a'] = (one for one in ())
    with pytest.raises(Unpicklable, match='the result cannot be pickled'):
        pack(value)
    with pytest.raises(Unpicklable, match='an argument cannot be pickled'):
        pack(value, 'an argument')


@pytest.mark.parametrize(
    'data',
    [b'', b'garbage', b'\x80\x05', pickle.dumps(ADDRESS).replace(b'osbrain', b'nobrain')],
    ids=['empty', 'garbage', 'cut', 'elsewhere'],
)
def test_what_this_process_cannot_make_is_undecodable(data):
    with pytest.raises(MessageUndecodable):
        unpack(data)


def test_what_was_raised_is_raised_with_the_other_end_s_traceback_above_it():
    with pytest.raises(UnknownAlias, match='typo') as caught:
        outcome(pack_failure(raised(UnknownAlias('typo', 'a0'))))
    cause = caught.value.__cause__
    assert isinstance(cause, RemoteTraceback)
    assert 'in raised' in str(cause)


def test_a_failure_may_come_with_the_text_that_its_caller_reads():
    with pytest.raises(KeyError) as caught:
        outcome(pack_failure(raised(KeyError('key')), 'Error executing `method`!'))
    assert caught.value.args == ('Error executing `method`!',)
    assert caught.value.__cause__ is None


def test_a_result_that_is_an_exception_is_not_raised():
    assert isinstance(outcome(pack_result(KeyError('key'))), KeyError)


def test_what_ended_the_other_end_does_not_end_this_one():
    with pytest.raises(RemoteError, match='SystemExit'):
        outcome(pack_failure(raised(SystemExit(3))))
