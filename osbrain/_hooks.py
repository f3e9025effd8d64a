"""Instruments: what a program wants to be told of an agent's life, and nothing at all while nobody wants it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from .errors import OptionInvalid


class SocketInfo(NamedTuple):
    """Which socket or channel of which agent something is told of."""

    agent: str
    #: How its agent calls it; its address, as text, if it has no alias.
    alias: str
    #: ``'PUSH'``, ``'PULL'``, … or the channel's kind: ``'ASYNC_REP'``, ``'ASYNC_REQ'``, ``'SYNC_PUB'`` …
    kind: str


class Instrument:
    """Is told what an agent does; override what you want to know. The methods are called in this order.

    An instrument that raises is logged once and removed; the agent goes on. What an instrument itself sends or logs is
    not told, and neither are sockets whose alias begins with an underscore. All times are in seconds.
    """

    def added(self, agent: Any) -> None:
        """Begin: the instrument was added to *agent*, and is told what happens from now on."""

    def before_run(self) -> None:
        """Prepare for the agent's loop, which is about to begin."""

    def opened(self, socket: SocketInfo) -> None:
        """Note a socket that was bound or connected; those that were there when the instrument was added come too."""

    def before_send(self, socket: SocketInfo, topic: Any) -> None:
        """Note that one message, or several with ``send_many``, are about to be sent; in the thread that sends."""

    def after_send(
        self, socket: SocketInfo, topic: Any, count: int, seconds: float, error: BaseException | None
    ) -> None:
        """Note that *count* messages were sent, or not, because of *error*; *seconds* includes writing and waiting."""

    def before_handling(self, socket: SocketInfo) -> None:
        """Note that a message, request or reply, or a list of messages, is about to be handled."""

    def after_handling(self, socket: SocketInfo, count: int, seconds: float, error: BaseException | None) -> None:
        """Note that the handler of *count* messages has returned, or raised *error*; *seconds* includes decoding."""

    def before_timer(self, alias: Any) -> None:
        """Note that the action of a timer is about to begin."""

    def after_timer(self, alias: Any, seconds: float, error: BaseException | None) -> None:
        """Note that the action of a timer has ended."""

    def before_call(self, method: str) -> None:
        """Note that the loop is about to run a method for somebody outside."""

    def after_call(self, method: str, seconds: float, error: BaseException | None) -> None:
        """Note that a method has ended that the loop ran for somebody outside."""

    def closed(self, socket: SocketInfo) -> None:
        """Note that a socket is about to be closed."""

    def after_run(self, reason: str) -> None:
        """Note that the agent's loop has ended, and why."""

    def removed(self) -> None:
        """End: the instrument was removed, or the agent has ended."""


_OF_MESSAGES = ('before_send', 'after_send', 'before_handling', 'after_handling')


class Instruments:
    """The instruments of one agent; *complain* logs that one has failed."""

    def __init__(self, complain: Callable[[str], None]) -> None:
        self._complain = complain
        self._lock = threading.Lock()
        self._newest = 0
        self._there: dict[int, Instrument] = {}
        # Which of them have a method of each name that does anything: nobody is called for nothing.
        self._told: dict[str, tuple[tuple[int, Callable[..., None]], ...]] = {}
        self._telling = threading.local()

    def __len__(self) -> int:
        return len(self._there)

    def told_of_messages(self) -> bool:
        """Whether any of them wants to know what is sent or handled."""
        return any(self._told.get(name) for name in _OF_MESSAGES)

    def add(self, instrument: Any) -> int:
        """Tell *instrument* too; returns what :meth:`remove` takes."""
        if not isinstance(instrument, Instrument):
            raise OptionInvalid('instrument', instrument, 'an object of a class that is made from osbrain.Instrument')
        with self._lock:
            self._newest += 1
            self._there[self._newest] = instrument
            self._sort()
            return self._newest

    def remove(self, which: Any) -> None:
        """Tell one no more, given by its number or itself; one that has gone already may be removed again."""
        with self._lock:
            number = which
            if isinstance(which, Instrument):
                number = next((key for key, one in self._there.items() if one is which), None)
            if type(number) is not int or not 1 <= number <= self._newest:
                raise OptionInvalid('which', which, 'what add_instrument() returned, or the instrument itself')
            gone = self._there.pop(number, None)
            self._sort()
        if gone is not None:
            self._call(0, gone.removed)

    def end(self) -> None:
        """Remove all of them."""
        for number in list(self._there):
            self.remove(number)

    def _sort(self) -> None:
        self._told = {
            name: tuple(
                (number, getattr(one, name))
                for number, one in self._there.items()
                if getattr(type(one), name) is not getattr(Instrument, name) or name in vars(one)
            )
            for name in vars(Instrument)
            if not name.startswith('_')
        }

    def tell(self, what: str, *args: Any) -> None:
        """Call the method *what* of each."""
        for number, call in self._told.get(what, ()):
            self._call(number, call, *args)

    def tell_one(self, number: int, what: str, *args: Any) -> None:
        """Call the method *what* of one."""
        for one, call in self._told.get(what, ()):
            if one == number:
                self._call(number, call, *args)

    def _call(self, number: int, call: Callable[..., None], *args: Any) -> None:
        if getattr(self._telling, 'now', False):
            return
        self._telling.now = True
        try:
            call(*args)
        except Exception as error:
            with self._lock:
                there = self._there.pop(number, None)
                self._sort()
            if there is not None or not number:
                name = getattr(call, '__qualname__', repr(call))
                self._complain(f'{name} of an instrument failed, so it was removed: {type(error).__name__}: {error}')
        finally:
            self._telling.now = False
