"""Handlers that want many messages at once: they get a list of whatever was there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ..errors import HandlerInvalid

_F = TypeVar('_F', bound=Callable[..., Any])

_MARK = '_osbrain_batched'


class TurnTaker(Protocol):
    """Knows when the messages that are there have been handed out."""

    def at_turn_end(self, action: Callable[[], None]) -> None:
        """Run *action* then, once."""


def batched(handler: _F) -> _F:
    """Mark a handler (a function, or a method of an agent's class) as wanting lists of messages.

    It is called with a list of all messages that were there when its agent looked, in their order, instead of once for
    each of them. Works for PULL and SUB sockets; ``bind`` and ``connect`` do the same for a socket with ``batch=True``.
    """
    why = 'batched marks functions, and methods where their class is defined'
    if not callable(handler):
        raise HandlerInvalid(handler, why)
    try:
        setattr(handler, _MARK, True)
    except (AttributeError, TypeError):
        raise HandlerInvalid(handler, why) from None
    return handler


def wants_batches(call: Any) -> bool:
    """Whether *call*, or the function that it was made of, was marked by :func:`batched`."""
    return bool(getattr(call, _MARK, False) or getattr(getattr(call, 'func', None), _MARK, False))


class Gathering:
    """Stands before a handler, takes messages one by one and hands them over together."""

    __slots__ = ('_messages', '_turns', 'call')

    def __init__(self, call: Callable[[list[Any]], Any], turns: TurnTaker) -> None:
        self.call = call
        self._turns = turns
        self._messages: list[Any] = []

    def __call__(self, message: Any) -> None:
        if not self._messages:
            self._turns.at_turn_end(self._hand_over)
        self._messages.append(message)

    @property
    def count(self) -> int:
        """How many messages will be handed over."""
        return len(self._messages)

    def _hand_over(self) -> None:
        messages, self._messages = self._messages, []
        self.call(messages)


def gathered(call: Callable[[Any], Any], turns: TurnTaker, always: bool) -> Callable[[Any], Any]:
    """*call*, with a :class:`Gathering` before it if it wants batches or *always*."""
    return Gathering(call, turns) if always or wants_batches(call) else call


def one_by_one(call: Callable[[Any], Any], handler: Any) -> Callable[[Any], Any]:
    """*call*, which answers requests: :class:`~osbrain.errors.HandlerInvalid` if it was marked by :func:`batched`."""
    if wants_batches(call):
        raise HandlerInvalid(handler, 'A handler that answers requests cannot be batched: each has its own reply')
    return call
