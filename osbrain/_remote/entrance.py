"""The side that is connected to: nobody is served, and nothing that was sent is read, before the key was shown."""

from __future__ import annotations

import contextlib
import socket
from typing import Any, Protocol

import Pyro4.message
import Pyro4.socketutil
import Pyro4.util
from Pyro4.socketserver.threadpoolserver import ClientConnectionJob

from .._clock import Deadline
from .._config import handshake_timeout, message_limit
from .._security.keyring import keyring
from .._security.refusals import refusals
from ..errors import OsBrainError
from .channel import Channel
from .greeting import begin_tls, needs_tls, receive, send, wrapped
from .handshake import HELLO_SIZE, PROOF_SIZE, Full, HandshakeFailed, OtherKey, ServerHandshake

_PYRO = b'PYRO'
_USE_PROXIES = 'osbrain serves only who shows the cluster key: use osbrain.Proxy and osbrain.NSProxy, not Pyro4 itself'
# What somebody may still have been sending when they were refused; as long as it is unread, the refusal may be lost.
_REST = 65536


class BarePyro(HandshakeFailed):
    """Somebody speaks Pyro4 without anything below it; they are told so in its words."""

    @property
    def answer(self) -> bytes:  # type: ignore[override]
        serializer = Pyro4.util.MarshalSerializer
        data, _ = serializer().serializeData(_USE_PROXIES, False)
        message = Pyro4.message
        return bytes(message.Message(message.MSG_CONNECTFAIL, data, serializer.serializer_id, 0, 0).to_bytes())


def _check_magic(said: bytes) -> None:
    if said.startswith(_PYRO):
        raise BarePyro('it speaks Pyro4 without the cluster key')
    ServerHandshake.check_magic(said)


class Hall(Protocol):
    """Who is there: those who have shown the key, and those who have yet to."""

    @property
    def full(self) -> bool:
        """Whether nobody more can be served."""

    def admit(self, visit: Visit) -> None:
        """Count *visit* among those who have shown the key."""


class Visit(ClientConnectionJob):  # type: ignore[misc]
    """One connection, from its first byte to its last, in a thread of its own."""

    def __init__(self, job: Any, hall: Hall) -> None:
        # Pyro4's wrapper would close the socket, which is ours from now on, when nobody knows the wrapper any more.
        job.csock.keep_open = True
        super().__init__(job.csock.sock, job.caddr, job.daemon)
        self.csock.keep_open = True
        self._sock: socket.socket = job.csock.sock
        self._host = str(job.caddr[0])
        self._hall = hall

    def turn_away(self) -> None:
        """Close the connection, from another thread."""
        with contextlib.suppress(OSError):
            # As a plain socket: TLS is left to the thread that is in the middle of it.
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, which no thread serves."""
        self._sock.close()

    def handleConnection(self) -> bool:  # noqa: N802  (Pyro4's name)
        """Whether the other end has shown the key; what follows is Pyro4's, through a channel."""
        served = False
        try:
            deadline = Deadline(handshake_timeout())
            served = self._is_let_in(deadline)
        except OsBrainError as error:  # what is wrong here, and not there
            refusals.note(self._host, f'refused a connection: {error}')
        finally:
            if not served:
                self.close()
        return served

    def _is_let_in(self, deadline: Deadline) -> bool:
        try:
            self.csock = self._channel(deadline)
            return True
        except HandshakeFailed as failed:
            self._refuse(failed, deadline)
        except TimeoutError:
            limit = f'{deadline.seconds:g} s'
            refusals.note(self._host, f'closed a connection that had not shown the cluster key within {limit}')
        except (OSError, ValueError):
            pass  # It went away, or was closed to make room.
        return False

    def _channel(self, deadline: Deadline) -> Channel:
        usual = self._sock.gettimeout()
        Pyro4.socketutil.setNoDelay(self._sock)
        if needs_tls(self._sock.getsockname()[0]):
            secret = wrapped(self._sock, server=True)
            self._sock = secret
            begin_tls(secret, deadline)
        sock = self._sock
        handshake = ServerHandshake(receive(sock, HELLO_SIZE, deadline, _check_magic), keyring(), message_limit())
        if self._hall.full:
            raise Full("osbrain.config['MAX_CONNECTIONS'] are served")
        send(sock, handshake.answer, deadline)
        session = handshake.conclude(receive(sock, PROOF_SIZE, deadline))
        sock.settimeout(usual)
        self._hall.admit(self)
        return Channel(sock, session, self._host, 'the answer')

    def _refuse(self, failed: HandshakeFailed, deadline: Deadline) -> None:
        if isinstance(failed, OtherKey):
            refusals.note(self._host, 'refused a peer with another cluster key')
        else:
            refusals.note(self._host, f'refused a connection: {failed}')
        with contextlib.suppress(OSError, ValueError):
            if failed.answer:
                send(self._sock, failed.answer, deadline)
                self._sock.shutdown(socket.SHUT_WR)
                receive(self._sock, _REST, deadline)
