"""Messages to frames and back, one codec for each serializer; large buffers travel beside the pickle, uncopied."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import cloudpickle
import dill

from .._config import config
from ..address import AgentAddressSerializer
from ..errors import MessageInvalid, MessageUndecodable, OptionInvalid
from . import msgpack_form

TOPIC_SEPARATOR = b'\x80'

# What ends a frame of a form of our own. A pickle ends with its STOP opcode, a dot, so no message that is nothing but a
# pickle ends like this (https://docs.python.org/3/library/pickletools.html).
OURS = b'osbrain'
# The first frame of a message whose buffers follow in frames of their own.
MORE_FRAMES = b'\x00+' + OURS
# A frame with several messages.
BATCH = b'\x00*' + OURS
# A message that is followed by what says which trace it belongs to (trace_context); the other marks come after it.
TRACED = b'\x00~' + OURS

# Ends the frame of a reply that is an error. Raw replies share the frame with it: hence something nobody sends.
ERROR_REPLY = b'\x00\x80osbrain-error'

#: One frame, or the first frame and its buffers.
Frames = bytes | list[Any]


class _Bytes:
    """A large bytes message: pickled as an out-of-band buffer, unpickled as bytes."""

    __slots__ = ('value',)

    def __init__(self, value: bytes) -> None:
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return bytes, (pickle.PickleBuffer(self.value),)


# So many small messages, and no large buffer is expected any more.
_CAREFUL = 64
_PROTOCOL = pickle.HIGHEST_PROTOCOL


def _pickle_dump(name: str, dumps: Callable[..., bytes]) -> Callable[[Any], Frames]:
    """Return a new ``dump``, which remembers whether there were large buffers in its messages.

    Looking for them while pickling costs a fifth of a small message's price. So it is done where some were found
    lately; elsewhere the size of the pickle shows when it has to be done after all.
    """
    careful = 0

    def dump(message: Any) -> Frames:
        nonlocal careful
        try:
            if not careful:
                data = dumps(message, _PROTOCOL)
                if len(data) < config['OUT_OF_BAND_MIN']:
                    return data
            frames = _with_buffers_beside(message, dumps)
        except Exception as error:
            raise _invalid(name, message, error) from error
        large = type(frames) is list or len(frames) >= config['OUT_OF_BAND_MIN']
        careful = _CAREFUL if large else max(0, careful - 1)
        return frames

    return dump


def _dump_with(name: str, encode: Callable[[Any], bytes]) -> Callable[[Any], Frames]:
    def dump(message: Any) -> Frames:
        try:
            return encode(message)
        except Exception as error:
            raise _invalid(name, message, error) from error

    return dump


def _invalid(name: str, message: Any, error: Exception) -> MessageInvalid:
    return MessageInvalid(name, type(message).__name__, f'{type(error).__name__}: {error}')


def _with_buffers_beside(message: Any, dumps: Callable[..., bytes]) -> Frames:
    buffers: list[memoryview] = []

    def in_band(buffer: pickle.PickleBuffer) -> bool:
        try:
            view = buffer.raw()
        except BufferError:  # not contiguous
            return True
        if view.nbytes < config['OUT_OF_BAND_MIN']:
            return True
        buffers.append(view)
        return False

    if type(message) is bytes and len(message) >= config['OUT_OF_BAND_MIN']:
        message = _Bytes(message)
    data = dumps(message, _PROTOCOL, buffer_callback=in_band)
    return [data + MORE_FRAMES, *buffers] if buffers else data


def _dill_encode(message: Any) -> bytes:
    return bytes(dill.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))


def _json_encode(message: Any) -> bytes:
    return json.dumps(message).encode()


def _json_decode(data: Any) -> Any:
    return json.loads(bytes(data).decode())


def _raw(message: Any) -> Any:
    return message


def _raw_dump(message: Any) -> bytes:
    if type(message) is bytes:
        return message
    if not isinstance(message, (bytes, bytearray, memoryview)):
        try:
            message = memoryview(message)
        except TypeError:
            raise MessageInvalid('raw', type(message).__name__, 'raw carries bytes only') from None
    return bytes(message)


class Codec:
    """How one serializer makes frames of a message and a message of frames."""

    __slots__ = ('_new_dump', 'batches', 'buffers', 'contexts', 'dump', 'loads', 'name', 'separator')

    def __init__(
        self,
        name: str,
        new_dump: Callable[[str], Callable[[Any], Frames]],
        loads: Callable[[Any], Any],
        separator: bool = True,
        buffers: bool = False,
        batches: bool = False,
        contexts: bool = False,
    ) -> None:
        self.name = AgentAddressSerializer(name)
        self._new_dump = new_dump
        #: Frames of a message; :class:`~osbrain.errors.MessageInvalid` if the serializer cannot express it.
        self.dump = new_dump(self.name)
        #: The message in a single frame; whatever the serializer raises if there is none.
        self.loads = loads
        #: Whether a topic is told from the message by a separator byte.
        self.separator = separator
        #: Whether a message may have buffers in further frames.
        self.buffers = buffers
        #: Whether several messages can be written in one frame: not where other programs are to read what is sent.
        self.batches = batches
        #: Whether it may stand behind a message which trace it belongs to.
        self.contexts = contexts

    def fresh(self) -> Codec:
        """Return one of the same serializer for another socket: what ``dump`` remembers is about one stream."""
        return self._with(self._new_dump, self.buffers)

    def in_band(self) -> Codec:
        """Return one of the same serializer that writes every message in a single frame."""
        if not self.buffers:
            return self
        encode = _PLAIN[self.name][0]
        return self._with(lambda name: _dump_with(name, encode), False)

    def _with(self, new_dump: Callable[[str], Callable[[Any], Frames]], buffers: bool) -> Codec:
        return Codec(self.name, new_dump, self.loads, self.separator, buffers, self.batches, self.contexts)

    def carrier(self) -> Codec:
        """Return one of the same serializer that writes and reads nothing: bytes it has written before, and frames."""
        return _Carrier(self.name, lambda name: _raw_dump, _raw, self.separator)

    def decode(self, frames: Frames) -> Any:
        """Return the message in *frames*; whatever the serializer raises if there is none."""
        if type(frames) is list:
            if not self.buffers:
                raise ValueError('it consists of several frames')
            return pickle.loads(frames[0][: -len(MORE_FRAMES)], buffers=frames[1:])
        return self.loads(frames)

    def load(self, frames: Frames) -> Any:
        """Return the message; :class:`~osbrain.errors.MessageUndecodable` if the frames are not one."""
        try:
            return self.decode(frames)
        except Exception as error:
            raise self.undecodable(error) from error

    def undecodable(self, error: Exception) -> MessageUndecodable:
        """Return what is to be raised for frames that the serializer could not read."""
        return MessageUndecodable(self.name, f'{type(error).__name__}: {error}')


class _Carrier(Codec):
    """Messages that somebody else writes and reads."""

    __slots__ = ()

    def decode(self, frames: Frames) -> Any:
        return frames


# What only Python's programs read.
_OF_OURS = {'batches': True, 'contexts': True}
_msgpack_decode = partial(msgpack_form.decode, over=TRACED)

CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec('raw', lambda name: _raw_dump, _raw, separator=False),
        Codec('pickle', lambda name: _pickle_dump(name, pickle.dumps), pickle.loads, **_OF_OURS, buffers=True),
        Codec(
            'cloudpickle', lambda name: _pickle_dump(name, cloudpickle.dumps), pickle.loads, **_OF_OURS, buffers=True
        ),
        # dill writes NumPy arrays in a way of its own, always inside the pickle: it has no use for further frames.
        Codec('dill', lambda name: _dump_with(name, _dill_encode), dill.loads, **_OF_OURS),
        Codec('json', lambda name: _dump_with(name, _json_encode), _json_decode),
        Codec('msgpack', lambda name: _dump_with(name, msgpack_form.encode), _msgpack_decode, contexts=True),
    )
}

_PLAIN: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    'raw': (_raw, _raw),
    'pickle': (lambda message: pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL), pickle.loads),
    'cloudpickle': (lambda message: cloudpickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL), pickle.loads),
    'dill': (_dill_encode, dill.loads),
    'json': (_json_encode, _json_decode),
    'msgpack': (msgpack_form.encode, _msgpack_decode),
}


def serialize_message(message: Any, serializer: str) -> Any:
    """*message* as bytes (``raw``: as it is); ``ValueError`` for an unknown serializer, ``TypeError`` from JSON."""
    if serializer not in _PLAIN:
        raise OptionInvalid('serializer', serializer, 'one that is supported (it is not supported for serialization)')
    return _PLAIN[serializer][0](message)


def deserialize_message(message: Any, serializer: str) -> Any:
    """Undo :func:`serialize_message`; takes bytes and memoryview."""
    if serializer not in _PLAIN:
        raise OptionInvalid('serializer', serializer, 'one that is supported (it is not supported for deserialization)')
    return _PLAIN[serializer][1](message)


def compose_message(message: bytes, topic: bytes, serializer: AgentAddressSerializer) -> bytes:
    """Write the frame of a publication: topic, separator (unless raw), message."""
    if serializer.requires_separator:
        return topic + TOPIC_SEPARATOR + message
    return topic + message


def prefixed(prefix: bytes, frames: Frames) -> Frames:
    """*frames* with *prefix* in front of the first."""
    if type(frames) is list:
        return [prefix + frames[0], *frames[1:]]
    return prefix + frames  # type: ignore[operator]


def unprefixed(length: int, frames: Frames) -> Frames:
    """*frames* without the first *length* bytes of the first."""
    if type(frames) is list:
        return [frames[0][length:], *frames[1:]]
    return frames[length:]


def head(frames: Frames) -> bytes:
    """Return the first frame."""
    return frames[0] if type(frames) is list else frames  # type: ignore[return-value]


def size_of(frames: Frames) -> int:
    """Return how many bytes these frames are."""
    return sum(map(len, frames)) if type(frames) is list else len(frames)
