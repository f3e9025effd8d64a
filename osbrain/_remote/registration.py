"""An agent's entry in its name server's book: made, kept up to date, and made again when the name server is back."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace

from ..address import SocketAddress
from ..errors import OsBrainError
from .errors import NameTaken
from .link import nameserver_link
from .status import AgentStatus, Succession, Welcome

# How long the first registration may take, one message to the name server later, and the last one.
_ENROLL = 10.0
_MESSAGE = 2.0
_FAREWELL = 1.0


class Registration:
    """What the name server at *address* knows of an agent; *entry* says it the first time.

    With *succession*, it takes the name of another one.
    """

    def __init__(self, address: SocketAddress, entry: AgentStatus, succession: Succession | None = None) -> None:
        self._ns = nameserver_link(address)
        self._entry = entry
        self._succession = succession
        self._reports = 0
        #: Whether the name was given up, for good.
        self.removed = False
        #: Whether the name server sees by itself when the agent's process ends.
        self.watched = False
        # One message at a time, so that they arrive in order, by one connection.
        self._lock = threading.Lock()

    @property
    def lease(self) -> float:
        """Seconds within which the name server has to hear of an agent that it does not see."""
        return self._entry.lease

    def enroll(self) -> int:
        """Enter the agent; :class:`NameTaken` if another one has its name. How often all agents were told to end."""
        with self._lock:
            return self._enroll(_ENROLL, self._succession)

    def _enroll(self, timeout: float, succession: Succession | None = None) -> int:
        welcome: Welcome = self._ns.call('unsafe', 'enroll', (self._entry, succession), {}, timeout=timeout)
        self.watched = welcome.watched
        return welcome.shutdowns

    def renew(self) -> int | None:
        """Have the name server know the agent still, or again; ``None`` if nobody answers there.

        Returns a descriptor, the caller's to close, that hangs up when the name server ends. :class:`NameTaken` if
        another agent has got the name meanwhile.
        """
        with self._lock:
            if self.removed:
                return None
            try:
                known = self._ns.call('unsafe', 'renew', (self._entry.name, self._entry.uri), {}, timeout=_MESSAGE)
                if not known:
                    self._enroll(_MESSAGE)
            except NameTaken:
                self.removed = True
                raise
            except OsBrainError:
                return None
            return self._ns.idle_descriptor()

    def line(self) -> int | None:
        """Return a descriptor as :meth:`renew` does, of the connection that is there."""
        with self._lock:
            return self._ns.idle_descriptor()

    def report(self, state: str, reason: str | None) -> None:
        """Tell the name server how the agent is."""
        with self._lock:
            self._reports += 1
            self._entry = entry = replace(self._entry, state=state, reason=reason)
            if not self.removed:
                with contextlib.suppress(OsBrainError):
                    args = (entry.name, entry.uri, self._reports, state, reason)
                    self._ns.tell('unsafe', 'report', args, {}, timeout=_FAREWELL)

    def remove(self, why: str) -> None:
        """Give the name back, for good."""
        with self._lock:
            if self.removed:
                return
            self.removed = True
            with contextlib.suppress(OsBrainError):
                self._ns.call('unsafe', 'remove_at', (self._entry.name, self._entry.uri, why), {}, timeout=_FAREWELL)
