"""Where a ZeroMQ socket connects to and what it gives back, with certainty that ZeroMQ's thread has done it."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import zmq

from ..errors import WaitTimeout
from .refusals import ConnectedEnd

# Milliseconds that unbind() waits for ZeroMQ's thread to give an address back, which takes well under one.
_UNBIND_WAIT = 500


def allow_ipv6(socket: zmq.Socket[Any], endpoint: str) -> None:
    """Let *socket* use IPv6 if *endpoint* does; with the option set, ZeroMQ writes IPv4 addresses as IPv6 ones."""
    if endpoint.startswith('tcp://['):
        socket.setsockopt(zmq.IPV6, 1)


def connect_in_time(socket: zmq.Socket[Any], endpoint: str, seconds: float, end: ConnectedEnd | None = None) -> None:
    """Connect; :class:`~osbrain.errors.WaitTimeout` if nobody is there within *seconds*.

    *end*, if there is one, is told of what happens, and says why nobody can be talked to.
    """
    if end is not None:
        _connect_and_see(socket, endpoint, seconds, end)
        return
    if endpoint.startswith('inproc:'):
        _check_bound_inside(socket, endpoint, seconds)
        socket.connect(endpoint)
        return
    monitor = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
    try:
        socket.connect(endpoint)
        if not monitor.poll(math.ceil(max(0.0, seconds) * 1000)):
            raise WaitTimeout(f'nobody answers at {endpoint}', seconds)
    finally:
        socket.disable_monitor()
        monitor.close(0)


def _connect_and_see(socket: zmq.Socket[Any], endpoint: str, seconds: float, end: ConnectedEnd) -> None:
    socket.connect(endpoint)
    end.settled.wait(max(0.0, seconds))
    if end.refusal is not None or not end.settled.is_set():
        raise WaitTimeout(end.refusal or f'nobody answers at {endpoint}', seconds)


def _check_bound_inside(socket: zmq.Socket[Any], endpoint: str, seconds: float) -> None:
    # Inside a process no hands are shaken and no events told: a name that can be bound is one that nobody has.
    with socket.context.socket(zmq.PAIR) as probe:
        try:
            probe.bind(endpoint)
        except zmq.ZMQError:
            return
        probe.unbind(endpoint)
    raise WaitTimeout(f'nobody answers at {endpoint}, which is known inside its own process only', seconds)


def unbind(socket: zmq.Socket[Any], endpoint: str) -> None:
    """Give the address back and wait until ZeroMQ's thread has done so."""
    with contextlib.suppress(zmq.ZMQError):
        if endpoint.startswith('inproc:'):
            socket.unbind(endpoint)
            return
        monitor = socket.get_monitor_socket(zmq.EVENT_CLOSED)
        try:
            socket.unbind(endpoint)
            monitor.poll(_UNBIND_WAIT)
        finally:
            socket.disable_monitor()
            monitor.close(0)
