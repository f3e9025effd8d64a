"""A connection of Pyro4's whose bytes travel in sealed records: what it hands on was checked before."""

from __future__ import annotations

import contextlib
import socket
from typing import NoReturn

import Pyro4.errors
import Pyro4.socketutil

from .._config import config
from .._security.refusals import refusals
from ..errors import MessageTooLarge
from .handshake import Session
from .records import HEAD_SIZE, RecordInvalid

# What one look at the socket takes in; most calls and answers come with one.
_CHUNK = 4096
# Longer bodies are sent beside their seals: the copy would cost more than the calls to the system.
_JOINED = 65536


class Channel(Pyro4.socketutil.SocketConnection):  # type: ignore[misc]
    """Sends and receives Pyro4's messages as records of *session*; *what* is what it sends: a call, or an answer.

    *ahead* goes before the first of them.
    """

    def __init__(
        self, sock: socket.socket, session: Session, peer: str, what: str, object_id: str = '', ahead: bytes = b''
    ) -> None:
        super().__init__(sock, object_id)
        self._ahead = ahead
        self._sealer, self._opener = session
        self._peer = peer
        self._what = what
        #: Came in, and is not opened yet.
        self._sealed = b''
        #: Was opened, and how much of it was taken: Pyro4 takes a message in two or three parts.
        self._open: bytes | bytearray = b''
        self._taken = 0

    @property
    def unread(self) -> bool:
        """Whether something has come in beyond what was asked for."""
        return bool(self._sealed or self._open)

    def hang_up(self) -> None:
        """End the connection from another thread, which may wait for something to come."""
        with contextlib.suppress(OSError):
            # As a plain socket: with TLS, what the other thread is using would be taken away from it.
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def check_size(self, size: int) -> None:
        """Raise :class:`~osbrain.errors.MessageTooLarge` if either end does not let *size* bytes pass."""
        most = min(self._sealer.most, config['MAX_MESSAGE_SIZE'])
        if size > most:
            raise MessageTooLarge(self._what, size, most)

    def send(self, data: bytes) -> None:
        """Send *data* as one record; :class:`~osbrain.errors.MessageTooLarge` if either end does not let it pass."""
        self.check_size(len(data))
        head = self._ahead + self._sealer.head(data)
        self._ahead = b''
        try:
            if len(data) <= _JOINED:
                self.sock.sendall(head + data)
            else:
                self.sock.sendall(head)
                self.sock.sendall(data)
        except TimeoutError:
            raise Pyro4.errors.TimeoutError('sending: timeout') from None
        except (OSError, ValueError) as error:
            raise Pyro4.errors.ConnectionClosedError(f'sending: connection lost: {error}') from None

    def recv(self, size: int) -> bytes:
        """Return the next *size* bytes of a record that was checked."""
        opened, begin = self._open, self._taken
        if size and not opened:
            opened = self._next_record()
        end = begin + size
        if end < len(opened):
            self._open, self._taken = opened, end
        elif end == len(opened):
            # At once, so that a large message does not stay as long as the connection.
            self._open, self._taken = b'', 0
        else:
            self._give_up('a message that is not whole')
        return bytes(memoryview(opened)[begin:end])

    def _next_record(self) -> bytes | bytearray:
        try:
            head = self._read(HEAD_SIZE)
            body = self._read(self._opener.length(head))
            self._opener.check(head, body)
        except RecordInvalid as error:
            self._give_up(str(error))
        return body

    def _give_up(self, why: str) -> NoReturn:
        refusals.note(self._peer, f'a connection was closed that brought {why}')
        self.close()
        raise Pyro4.errors.ConnectionClosedError(f'the connection brought {why}')

    def _read(self, size: int) -> bytes | bytearray:
        """Return the next *size* bytes as they came."""
        came: bytes | bytearray = self._sealed
        if len(came) < size:
            try:
                came = self._more(came, size)
            except TimeoutError:
                raise Pyro4.errors.TimeoutError('receiving: timeout') from None
            except (OSError, ValueError) as error:  # ValueError: another thread has closed it
                raise Pyro4.errors.ConnectionClosedError(f'receiving: connection lost: {error}') from None
        if len(came) == size:
            self._sealed = b''
            return came
        self._sealed = bytes(came[size:])
        return came[:size]

    def _more(self, came: bytes | bytearray, size: int) -> bytes | bytearray:
        if size <= _CHUNK:
            while len(came) < size:
                chunk = self.sock.recv(_CHUNK)
                if not chunk:
                    raise ConnectionResetError('the other end has closed it')
                came = came + chunk if came else chunk
            return came
        # The length was checked: there is room for what comes, and nothing behind it is taken in with it.
        whole = bytearray(size)
        have = len(came)
        whole[:have] = came
        with memoryview(whole) as view:
            while have < size:
                count = self.sock.recv_into(view[have:])
                if not count:
                    raise ConnectionResetError('the other end has closed it')
                have += count
        return whole

    def __repr__(self) -> str:
        return f'<{type(self).__name__} with {self._peer}>'
