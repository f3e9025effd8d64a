"""What an agent says of itself when it is asked what it is: records that travel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class HandlerDescription(NamedTuple):
    """What is called with the messages of an endpoint, or with those of one of its topics."""

    #: How whoever wrote the handlers calls them; a list of handlers has several.
    names: tuple[str, ...]
    #: What the endpoint is subscribed to; ``None`` where there are no topics. Bytes that are no text are escaped.
    topic: str | None = None
    #: Whether messages of exactly this topic are handled, and not all whose topic begins so.
    exact: bool = False


@dataclass(frozen=True)
class EndpointDescription:
    """One socket or channel of an agent."""

    #: How its agent calls it; its address if it has no alias.
    alias: str
    #: Every alias that it goes by.
    aliases: tuple[str, ...]
    #: ``'PUSH'``, ``'PULL'``, … or the channel's kind: ``'ASYNC_REP'``, ``'ASYNC_REQ'``, ``'SYNC_PUB'`` …
    kind: str
    #: ``'server'`` if it was bound, ``'client'`` if it was connected.
    role: str
    #: ``'tcp'``, ``'ipc'``, ``'inproc'``.
    transport: str
    serializer: str
    #: What it is bound or connected to, as in :class:`~osbrain.EndpointStats`.
    addresses: tuple[str, ...]
    #: ``'curve'`` if only who has the cluster's key can talk to it, ``'none'`` if anybody can; empty: not known.
    security: str
    handlers: tuple[HandlerDescription, ...] = ()


@dataclass(frozen=True)
class TimerDescription:
    """A timer that may still start."""

    alias: str
    #: What it starts.
    method: str
    #: Seconds from start to start; ``None``: it starts once.
    period: float | None
    #: Seconds until it starts; below 0 it is late, because the agent is busy or runs it at this moment.
    due_in: float


@dataclass(frozen=True)
class MethodDescription:
    """A method that others may call."""

    name: str
    #: Its parameters without the agent itself, as in ``'(price, quantity=1)'``.
    signature: str
    #: The first line of its documentation; empty if there is none.
    doc: str
    #: Whether it is one that every agent has.
    inherited: bool


@dataclass(frozen=True)
class AttributeDescription:
    """A public attribute, of the agent itself or of its class."""

    name: str
    #: Its value's class; ``'property'`` for what only exists when it is asked for, which nobody does for this.
    type: str
    #: Its value in a few letters; empty for properties.
    value: str


@dataclass(frozen=True)
class AgentDescription:
    """What an agent is: how others reach it, what it does by itself, what it can be asked to do."""

    name: str
    #: Its class, with the module.
    kind: str
    #: The first line of its class's documentation; empty if there is none.
    doc: str
    running: bool
    #: What a failing handler does to it: ``'stop'`` or ``'continue'``.
    on_error: str
    endpoints: tuple[EndpointDescription, ...]
    timers: tuple[TimerDescription, ...]
    methods: tuple[MethodDescription, ...]
    attributes: tuple[AttributeDescription, ...]
