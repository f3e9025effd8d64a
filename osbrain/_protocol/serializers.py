"""Messages to frames and back, one codec for each serializer; large buffers travel beside the pickle, uncopied."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cloudpickle
import dill

from .._config import config
from ..address import AgentAddressSerializer
from ..errors import MessageInvalid, MessageUndecodable, OptionInvalid

TOPIC_SEPARATOR = b'\x80'

# Ends the first frame of a message whose buffers follow in frames of their own. A pickle ends with its STOP opcode, a
# dot, so no message in one frame ends like this (https://docs.python.org/3/library/pickletools.html).
MORE_FRAMES = b'\x00osbrain+'

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


def _pickle_encoder(dumps: Callable[..., bytes]) -> Callable[[Any], Frames]:
    def encode(message: Any) -> Frames:
        buffers: list[memoryview] = []
        least = config['OUT_OF_BAND_MIN']

        def in_band(buffer: pickle.PickleBuffer) -> bool:
            try:
                view = buffer.raw()
            except BufferError:  # not contiguous
                return True
            if view.nbytes < least:
                return True
            buffers.append(view)
            return False

        if type(message) is bytes and len(message) >= least:
            message = _Bytes(message)
        data = dumps(message, protocol=pickle.HIGHEST_PROTOCOL, buffer_callback=in_band)
        return [data + MORE_FRAMES, *buffers] if buffers else data

    return encode


def _pickle_decode(frames: Frames) -> Any:
    if type(frames) is list:
        return pickle.loads(frames[0][: -len(MORE_FRAMES)], buffers=frames[1:])
    return pickle.loads(frames)  # type: ignore[arg-type]


def _dill_encode(message: Any) -> bytes:
    return bytes(dill.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))


def _json_encode(message: Any) -> bytes:
    return json.dumps(message).encode()


def _json_decode(data: Any) -> Any:
    return json.loads(bytes(data).decode())


def _raw(message: Any) -> Any:
    return message


class Codec(NamedTuple):
    """How one serializer makes frames of a message and a message of frames."""

    name: AgentAddressSerializer
    encode: Callable[[Any], Frames]
    decode: Callable[[Any], Any]
    #: Whether a topic is told from the message by a separator byte.
    separator: bool
    #: Whether a message may have buffers in further frames.
    buffers: bool

    def dump(self, message: Any) -> Frames:
        """Frames of *message*; :class:`~osbrain.errors.MessageInvalid` if the serializer cannot express it."""
        try:
            return self.encode(message)
        except Exception as error:
            raise MessageInvalid(self.name, type(message).__name__, f'{type(error).__name__}: {error}') from error

    def load(self, frames: Frames) -> Any:
        """Return the message; :class:`~osbrain.errors.MessageUndecodable` if the frames are not one."""
        try:
            return self.decode(frames)
        except Exception as error:
            raise MessageUndecodable(self.name, f'{type(error).__name__}: {error}') from error


class _RawCodec(Codec):
    """Bytes in, bytes out."""

    __slots__ = ()

    def dump(self, message: Any) -> Frames:
        if not isinstance(message, (bytes, bytearray, memoryview)):
            try:
                message = memoryview(message)
            except TypeError:
                raise MessageInvalid(self.name, type(message).__name__, 'raw carries bytes only') from None
        return message if type(message) is bytes else bytes(message)

    def load(self, frames: Frames) -> Any:
        return frames


CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        _RawCodec(AgentAddressSerializer('raw'), _raw, _raw, separator=False, buffers=False),
        Codec(
            AgentAddressSerializer('pickle'),
            _pickle_encoder(pickle.dumps),
            _pickle_decode,
            separator=True,
            buffers=True,
        ),
        Codec(
            AgentAddressSerializer('cloudpickle'),
            _pickle_encoder(cloudpickle.dumps),
            _pickle_decode,
            separator=True,
            buffers=True,
        ),
        # dill writes NumPy arrays in a way of its own, always inside the pickle: it has no use for further frames.
        Codec(AgentAddressSerializer('dill'), _dill_encode, dill.loads, separator=True, buffers=False),
        Codec(AgentAddressSerializer('json'), _json_encode, _json_decode, separator=True, buffers=False),
    )
}

_PLAIN: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    'raw': (_raw, _raw),
    'pickle': (lambda message: pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL), pickle.loads),
    'cloudpickle': (lambda message: cloudpickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL), pickle.loads),
    'dill': (_dill_encode, dill.loads),
    'json': (_json_encode, _json_decode),
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


def as_sequence(frames: Frames) -> Sequence[Any]:
    """All frames, in order."""
    return frames if type(frames) is list else (frames,)
