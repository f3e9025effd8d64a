"""Exceptions on the road between processes: packed with all that is known, rebuilt as their own type where possible."""

from __future__ import annotations

import pickle
from types import FunctionType
from typing import Any, NamedTuple

import cloudpickle

from ._traceback import format_exception, traceback_of
from .errors import OsBrainError, RemoteError


def format_method_exception(error: BaseException, method: str, args: Any, kwargs: Any) -> BaseException:
    """Make an exception of *error*'s type whose text tells which call failed, with the traceback being handled."""
    return with_text(error, failed_call_text(error, method, args, kwargs))


def failed_call_text(error: BaseException, method: str, args: Any, kwargs: Any) -> str:
    """Write what the caller of a failing method gets to read."""
    return (
        f'Error executing `{method}`! ({text_of(error)})\n'
        f'  method: {method}\n  args: {_shown(args)}\n  kwargs: {_shown(kwargs)}{format_exception()}'
    )


def with_text(error: BaseException, text: str) -> BaseException:
    """Return a copy of *error*, of its type, that reads *text*."""
    try:
        return _reworded(_rebuild(type(error), _args(error), _fields(error)), text)
    except Exception:
        return RemoteError(_name_of(type(error)), text)


def _name_of(cls: type[BaseException]) -> str:
    return f'{cls.__module__}.{cls.__qualname__}'


def _args(error: BaseException) -> tuple[Any, ...]:
    """Return what *error* was made of; an OSError keeps its file beside its args."""
    if isinstance(error, OSError) and error.filename is not None and len(error.args) == 2:
        return (*error.args, error.filename)
    return error.args


def _fields(error: BaseException) -> dict[str, Any]:
    return {name: value for name, value in vars(error).items() if name != '__notes__'}


def _rebuild(cls: type[BaseException], args: tuple[Any, ...], fields: dict[str, Any]) -> BaseException:
    """Make a *cls* with these args without calling a constructor written in Python: nobody knows what it takes."""
    error = cls.__new__(cls, *args)
    builtin = next(
        base
        for base in cls.__mro__
        if '__init__' in vars(base) and not isinstance(vars(base)['__init__'], FunctionType)
    )
    builtin.__init__(error, *args)  # type: ignore[misc]  # the first constructor that is not written in Python
    error.__dict__.update(fields)
    return error


def _reworded(error: BaseException, text: str) -> BaseException:
    if isinstance(error, OsBrainError):
        error.remote_text = text
        return error
    cls, facts = type(error), _args(error)
    error.args = (_Readable(text) if isinstance(error, KeyError) else text,)
    if text in str(error):
        return error
    # OSError, ZMQError and others write their text from fields: a subclass on the spot keeps the type and its fields.
    members = {'__str__': lambda self: text, '__module__': cls.__module__, '__reduce__': _plainly}
    return _rebuild(type(cls.__name__, (cls,), members), facts, _fields(error))


class _Readable(str):
    """A text that a KeyError, which shows the ``repr`` of what it was made of, shows in its lines."""

    __slots__ = ()

    __repr__ = str.__str__


def _plainly(error: BaseException) -> tuple[Any, ...]:
    return _revive, (type(error).__mro__[1], error.args, _fields(error), str(error))


def _revive(cls: type[BaseException], args: tuple[Any, ...], fields: dict[str, Any], text: str) -> BaseException:
    return _reworded(_rebuild(cls, args, fields), text)


class Failure(NamedTuple):
    """An exception as it travels: ``facts`` rebuild it, the rest names it if that cannot be done."""

    facts: bytes | None
    type_name: str
    text: str
    traceback: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Pack *error*, which is being handled or was raised before."""
        return cls(_pack(error), _name_of(type(error)), text_of(error), traceback_of(error))

    def rebuild(self, text: str | None = None) -> BaseException:
        """Make the exception anew, reading *text* if given; a :class:`RemoteError` with its type where that fails."""
        error = _unpack(self.facts)
        if error is None:
            return RemoteError(self.type_name, text or self.text, '' if text else self.traceback)
        return error if text is None else _reworded(error, text)


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except Exception as problem:
        return f'<it cannot be shown: {type(problem).__name__}>'


def text_of(error: BaseException) -> str:
    """Return what *error* says, also if its own text cannot be made."""
    try:
        return str(error)
    except Exception as problem:
        return f'<its text cannot be made: {type(problem).__name__}>'


def _pack(error: BaseException) -> bytes | None:
    """Pack class, args and fields of *error*; parts that cannot be pickled are replaced by their ``repr``."""
    # What ends a process must not end the one that merely asked.
    if not isinstance(error, Exception):
        return None
    args: tuple[Any, ...] = _args(error)
    fields = _fields(error)
    try:
        return bytes(cloudpickle.dumps((type(error), args, fields)))
    except Exception:
        args = tuple(_or_repr(arg) for arg in args)
        fields = {name: _or_repr(value) for name, value in fields.items()}
    try:
        return bytes(cloudpickle.dumps((type(error), args, fields)))
    except Exception:
        return None


def _or_repr(value: Any) -> Any:
    try:
        cloudpickle.dumps(value)
    except Exception:
        return repr(value)
    return value


def _unpack(facts: bytes | None) -> BaseException | None:
    if facts is None:
        return None
    try:
        error = _rebuild(*pickle.loads(facts))
        str(error)
    except Exception:
        return None
    return error
