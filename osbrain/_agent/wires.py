"""The ZeroMQ sockets of one agent: made in one context, given back with it, also when the agent is just forgotten."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from .._config import get_linger
from .._io.context import Context, give_back, new_context
from .._io.curve import protect_bound, protect_connected
from .._io.gate import Gate
from .._io.poller import Interruption
from .._io.refusals import BoundEnd, ConnectedEnd
from .._io.wire import SocketWire
from .._security.key import ClusterKey


class _Report:
    """Logs as the agent's own machinery does; does not keep the agent, which may be forgotten meanwhile."""

    def __init__(self, owner: weakref.ref[Any]) -> None:
        self._owner = owner

    def __call__(self, level: str, text: str) -> None:
        core = self._owner()
        if core is not None:
            core.log(level, text)


class Wires:
    """Makes the sockets of *owner*, and ends ZeroMQ's work for them."""

    def __init__(
        self, owner: Any, touched: Callable[[SocketWire], None], interruption: Callable[[], Interruption | None]
    ) -> None:
        self._owner = weakref.ref(owner)
        self._touched = touched
        self._interruption = interruption
        self._context: Context | None = None
        self._sockets: set[Any] = set()
        self._open: set[SocketWire] = set()
        self._overflows = 0
        self._gate: Gate | None = None
        self._ender: threading.Thread | None = None

    def make(self, kind: int, hwm: int | None = None, conflate: bool = False) -> SocketWire:
        """Make a new socket of ZeroMQ type *kind*."""
        if self._context is None:
            self._context = new_context()
            # An agent that is built locally and forgotten gives its sockets back too, with their linger.
            weakref.finalize(self._owner(), give_back, self._context, self._sockets)
        made = SocketWire(
            self._context,
            kind,
            get_linger(),
            self._touched,
            self._interruption,
            hwm,
            self._forget,
            conflate,
        )
        self._sockets.add(made.socket)
        self._open.add(made)
        return made

    def protect_bound(self, wire: SocketWire, key: ClusterKey) -> None:
        """Have *wire*, which is about to be bound, talk to those who have *key* or another one that is accepted."""
        protect_bound(wire.socket, key)
        self._gate_of(wire).watch(wire.socket, BoundEnd())

    def protect_connected(self, wire: SocketWire, key: ClusterKey) -> None:
        """Have *wire*, which is about to be connected, talk to a server that has *key*."""
        protect_connected(wire.socket, key)
        wire.end = ConnectedEnd()
        self._gate_of(wire).watch(wire.socket, wire.end)

    def _gate_of(self, wire: SocketWire) -> Gate:
        if self._gate is None:
            self._gate = Gate(wire.socket.context, _Report(self._owner))
        return self._gate

    def _forget(self, wire: SocketWire) -> None:
        self._sockets.discard(wire.socket)
        self._open.discard(wire)
        self._overflows += wire.overflows

    @property
    def overflows(self) -> int:
        """How often the queue of a subscriber ran full."""
        return self._overflows + sum(wire.overflows for wire in list(self._open))

    @property
    def refused(self) -> int:
        """How many connections were refused for want of the right key, by this end or the other."""
        return 0 if self._gate is None else self._gate.refused

    def terminate(self, seconds: float) -> None:
        """Begin the end of ZeroMQ's work; wait at most *seconds* until closed sockets have delivered what they may."""
        context, self._context = self._context, None
        if context is not None:
            self._ender = threading.Thread(target=context.term, name='osbrain-linger', daemon=True)
            self._ender.start()
        self.wait_delivered(seconds)

    def wait_delivered(self, seconds: float | None) -> None:
        """Wait on for what :meth:`terminate` has begun."""
        if self._ender is not None:
            self._ender.join(seconds)
