"""Several messages in one frame: written in one go, taken apart again before any handler sees them."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, TypeGuard

from .._config import config
from ..errors import MessageInvalid
from .serializers import BATCH, Codec, Frames

# Items in one frame. Beyond some hundred nothing is gained; a frame of a million would come as one lump.
_MOST = 4096
# Bytes in one frame, more or less: what is larger than this gains nothing by being sent with others.
_MOST_BYTES = 1 << 20

_FLAT = frozenset({dict, list, tuple})
# Nobody can change one of these.
_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, Decimal, datetime, date, time, timedelta})


class Loaded:
    """One message out of a batch, decoded already; *about* is what its endpoint has to know beside it."""

    __slots__ = ('about', 'context', 'message')

    #: Where the batch comes from; set, to its headers, while the agent traces, and not there otherwise.
    context: dict[str, str]

    def __init__(self, message: Any, about: Any = None) -> None:
        self.message, self.about = message, about


def is_batch(frames: Frames, codec: Codec) -> TypeGuard[bytes]:
    """Whether several messages travel in these *frames*."""
    return codec.batches and type(frames) is bytes and frames.endswith(BATCH)


def written(codec: Codec, items: Iterable[Any]) -> list[tuple[int, Frames]]:
    """Return frames for *items* in their order, each with the number of items in it.

    Nothing is returned unless every item can be written: :class:`~osbrain.errors.MessageInvalid` names the index of the
    first that cannot.
    """
    if not codec.batches:
        return [(1, _one(codec, index, item)) for index, item in enumerate(items)]
    if type(items) in (list, tuple):
        frames: list[tuple[int, Frames]] = []
        for start in range(0, len(items), _MOST):  # type: ignore[arg-type]
            frames += _together(codec, start, items[start : start + _MOST])  # type: ignore[index]
        return frames
    # Something that makes its items one by one may go on changing what it has handed out.
    return _packed([_one(codec, index, item) for index, item in enumerate(items)])


def each_written(codec: Codec, items: Iterable[Any]) -> list[Frames]:
    """Return frames for each of *items* by itself; all or none, as :func:`written`."""
    return [_one(codec, index, item) for index, item in enumerate(items)]


def _together(codec: Codec, start: int, items: Any) -> list[tuple[int, Frames]]:
    """Write *items* in one serialization where that is the same as writing each by itself."""
    if _share_nothing(items):
        try:
            body = codec.dump(list(items))
        except MessageInvalid:
            pass  # which one it is shows below
        else:
            if type(body) is bytes and len(body) <= _MOST_BYTES and not _any_large(items, body):
                return [(len(items), body + BATCH)]
    return _packed([_one(codec, start + index, item) for index, item in enumerate(items)])


def _any_large(items: Any, body: bytes) -> bool:
    """Whether one of *items* is bytes that travel better alone, which they do beside their pickle."""
    least = config['OUT_OF_BAND_MIN']
    return len(body) >= least and any(type(item) is bytes and len(item) >= least for item in items)


def _share_nothing(items: Any) -> bool:
    """Whether none of *items* holds anything that can be changed and that another one may hold as well.

    Written in one go, such items would share it at the receiver, where single messages never do. It is asked of every
    item, so the work is left to what runs in C.
    """
    kinds = set(map(type, items))
    if kinds == {dict}:
        # Records have the same keys again and again.
        parts = chain(set(map(tuple, items)), map(dict.values, items))
    elif kinds <= _ATOMS | _FLAT:
        items = [item for item in items if type(item) in _FLAT]
        parts = chain(items, (item.values() for item in items if type(item) is dict))
    else:
        return False
    return len(set(map(id, items))) == len(items) and _ATOMS.issuperset(map(type, chain.from_iterable(parts)))


def _one(codec: Codec, index: int, item: Any) -> Frames:
    try:
        return codec.dump(item)
    except MessageInvalid as error:
        raise MessageInvalid(error.serializer, error.type_name, f'item {index} of the batch: {error.why}') from error


def _packed(each: list[Frames]) -> list[tuple[int, Frames]]:
    """Put messages that are written already into as few frames as possible; those with large buffers go alone."""
    frames: list[tuple[int, Frames]] = []
    small: list[Frames] = []
    size = 0

    def pack() -> None:
        if small:
            frames.append((len(small), pickle.dumps(tuple(small), protocol=pickle.HIGHEST_PROTOCOL) + BATCH))
            small.clear()

    for one in each:
        if type(one) is list or size + len(one) > _MOST_BYTES or len(small) == _MOST:
            pack()
            size = 0
        if type(one) is list:
            frames.append((1, one))
        else:
            small.append(one)
            size += len(one)
    pack()
    return frames


def read(codec: Codec, frame: bytes) -> tuple[list[Any], bool]:
    """Return what is in a frame that :func:`is_batch`, and whether it is messages; else they are frames of one each."""
    items = codec.loads(frame[: -len(BATCH)])
    if type(items) not in (list, tuple):
        raise ValueError(f'a batch of type {type(items).__name__}')
    # A tuple holds messages that were written one by one; so they are read, each with an error of its own.
    return list(items), type(items) is not tuple
