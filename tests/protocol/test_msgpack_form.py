"""MessagePack brings back what JSON can say, and bytes; whatever else arrives is an error, and takes no memory."""

import contextlib
import struct
import sys
import tracemalloc
from datetime import datetime, timezone

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain._protocol import msgpack_form
from osbrain._protocol.serializers import CODECS, deserialize_message, serialize_message
from osbrain.errors import MessageInvalid, MessageUndecodable, OptionInvalid

CODEC = CODECS['msgpack']

atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.floats(allow_nan=False),
    st.text(),
    st.binary(),
)
values = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.text(), st.binary()), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(values)
def test_it_brings_back_what_it_can_say_bytes_and_text_kept_apart(message):
    assert CODEC.load(CODEC.dump(message)) == message
    assert deserialize_message(memoryview(serialize_message(message, 'msgpack')), 'msgpack') == message


@given(values)
def test_other_programs_read_it_and_write_it(message):
    assert msgpack.unpackb(CODEC.dump(message)) == message
    assert CODEC.load(msgpack.packb(message)) == message


def test_tuples_become_lists_and_arrays_of_bytes_become_bytes():
    assert CODEC.load(CODEC.dump((1, (2, {'a': (3,)})))) == [1, [2, {'a': [3]}]]
    assert CODEC.load(CODEC.dump([bytearray(b'x'), memoryview(b'y')])) == [b'x', b'y']


def test_it_is_smaller_than_json():
    message = [{'symbol': 'ABC', 'bid': 1.25, 'size': 100}] * 50
    assert len(CODEC.dump(message)) < len(CODECS['json'].dump(message)) < 5000


CIRCLE: list = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize(
    'message, why',
    [
        (np.zeros(3), r'ndarray cannot be written as msgpack .*tolist'),
        ([{'a': np.zeros(3)}], 'ndarray'),
        (np.int64(1), 'int64'),
        ({1}, 'set cannot be written'),
        (1j, 'complex'),
        (len, 'builtin_function'),
        (datetime.now(timezone.utc), 'datetime'),
        ({1: 2}, 'keys must be text or bytes'),
        ([{'a': ({(1, 2): 3},)}], 'keys must be text or bytes'),
        (1 << 64, 'int'),
        (CIRCLE, 'recursion'),
        ('\ud800', 'surrogates'),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_it_cannot_say_is_refused_at_the_sender(message, why):
    with pytest.raises(MessageInvalid, match=why) as caught:
        CODEC.dump(message)
    assert caught.value.serializer == 'msgpack'


@pytest.mark.parametrize(
    'data',
    [
        b'',
        b'\xc1',
        b'\x01\x01',
        b'\x81\x01\x02',
        b'\x81\x90\x02',
        b'\xa1\xff',
        b'\xd4\x05x',
        b'\xdd\xff\xff\xff\xff\x00',
        b'\xdf\xff\xff\xff\xff\x00',
        b'\xdb\xff\xff\xff\xff',
        b'\xc9\xff\xff\xff\xff\x05',
        b'\x91' * 100_000,
        b'\x81\xa1a' * 100_000,
        b'\xdd\x00\x00\xff\xff' * 500 + bytes(0xFFFF),
    ],
    ids=lambda data: data[:6].hex(),
)
def test_what_is_no_message_is_an_error(data):
    with pytest.raises(MessageUndecodable):
        CODEC.load(data)


def test_lists_that_promise_more_than_there_is_take_no_memory():
    promised = b''.join(b'\xdd' + struct.pack('>I', 1_000_000) for _ in range(400)) + bytes(1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(MessageUndecodable):
            CODEC.load(promised)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(promised)
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_a_message_or_an_error(data):
    with contextlib.suppress(MessageUndecodable):
        CODEC.load(data)


def test_where_the_package_is_missing_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'msgpack', None)
    msgpack_form.package.cache_clear()
    try:
        with pytest.raises(OptionInvalid, match=r'pip install .osbrain\[msgpack\]'):
            msgpack_form.package()
    finally:
        msgpack_form.package.cache_clear()
