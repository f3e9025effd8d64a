"""The listening end of a tap: takes what has arrived, and waits for nothing."""

from __future__ import annotations

import contextlib
from typing import Any

import zmq

from .._protocol.tap_frames import SETTLED_BYTES, SETTLED_COPIES, taken
from .._protocol.topics import SUBSCRIBED
from .._security.key import ClusterKey
from . import places
from .context import Context
from .curve import protect_connected

_NOBLOCK = int(zmq.NOBLOCK)
_EVENTS = int(zmq.EVENTS)
_IN = int(zmq.POLLIN)


class Ear:
    """Connected to the tap at *endpoint*, which *key* protects if there is one."""

    def __init__(self, context: Context, endpoint: str, key: ClusterKey | None) -> None:
        # A SUB that may talk to its publisher.
        self._socket: zmq.Socket[Any] = context.socket(zmq.XSUB)
        try:
            self._socket.setsockopt(zmq.LINGER, 0)
            # How much may be on its way is limited by the tap.
            self._socket.setsockopt(zmq.RCVHWM, 0)
            if key is not None:
                protect_connected(self._socket, key)
            places.allow_ipv6(self._socket, endpoint)
            self._socket.send(SUBSCRIBED)
            self._socket.connect(endpoint)
        except BaseException:
            self._socket.close()
            raise
        #: Readable when something may have arrived since it was last taken; edge-triggered (zmq_getsockopt(3), ZMQ_FD).
        self.fd: int = self._socket.getsockopt(zmq.FD)
        self._copies = self._bytes = 0

    def take(self, most: int) -> list[list[bytes]]:
        """Up to *most* messages that have arrived, in their parts."""
        arrived: list[list[bytes]] = []
        # Looked first: while pyzmq raises Again, its wheels for Python 3.12 and later lose what the handler of a signal
        # raises, so that Ctrl-C would do nothing.
        while len(arrived) < most and int(self._socket.getsockopt(_EVENTS)) & _IN:
            arrived.append(self._socket.recv_multipart(_NOBLOCK))
        return arrived

    def settle(self, size: int) -> None:
        """Note that one more message, of *size* bytes, has been dealt with: others may be sent in its place."""
        self._copies += 1
        self._bytes += size
        if self._copies >= SETTLED_COPIES or self._bytes >= SETTLED_BYTES:
            # Nobody may be there any more.
            with contextlib.suppress(zmq.Again):
                self._socket.send(taken(self._copies, self._bytes), _NOBLOCK)
            self._copies = self._bytes = 0

    def close(self) -> None:
        """Hear nothing more."""
        self._socket.close()
