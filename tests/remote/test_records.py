"""Sealed records: what was sent comes out, in its order, once; nothing else does."""

import pickle
import secrets

import pytest

from osbrain._remote.records import HEAD_SIZE, Opener, RecordInvalid, Sealer

KEY = secrets.token_bytes(32)
MOST = 1000
BODIES = (b'one', b'', b'three', bytes(MOST))


def opened(opener, record):
    """What a receiver makes of *record*."""
    head, body = record[:HEAD_SIZE], record[HEAD_SIZE:]
    if len(head) < HEAD_SIZE or opener.length(head) != len(body):
        raise RecordInvalid('waits for more')
    opener.check(head, body)
    return body


@pytest.fixture
def records():
    sealer = Sealer(KEY, MOST)
    return [sealer.head(body) + body for body in BODIES]


@pytest.fixture
def opener():
    return Opener(KEY, MOST)


def test_what_was_sealed_is_opened_in_its_order(records, opener):
    assert [opened(opener, record) for record in records] == list(BODIES)


@pytest.mark.parametrize('number', range(len(BODIES) - 1))
def test_a_bit_that_is_flipped_anywhere_is_seen(records, number):
    for position in range(8 * len(records[number])):
        opener = Opener(KEY, MOST)
        for record in records[:number]:
            opened(opener, record)
        changed = bytearray(records[number])
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(RecordInvalid):
            opened(opener, bytes(changed))


def test_a_record_that_is_cut_short_anywhere_is_not_opened(records):
    for length in range(len(records[0])):
        with pytest.raises(RecordInvalid):
            opened(Opener(KEY, MOST), records[0][:length])


def test_a_record_that_is_cut_and_says_so_is_seen(records, opener):
    shorter = (2).to_bytes(8, 'big') + records[0][8 : HEAD_SIZE + 2]
    with pytest.raises(RecordInvalid, match='changed'):
        opened(opener, shorter)


def test_a_record_that_is_repeated_left_out_or_swapped_is_seen(records):
    for order in ([0, 0], [1], [0, 2], [1, 0], [0, 1, 1], [3, 2]):
        opener = Opener(KEY, MOST)
        with pytest.raises(RecordInvalid, match='repeated or left out'):
            for number in order:
                opened(opener, records[number])


def test_the_same_body_has_another_seal_each_time():
    sealer = Sealer(KEY, MOST)
    assert sealer.head(b'end') != sealer.head(b'end')


def test_what_was_sealed_with_another_key_is_not_opened(records):
    with pytest.raises(RecordInvalid):
        opened(Opener(secrets.token_bytes(32), MOST), records[0])


@pytest.mark.parametrize('length', [MOST + 1, 2**31, 2**63, 2**64 - 1])
def test_a_length_beyond_the_limit_is_refused_before_the_body_is_read(opener, length):
    with pytest.raises(RecordInvalid, match='1,000 are the most'):
        opener.length(length.to_bytes(8, 'big') + bytes(16))


def test_keys_are_neither_shown_nor_pickled():
    for made in (Sealer(KEY, MOST), Opener(KEY, MOST)):
        assert KEY.hex() not in repr(made)
        assert repr(KEY)[2:10] not in repr(made)
        with pytest.raises(TypeError, match='do not leave'):
            pickle.dumps(made)
