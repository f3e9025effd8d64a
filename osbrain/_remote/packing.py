"""Calls and answers as bytes: packed by us, so that what cannot be packed is an error of its own and hangs nobody."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

import cloudpickle

from .._failures import Failure
from ..address import AgentAddress, AgentChannel, SocketAddress
from ..errors import MessageUndecodable, Unpicklable

# pickle writes these ten times as fast as cloudpickle and just as well: none of them refers to code of the user's.
_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, AgentAddress, AgentChannel, SocketAddress})
_FEW = 16

_RESULT = b'+'
_FAILURE = b'!'


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind in (tuple, list):
        return len(value) <= _FEW and _all_plain(value)
    if kind is dict:
        return len(value) <= _FEW and _all_plain(value) and _all_plain(value.values())
    return kind in _ATOMS


def _all_plain(values: Iterable[Any]) -> bool:
    for value in values:  # noqa: SIM110  (a generator costs more than what it goes through)
        if type(value) not in _ATOMS and not _is_plain(value):
            return False
    return True


def pack(value: Any, what: str = 'the result') -> bytes:
    """*value* as bytes; :class:`~osbrain.errors.Unpicklable` if it cannot leave the process."""
    try:
        if _is_plain(value):
            return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        return bytes(cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))
    except Exception as error:
        raise Unpicklable(what, f'{type(error).__name__}: {error}') from error


def unpack(data: bytes) -> Any:
    """Return what :func:`pack` packed; :class:`~osbrain.errors.MessageUndecodable` if this process cannot make it."""
    try:
        return pickle.loads(data)
    except Exception as error:
        raise MessageUndecodable('cloudpickle', f'{type(error).__name__}: {error}') from error


def pack_result(value: Any) -> bytes:
    """Pack an answer."""
    return _RESULT + pack(value)


def pack_failure(error: BaseException, text: str | None = None) -> bytes:
    """Pack the answer to a call that failed; *text* is what the caller reads, if not the error's own."""
    return _FAILURE + pickle.dumps((tuple(Failure.of(error)), text))


def outcome(answer: bytes) -> Any:
    """Return the value of an answer, or raise what it says was raised, with the other end's traceback as its cause."""
    if answer[:1] == _RESULT:
        return unpack(answer[1:])
    facts, text = pickle.loads(answer[1:])
    failure = Failure(*facts)
    error = failure.rebuild(text)
    if text is None:
        error.__cause__ = RemoteTraceback(failure.traceback)
    raise error


class RemoteTraceback(Exception):
    """Shows the other process's traceback above the one of the caller."""

    def __str__(self) -> str:
        return '\n\n"""\n' + str(self.args[0]) + '"""'
