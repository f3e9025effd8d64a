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
        self._open: bytes | memoryview = b''
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
        if size > self._sealer.most or size > config['MAX_MESSAGE_SIZE']:
            raise MessageTooLarge(self._what, size, min(self._sealer.most, config['MAX_MESSAGE_SIZE']))

    def send(self, data: bytes) -> None:
        """Send *data* as one record; :class:`~osbrain.errors.MessageTooLarge` if either end does not let it pass."""
        size = len(data)
        self.check_size(size)
        head = self._sealer.head(data)
        if self._ahead:
            head, self._ahead = self._ahead + head, b''
        try:
            if size <= _JOINED:
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
        return bytes(opened[begin:end])

    def _next_record(self) -> bytes | memoryview:
        try:
            came = self._sealed
            while len(came) < HEAD_SIZE:
                came = came + self._more()
            end = HEAD_SIZE + self._opener.length(came)
            if end > _CHUNK:
                whole = memoryview(self._rest(came[:end], end))
                self._sealed = came[end:]
                self._opener.check(whole[:HEAD_SIZE], whole[HEAD_SIZE:])
                return whole[HEAD_SIZE:]
            while len(came) < end:
                came = came + self._more()
            self._sealed = came[end:]
            body = came[HEAD_SIZE:end]
            self._opener.check(came[:HEAD_SIZE], body)
            return body
        except RecordInvalid as error:
            self._give_up(str(error))
        except TimeoutError:
            raise Pyro4.errors.TimeoutError('receiving: timeout') from None
        except (OSError, ValueError) as error:  # ValueError: another thread has closed it
            raise Pyro4.errors.ConnectionClosedError(f'receiving: connection lost: {error}') from None

    def _more(self) -> bytes:
        chunk: bytes = self.sock.recv(_CHUNK)
        if not chunk:
            raise ConnectionResetError('the other end has closed it')
        return chunk

    def _rest(self, came: bytes, size: int) -> bytearray:
        """Return *size* bytes, of which these came already; the length was checked, so that there is room for them."""
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

    def _give_up(self, why: str) -> NoReturn:
        refusals.note(self._peer, f'a connection was closed that brought {why}')
        self.close()
        raise Pyro4.errors.ConnectionClosedError(f'the connection brought {why}')

    def __repr__(self) -> str:
        return f'<{type(self).__name__} with {self._peer}>'
