"""Several messages in one frame: the same messages in the same order come out, each as if it had been sent alone."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain._protocol.batches import is_batch, read, written
from osbrain._protocol.serializers import BATCH, CODECS, MORE_FRAMES, OURS
from osbrain.errors import MessageInvalid, MessageUndecodable

BATCHING = ('pickle', 'cloudpickle', 'dill')
MOST = 4096  # items in one frame

values = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(), st.binary()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=6,
)


class Unwritable:
    """Something that no serializer takes."""

    def __reduce__(self):
        raise ZeroDivisionError('never')


def unreadable():
    raise LookupError('nobody has this here')


class Unreadable:
    """Something that can be written, and cannot be read."""

    def __reduce__(self):
        return unreadable, ()


class Key:
    """Something that can be a key of a dictionary and be changed all the same."""


def arrived(codec, frames):
    """The messages in *frames*, as their receiver gets them."""
    messages = []
    for _, one in frames:
        items, are_messages = read(codec, one) if is_batch(one, codec) else ([one], False)
        messages += items if are_messages else [codec.load(item) for item in items]
    return messages


def there_and_back(serializer, items):
    codec = CODECS[serializer].fresh()
    return arrived(codec, written(codec, items))


# -- What is written ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('as_given', [list, tuple, iter], ids=['list', 'tuple', 'iterator'])
@pytest.mark.parametrize('serializer', sorted(CODECS))
def test_items_come_back_in_order_whatever_they_are_written_with(serializer, as_given):
    items = [b'%d' % number if serializer == 'raw' else {'n': number} for number in range(100)]
    assert there_and_back(serializer, as_given(items)) == items


@pytest.mark.parametrize('as_given', [list, iter], ids=['list', 'iterator'])
@pytest.mark.parametrize('serializer', BATCHING)
@given(items=st.lists(values, max_size=5))
def test_any_values_come_back(serializer, as_given, items):
    assert there_and_back(serializer, as_given(items)) == items


@pytest.mark.parametrize('as_given', [list, iter], ids=['list', 'iterator'])
@pytest.mark.parametrize('serializer', BATCHING)
def test_small_items_share_one_frame_of_bytes_that_says_what_it_is(serializer, as_given):
    codec = CODECS[serializer]
    ((count, frame),) = written(codec, as_given([{'n': number} for number in range(MOST)]))
    assert (count, type(frame)) == (MOST, bytes)
    assert frame.endswith(BATCH) and frame.endswith(OURS)
    assert not frame.endswith(MORE_FRAMES)
    assert is_batch(frame, codec)


@pytest.mark.parametrize('as_given', [list, iter], ids=['list', 'iterator'])
def test_more_items_than_fit_one_frame_take_several(as_given):
    codec = CODECS['pickle']
    frames = written(codec, as_given(range(2 * MOST + 1)) if as_given is iter else list(range(2 * MOST + 1)))
    assert [count for count, _ in frames] == [MOST, MOST, 1]
    assert arrived(codec, frames) == list(range(2 * MOST + 1))


@pytest.mark.parametrize('as_given', [list, iter], ids=['list', 'iterator'])
@pytest.mark.parametrize('serializer', sorted(CODECS))
def test_no_items_are_no_frames(serializer, as_given):
    assert written(CODECS[serializer], as_given([])) == []


@pytest.mark.parametrize('serializer', ['json', 'raw'])
def test_what_other_programs_read_has_a_frame_for_each_message(serializer):
    codec = CODECS[serializer]
    items = [b'a', b'b'] if serializer == 'raw' else ['a', 'b']
    assert written(codec, items) == [(1, codec.dump(one)) for one in items]


@pytest.mark.parametrize('items', [(1, 2), [1, 2], {1: 'a', 2: 'b'}, range(1, 3), np.array([1, 2]), {1, 2}], ids=repr)
def test_items_are_taken_from_anything_that_has_some(items):
    assert there_and_back('pickle', items) == [1, 2]


def test_a_list_of_lists_and_a_list_of_tuples_stay_what_they_are():
    for items in ([[1], [2]], [(1,), (2,)], [[]], [()], [b''], [(b'a', b'b')]):
        assert there_and_back('pickle', items) == items
        assert there_and_back('pickle', iter(items)) == items


# -- As if each had been sent alone ---------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', BATCHING)
def test_a_generator_may_go_on_changing_what_it_has_handed_out(serializer):
    def changing():
        row = {}
        for number in range(5):
            row['n'] = number
            yield row

    assert there_and_back(serializer, changing()) == [{'n': number} for number in range(5)]


@pytest.mark.parametrize('serializer', BATCHING)
def test_an_item_that_is_listed_twice_arrives_as_two_messages(serializer):
    item = {'seen': []}
    first, second = there_and_back(serializer, [item, item])
    first['seen'].append('by the first handler')
    assert second == {'seen': []}


@pytest.mark.parametrize('serializer', BATCHING)
def test_what_items_have_in_common_does_not_become_one_object_at_the_receiver(serializer):
    common = []
    first, second, third = there_and_back(serializer, [{'seen': common}, {'seen': common}, [common]])
    first['seen'].append('by the first handler')
    assert (second, third) == ({'seen': []}, [[]])


@pytest.mark.parametrize('serializer', BATCHING)
def test_an_item_that_holds_another_one_holds_a_copy_at_the_receiver(serializer):
    inner = []
    first, second = there_and_back(serializer, [inner, {'inner': inner}])
    first.append('by the first handler')
    assert second == {'inner': []}


def test_keys_that_items_have_in_common_are_not_shared_either():
    key = Key()
    first, second = there_and_back('pickle', [{key: 1}, {key: 2}])
    assert next(iter(first)) is not next(iter(second))


def test_an_item_that_holds_another_one_of_a_class_of_its_own_holds_a_copy():
    inner = Key()
    for items in ([inner, [inner]], [[inner], [inner]], [(inner,), (inner,)], [inner, inner]):
        first, second = there_and_back('pickle', items)
        one, other = (each if isinstance(each, Key) else each[0] for each in (first, second))
        assert one is not other


def test_what_an_item_has_twice_it_has_twice_at_the_receiver():
    common = []
    for items in ([[common, common]], iter([[common, common]])):
        ((first, second),) = there_and_back('pickle', items)
        assert first is second


@pytest.mark.parametrize('as_given', [list, iter], ids=['list', 'iterator'])
@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle'])
def test_large_buffers_go_alone_and_keep_their_place(serializer, as_given):
    array, blob = np.arange(100_000), bytes(100_000)
    codec = CODECS[serializer].fresh()
    frames = written(codec, as_given([1, 2, array, 3, blob, {'a': array}, 4, 5]))
    assert [(count, type(one)) for count, one in frames] == [
        (2, bytes), (1, list), (1, bytes), (1, list), (1, list), (2, bytes),
    ]  # fmt: skip
    one, two, first, three, second, third, four, five = arrived(codec, frames)
    assert (one, two, three, four, five) == (1, 2, 3, 4, 5)
    assert np.array_equal(first, array) and second == blob and np.array_equal(third['a'], array)


def test_large_items_without_buffers_come_back_too():
    items = [['x' * 1000 for _ in range(100)] for _ in range(3)]
    assert there_and_back('pickle', items) == items
    assert there_and_back('pickle', iter(items)) == items


# -- What cannot be written -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('as_given', [list, tuple, iter], ids=['list', 'tuple', 'iterator'])
@pytest.mark.parametrize('serializer', sorted(CODECS))
@pytest.mark.parametrize('index', [0, 7, 5000])
def test_an_item_that_cannot_be_written_is_an_error_that_names_its_index(serializer, as_given, index):
    items = [b'' if serializer == 'raw' else number for number in range(5001)]
    items[index] = Unwritable()
    with pytest.raises(MessageInvalid, match=f'item {index} of the batch') as caught:
        written(CODECS[serializer], as_given(items))
    assert caught.value.serializer == serializer
    assert caught.value.type_name == 'Unwritable'


def test_the_first_of_several_that_cannot_be_written_is_named():
    with pytest.raises(MessageInvalid, match='item 1 of the batch'):
        written(CODECS['pickle'], [1, Unwritable(), Unwritable()])


def test_what_the_source_of_the_items_raises_is_not_taken_for_an_item():
    def failing():
        yield 1
        raise OSError('the file ended')

    with pytest.raises(OSError, match='the file ended'):
        written(CODECS['pickle'], failing())


# -- What cannot be read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', sorted(CODECS))
@pytest.mark.parametrize('frames', [b'', b'.', BATCH[1:], MORE_FRAMES, [BATCH, b''], [b'', BATCH]], ids=repr)
def test_other_frames_are_no_batch(serializer, frames):
    assert not is_batch(frames, CODECS[serializer])


@pytest.mark.parametrize('serializer', ['json', 'raw'])
@pytest.mark.parametrize('frame', [BATCH, b'[1, 2]' + BATCH, b'\x80\x05]\x94.' + BATCH], ids=repr)
def test_what_other_programs_write_is_never_taken_for_a_batch(serializer, frame):
    assert not is_batch(frame, CODECS[serializer])


@pytest.mark.parametrize('serializer', sorted(CODECS))
@given(message=values)
def test_no_message_of_a_serializer_that_writes_batches_looks_like_one(serializer, message):
    codec = CODECS[serializer]
    if codec.batches:
        assert not is_batch(codec.dump(message), codec)


@pytest.mark.parametrize('serializer', BATCHING)
@pytest.mark.parametrize('body', [b'', b'.', b'garbage', b'\x80\x05'], ids=repr)
def test_a_batch_that_is_corrupted_cannot_be_read(serializer, body):
    with pytest.raises(Exception):  # noqa: B017  (whatever the serializer raises)
        read(CODECS[serializer], body + BATCH)


def test_a_batch_whose_end_is_missing_cannot_be_read():
    ((_, frame),) = written(CODECS['pickle'], [1, 2, 3])
    with pytest.raises((pickle.UnpicklingError, EOFError, ValueError)):
        read(CODECS['pickle'], frame[: -len(BATCH) - 1] + BATCH)


@pytest.mark.parametrize('serializer', BATCHING)
def test_items_that_were_written_one_by_one_are_read_one_by_one(serializer):
    codec = CODECS[serializer]
    ((count, frame),) = written(codec, iter([1, Unreadable(), 3]))
    items, are_messages = read(codec, frame)
    assert (count, len(items), are_messages) == (3, 3, False)
    assert [codec.load(items[0]), codec.load(items[2])] == [1, 3]
    with pytest.raises(MessageUndecodable, match='nobody has this here'):
        codec.load(items[1])


def test_an_item_of_a_class_of_its_own_takes_no_other_with_it():
    codec = CODECS['pickle']
    for items in ([1, Unreadable(), 3], [[1], [Unreadable()], [3]], [{'a': 1}, {'a': Unreadable()}, {'a': 3}]):
        ((_, frame),) = written(codec, items)
        assert read(codec, frame)[1] is False
