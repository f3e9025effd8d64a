"""Errors that ZeroMQ reports, said in the words of agents; still ``zmq.ZMQError`` for whoever catches that."""

from __future__ import annotations

import errno
from typing import Any

import zmq

from ..errors import CallerError

ZMQError = zmq.ZMQError


class SocketError(CallerError, zmq.ZMQError):
    """An operation that ZeroMQ refused; ``errno`` is ZeroMQ's."""

    def __init__(self, code: int, what: str) -> None:
        zmq.ZMQError.__init__(self, code)
        self.what = what
        self.args = (code, what)

    def sentence(self) -> str:
        return f'{self.strerror}: {self.what}'


class BindFailed(SocketError):
    """The address cannot be bound: in use, forbidden, or not of this machine."""


class OutOfTurn(SocketError):
    """A REQ socket sends and receives in turns; this was the other one's turn."""

    def __init__(self, code: int = zmq.EFSM, what: str = '') -> None:
        super().__init__(code, what or 'a REQ socket takes turns: send, recv, send, recv (send_recv does both)')


def bind_failed(error: zmq.ZMQError, endpoint: str) -> BindFailed:
    """*error* as what it means for whoever wanted *endpoint*."""
    hints: dict[Any, str] = {
        zmq.EADDRINUSE: 'choose another port, or none (then a free one is found)',
        errno.EACCES: 'ports below 1024 are for the administrator',
        zmq.EADDRNOTAVAIL: 'it must be an address of this machine',
        errno.ENODEV: 'it must be an address of this machine',
    }
    hint = hints.get(error.errno)
    return BindFailed(error.errno or zmq.EINVAL, f'cannot bind {endpoint}' + (f' ({hint})' if hint else ''))
