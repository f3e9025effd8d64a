"""Listens to what goes through the sockets of running agents, several at once."""

from __future__ import annotations

import socket
from collections import deque
from typing import Any, TypeVar

from .._agent.places import endpoint_of
from .._agent.protection import checked_serializer, protection_of_connected
from .._clock import Deadline, monotonic
from .._io.context import give_back, new_context
from .._io.ear import Ear
from .._io.errors import ZMQError
from .._io.poller import wait_readable
from .._protocol.timerheap import checked_seconds
from .._remote.addresses import nameserver_address
from .._remote.agent_link import AgentLink
from .._remote.errors import AgentGone, NotAnswering, UnknownName
from .._remote.link import Link, nameserver_link
from .._remote.locating import locate_ns
from .._remote.status import AgentStatus
from .._security.policy import EXECUTING
from ..errors import KeyUnusable, Unprotected, WaitTimeout
from .observation import Observation, Source
from .tapped import Tapped

__all__ = ['Listener', 'Observation', 'Source']

_L = TypeVar('_L', bound='Listener')

# How many copies are taken from one source before the others get their turn.
_A_TURN = 100
# How long the last words of an agent that has ended may take to arrive, in seconds.
_LAST_WORDS = 0.2
# Of the time for a source, this share is for the first way of getting there.
_SHARE = 0.5


class Listener:
    """Takes part in nothing and is noticed by nobody: agents go on as if it were not there.

    Parameters
    ----------
    nsaddr
        Address of the name server; ``OSBRAIN_NAMESERVER_ADDRESS`` if there is none.
    timeout : float
        Seconds that finding the name server may take, and adding a source.

    Of one thread; a context manager. ``TimeoutError`` if no name server answers.

    """

    def __init__(self, nsaddr: Any = None, timeout: float = 3.0) -> None:
        self._nsaddr = nameserver_address(nsaddr)
        self._timeout = checked_seconds(timeout, 'timeout')
        locate_ns(self._nsaddr, self._timeout)
        self._context = new_context()
        self._tapped: list[Tapped] = []
        self._ready: deque[tuple[Tapped, Observation, int]] = deque()
        self._all_ended: float | None = None

    def add(self, name: str, alias: str, topic: str | bytes = '') -> Source:
        """Listen to the socket *alias* of the agent *name* from now on, too.

        Of a publisher or subscriber only to what has a topic that begins with *topic*, if there is one. What a
        publisher publishes is heard also if nobody is subscribed to it.

        Errors: ``UnknownName``, ``UnknownAlias`` (a ``KeyError``), ``TopicInvalid``; ``NotAnswering`` (a
        ``TimeoutError``) if the agent does not answer in time, ``AgentGone`` if its process has ended;
        ``SerializerForbidden`` if reading it might run code, where ``OSBRAIN_ALLOW_PICKLE`` is off.
        """
        deadline = Deadline(self._timeout)
        record = self._find(name, deadline)
        link = AgentLink(name, record.uri, self._nsaddr)
        near = record.host == socket.gethostname()
        try:
            tapped = self._tap(link, (name, alias, topic), ('ipc', 'tcp') if near else ('tcp',), deadline)
        except BaseException:
            link.release()
            raise
        self._tapped.append(tapped)
        self._all_ended = None
        return tapped.source

    def _find(self, name: str, deadline: Deadline) -> AgentStatus:
        directory = nameserver_link(self._nsaddr)
        try:
            known: dict[str, AgentStatus] = directory.call('unsafe', 'status', (), {}, timeout=deadline.left)
        finally:
            directory.release()
        if name not in known:
            raise UnknownName(name, str(self._nsaddr))
        record = known[name]
        if record.state == 'gone':
            raise AgentGone(f'agent {name!r}', record.reason or 'its process has ended')
        return record

    def _tap(self, link: Link, wanted: tuple[str, str, Any], ways: tuple[str, ...], deadline: Deadline) -> Tapped:
        """Have the agent open a tap, by the first of *ways* that leads there."""
        way, *others = ways
        try:
            return self._tap_by(link, wanted, way, deadline.left_or(self._timeout) * (_SHARE if others else 1))
        except (WaitTimeout, NotAnswering, KeyUnusable, Unprotected, OSError, ZMQError):
            # It may have another folder for sockets, as in a container, or one that is not closed to others.
            if not others or deadline.expired:
                raise
        return self._tap(link, wanted, tuple(others), deadline)

    def _tap_by(self, link: Link, wanted: tuple[str, str, Any], way: str, seconds: float) -> Tapped:
        deadline = Deadline(seconds)
        name, alias, topic = wanted
        place = link.call('tap', alias, topic, way, timeout=seconds)
        if place.framing.serializer in EXECUTING:
            checked_serializer(place.framing.serializer)
        protection = protection_of_connected(None, None, place.address)
        ear = Ear(self._context, endpoint_of(place.address), protection.key)
        try:
            left = deadline.left_or(seconds)
            link.call('tap_begin', place.number, left, timeout=left + 0.5)
        except BaseException:
            ear.close()
            raise
        source = Source(name, alias, place.framing.kind, place.framing.serializer)
        return Tapped(source, place, link, ear)

    def next(self, seconds: float | None = None) -> Observation | None:
        """Return what is seen next; ``None`` if it is nothing within *seconds* (``None``: for ever).

        Also ``None``, at once, if every source has ended and will say nothing more.
        """
        deadline = Deadline(seconds)
        while not self._ready:
            more = self._take_turns()
            if self._ready:
                break
            if deadline.expired or self._is_over():
                return None
            if not more:
                descriptors = [fd for tapped in self._tapped for fd in tapped.descriptors()]
                wait_readable(descriptors, deadline.left if self._all_ended is None else deadline.left_or(_LAST_WORDS))
        tapped, observation, size = self._ready.popleft()
        tapped.settle(size)
        return observation

    def _take_turns(self) -> bool:
        """Take from each source what is there; whether something was."""
        came = False
        for tapped in self._tapped:
            tapped.look_for_end()
            taken = tapped.take(_A_TURN)
            self._ready.extend((tapped, *one) for one in taken)
            came = came or bool(taken)
        return came

    def _is_over(self) -> bool:
        """Whether nobody is left to be heard."""
        if not self._tapped:
            return True
        if not all(tapped.ended for tapped in self._tapped):
            return False
        if self._all_ended is None:
            self._all_ended = monotonic()
        return monotonic() >= self._all_ended + _LAST_WORDS

    @property
    def missed(self) -> int:
        """How many were dropped on their way here, by agents that wait for nobody who looks on.

        What was sent together (``send_many``) counts as one.
        """
        return sum(tapped.missed for tapped in self._tapped)

    def missed_of(self, source: Source) -> int:
        """As :attr:`missed`, of one source."""
        return sum(tapped.missed for tapped in self._tapped if tapped.source == source)

    def lost(self) -> list[Source]:
        """Return the sources that will say nothing more: their agents have ended, or their sockets were closed."""
        for tapped in self._tapped:
            tapped.look_for_end()
        return [tapped.source for tapped in self._tapped if tapped.ended]

    def finish(self, seconds: float) -> None:
        """Have agents, which may take *seconds*, stop copying: what they have copied until now still comes.

        After that :meth:`next` returns ``None``.
        """
        deadline = Deadline(seconds)
        for tapped in self._tapped:
            tapped.finish(deadline.left_or(seconds))

    def close(self) -> None:
        """Listen no more; agents stop copying."""
        while self._tapped:
            self._tapped.pop().close()
        give_back(self._context, set())

    def __enter__(self: _L) -> _L:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
