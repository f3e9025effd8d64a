"""What a value looks like in a few letters: at little cost, however large it is and whatever it does when asked."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

#: The most letters of one value.
LONGEST = 100

# How deep containers are looked into, and at how many of their items.
_DEPTH = 3
_ITEMS = 6
# More digits than these take time, and Python refuses to write 4,300.
_MOST_BITS = 256
# Seconds that the values of one agent may take together.
_PATIENCE = 0.2

# Held by whoever looks; one whose look never ends keeps it, and nobody asks values any more.
_turn = threading.Lock()


def glances(values: Mapping[str, Any], seconds: float = _PATIENCE) -> dict[str, str]:
    """Return what each of *values* looks like, within *seconds*.

    The ``__repr__`` of somebody's class may take long, or never end: it runs in a thread of its own, and values whose
    turn does not come in time are shown as what they are, without being asked.
    """
    found: dict[str, str] = {}
    if _turn.acquire(timeout=seconds):
        done = threading.Event()

        def look() -> None:
            try:
                for name, value in values.items():
                    found[name] = glance(value)
            finally:
                _turn.release()
                done.set()

        try:
            threading.Thread(target=look, name='osbrain-glances', daemon=True).start()
        except RuntimeError:  # there is no room for one more thread
            _turn.release()
        else:
            done.wait(seconds)
    return {name: found.get(name) or glance(value, ask=False) for name, value in values.items()}


def glance(value: Any, ask: bool = True) -> str:
    """Return what *value* looks like; without *ask*, objects of classes written in Python are not asked themselves."""
    return _cut(_looked_at(value, _DEPTH, ask))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + '…'


def _looked_at(value: Any, depth: int, ask: bool) -> str:
    try:
        return _text(value, depth, ask)
    except BaseException as error:  # whatever a stranger's __repr__ raises is no concern of whoever looks
        return f'<{type(value).__name__}, whose repr failed: {type(error).__name__}>'


def _text(value: Any, depth: int, ask: bool) -> str:
    # The value itself is asked for nothing, not even for its __class__: it may be a proxy of something far away.
    cls: Any = type(value)
    show = next((show for classes, show in _SHOWN if issubclass(cls, classes)), None)
    if show is not None:
        return show(value, cls)
    if issubclass(cls, _CONTAINERS):
        return _container(value, cls, depth, ask)
    if '__dataclass_fields__' in vars(cls) and cls.__dataclass_params__.repr:
        return _dataclass(value, cls, depth, ask)
    if (cls.__module__, cls.__name__) == ('numpy', 'ndarray'):
        return f'<ndarray {value.dtype} {value.shape}>'
    silent = cls.__repr__ == object.__repr__ or (isinstance(cls.__repr__, FunctionType) and not ask)
    return f'<{cls.__name__}>' if silent else repr(value)


def _enum(value: Any, cls: Any) -> str:
    return f'{cls.__name__}.{value._name_}'


def _integer(value: Any, cls: Any) -> str:
    bits = int.bit_length(value)
    return f'<int of {bits} bits>' if bits > _MOST_BITS else repr(value) if cls is bool else int.__repr__(value)


def _letters(value: Any, cls: Any) -> str:
    base: Any = next(one for one in _LETTERS if issubclass(cls, one))
    return repr(base.__getitem__(value, slice(LONGEST)))


def _named(value: Any, cls: Any) -> str:
    return f'<{_WORDS.get(cls, "class")} {value.__name__}>'


def _container(value: Any, cls: Any, depth: int, ask: bool) -> str:
    opening, closing = _BRACKETS.get(cls, (f'{cls.__name__}(', ')'))
    base: Any = next(one for one in _CONTAINERS if issubclass(cls, one))
    # Taken in one go, by the builtin's own method: its agent may be changing it, and no code of others runs meanwhile.
    items = list(islice(dict.items(value) if base is dict else base.__iter__(value), _ITEMS + 1))
    if not items:
        return f'{cls.__name__}()' if cls not in (list, tuple, dict) else opening + closing
    if not depth:
        return f'{opening}…{closing}'
    if base is dict:
        shown = [f'{_looked_at(key, depth - 1, ask)}: {_looked_at(one, depth - 1, ask)}' for key, one in items]
    else:
        shown = [_looked_at(one, depth - 1, ask) for one in items]
    return f'{opening}{_joined(shown, cls)}{closing}'


def _dataclass(value: Any, cls: Any, depth: int, ask: bool) -> str:
    if not depth:
        return f'{cls.__name__}(…)'
    named = islice((one.name for one in fields(cls) if one.repr), _ITEMS + 1)
    # No __getattr__ of its own is asked either.
    shown = [f'{name}={_looked_at(object.__getattribute__(value, name), depth - 1, ask)}' for name in named]
    return f'{cls.__name__}({_joined(shown, cls)})'


def _joined(shown: list[str], cls: type) -> str:
    if len(shown) > _ITEMS:
        return ', '.join([*shown[:_ITEMS], '…'])
    return ', '.join(shown) + (',' if cls is tuple and len(shown) == 1 else '')


_LETTERS = (str, bytes, bytearray)
_CONTAINERS = (dict, list, tuple, set, frozenset, deque)
_BRACKETS = {list: ('[', ']'), tuple: ('(', ')'), set: ('{', '}'), dict: ('{', '}')}
_WORDS = {FunctionType: 'function', BuiltinFunctionType: 'function', MethodType: 'method', ModuleType: 'module'}
# The first that a value's class is one of says how it is shown; an enumeration may be of numbers or texts.
_SHOWN: tuple[tuple[tuple[type, ...], Callable[[Any, Any], str]], ...] = (
    ((Enum,), _enum),
    ((int,), _integer),
    (_LETTERS, _letters),
    ((type, *_WORDS), _named),
)
