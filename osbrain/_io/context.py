"""ZeroMQ's context: one for each agent, so that ending one agent waits for its own messages only."""

from __future__ import annotations

import threading
from typing import Any

import zmq

from .gate import Gate

# ZeroMQ's default of 1023 is reached by an agent that talks to many others; slots cost a pointer each.
_MAX_SOCKETS = 16384


Context = zmq.Context[Any]


def give_back(context: Context, sockets: set[Any]) -> None:
    """End *context* and the *sockets* that are still open in it.

    The sockets have to be named: a context knows them by weak references only, which are gone when all of them are
    garbage.
    """
    for socket in list(sockets):
        socket.close()
    if isinstance(threading.current_thread(), Gate):
        # The last who knew the agent was its own gate, which has to go on for the context to end.
        threading.Thread(target=context.term, name='osbrain-linger', daemon=True).start()
    else:
        context.term()


def new_context() -> Context:
    """Make a context with room for many sockets."""
    context: Context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, _MAX_SOCKETS)
    return context
