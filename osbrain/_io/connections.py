"""Sockets that know whether somebody is connected; to be set before anybody is."""

from __future__ import annotations

import zmq

from .wire import SocketWire


def know_peers(router: SocketWire) -> None:
    """Have frames to somebody who is not connected raise ``PeerGone``, instead of being dropped."""
    router.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)


def announce(dealer: SocketWire) -> None:
    """Have an empty message sent whenever a connection is made, and nothing while there is none.

    ZeroMQ sends the message when the new connection is noticed, so again after each time that the other end was gone;
    without ``ZMQ_IMMEDIATE`` it keeps one queue for all of them, and says nothing of those after the first
    (tests/io/test_connections.py).
    """
    dealer.socket.setsockopt(zmq.PROBE_ROUTER, 1)
    dealer.socket.setsockopt(zmq.IMMEDIATE, 1)


def notice_dead_hosts(wire: SocketWire) -> None:
    """Have a connection end, within a minute, whose other end has lost its power or its network.

    The system asks, not the process at the other end (tcp(7)): one that is merely stopped is still there.
    """
    wire.socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    wire.socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 20)
    wire.socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 10)
    wire.socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 4)
