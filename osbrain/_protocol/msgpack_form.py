"""Messages as MessagePack (https://msgpack.org): compact, read by programs in many languages, and runs no code."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any, NoReturn

from ..errors import OptionInvalid

_KEYS = frozenset({str, bytes})
_ATOMS = frozenset({type(None), bool, int, float, str, bytes})
# From here on what the parts of a message say of their sizes is looked at before any of them is made.
_LARGE = 4096


@cache
def package() -> ModuleType:
    """Return the package that does the work; :class:`~osbrain.errors.OptionInvalid` where it is not installed."""
    try:
        import msgpack  # noqa: PLC0415  (tests/test_house.py, HIDDEN_IMPORTS)
    except ImportError:
        raise OptionInvalid(
            'serializer', 'msgpack', "one whose package is installed (pip install 'osbrain[msgpack]')"
        ) from None
    return msgpack  # type: ignore[no-any-return]


def encode(message: Any) -> bytes:
    """Return the bytes of *message*: what JSON can say, and bytes; tuples are written as lists."""
    data: bytes = package().packb(message, default=_refuse)
    # Afterwards: a message in a circle has failed by now.
    _check_keys(message)
    return data


def _refuse(value: Any) -> NoReturn:
    hint = 'array.tolist() or array.tobytes() can be sent' if hasattr(value, 'tobytes') else 'it has no such form'
    raise TypeError(f'a {type(value).__name__} cannot be written as msgpack ({hint})')


def _check_keys(message: Any) -> None:
    """Refuse keys that the other end refuses, because whoever chooses numbers for keys can make a dictionary slow."""
    if isinstance(message, dict):
        if not set(map(type, message)) <= _KEYS and not all(isinstance(key, (str, bytes)) for key in message):
            raise TypeError('keys must be text or bytes')
        parts: Any = message.values()
    elif isinstance(message, (list, tuple)):
        parts = message
    else:
        return
    if not set(map(type, parts)) <= _ATOMS:
        for part in parts:
            _check_keys(part)


def decode(data: Any, over: bytes | None = None) -> Any:
    """Return the message in *data*; ``ValueError`` if there is none, or something after it.

    What comes after it and ends with *over* is read over.
    """
    msgpack = package()
    if len(data) >= _LARGE:
        # A list says first how long it is, and memory is taken for so many; a few bytes can promise a lot, each list
        # within the one before. Going through them takes none.
        walker = msgpack.Unpacker(max_buffer_size=len(data))
        walker.feed(data)
        walker.skip()
    try:
        return msgpack.unpackb(data, strict_map_key=True, ext_hook=_no_extension)
    except msgpack.ExtraData as error:
        if over is None or not error.extra.endswith(over):
            raise
        return error.unpacked


def _no_extension(code: int, data: bytes) -> NoReturn:
    raise ValueError(f'extensions (number {code}, {len(data)} bytes) are not read')
