"""No slow joiner: a connection, or one more subscription, counts as made when publications flow through it."""

from __future__ import annotations

from typing import Any, cast

from .._clock import Deadline
from .._config import config
from .._ids import unique_identifier
from .._io.poller import wait_readable
from .._io.wire import SocketWire
from .._protocol.patterns.endpoint import Endpoint, Unreadable
from .._protocol.patterns.pub_sub import Pub, Sub
from .._protocol.serializers import head
from .._protocol.topics import LIVE, PROOF
from ..errors import WaitTimeout
from .core import Core


def connect_live(core: Core, endpoint: Endpoint, wire: SocketWire, where: str, ready: float | None) -> None:
    """Connect *wire*, and wait for a publication's path to be open; *ready* makes it an error if it is not in time."""
    try:
        deadline = Deadline(config['CONNECT_WAIT'] if ready is None else ready)
        if isinstance(endpoint, Sub):
            live = _subscription_is_live(core, endpoint, wire, where, deadline)
        elif isinstance(endpoint, Pub):
            wire.connect(where)
            live = _subscriber_is_known(endpoint, wire, deadline)
        else:
            wire.connect(where, ready)
            live = True
        if ready is not None and not live:
            refused = wire.end.refusal if wire.end is not None else None
            raise WaitTimeout(refused or f'nobody answers at {where}', ready)  # noqa: TRY301  (its sockets are closed below)
    except BaseException:
        for one in endpoint.wires:
            one.close(0)  # type: ignore[attr-defined]
        raise


def wait_live(core: Core, endpoint: Sub) -> None:
    """Wait until what a connected subscriber has subscribed to just now is live, where that can be known."""
    bound = getattr(endpoint.address, 'role', 'client') == 'server'
    # A publisher that did not answer is not waited for again until it has.
    if bound or not endpoint.answered or not config['CONNECT_WAIT'] or not core.outside.reads_here():
        return
    wire = cast('SocketWire', endpoint.wire)
    proof = PROOF + unique_identifier()
    wire.subscribe(proof)
    endpoint.answered = _proven(core, endpoint, wire, proof, Deadline(config['CONNECT_WAIT']))
    if endpoint.answered:
        wire.unsubscribe(proof)


def _subscription_is_live(core: Core, endpoint: Sub, wire: SocketWire, where: str, deadline: Deadline) -> bool:
    """Subscribe to a topic of our own, last of all, and wait until the publisher has published to it."""
    # The subscription stays: it is what the publisher counts its subscribers by.
    proof = LIVE + unique_identifier()
    wire.subscribe(proof)
    wire.connect(where)
    endpoint.answered = _proven(core, endpoint, wire, proof, deadline)
    return endpoint.answered


def _proven(core: Core, endpoint: Sub, wire: SocketWire, proof: bytes, deadline: Deadline) -> bool:
    """Wait for *proof*, which the publisher publishes when it knows of all that was subscribed to before it."""
    early: list[Any] = []
    try:
        while True:
            messages, _ = wire.take(1)
            if messages and head(messages[0]) == proof:
                return True
            early += messages
            if deadline.expired:
                return False
            if not messages:
                _wait_serving_subscribers(core, wire, deadline)
    finally:
        if wire.batches:
            # What is put back is not taken for batches again.
            wire.batches = False
            early = [one for frames in early for one in _split(endpoint, frames)]
        wire.put_back(early)


def _split(endpoint: Sub, frames: Any) -> list[Any]:
    try:
        return endpoint.split(frames)
    except Unreadable:
        return [frames]  # whoever handles it will find so too


def _subscriber_is_known(endpoint: Pub, wire: SocketWire, deadline: Deadline) -> bool:
    """Wait until the subscriber that was connected to has told all of its topics."""
    while not endpoint.listening:
        messages, _ = wire.take(1)
        if messages:
            endpoint.receive(messages[0])
        elif deadline.expired:
            return False
        else:
            wait_readable([wire.fd], deadline.left)
    return True


def _wait_serving_subscribers(core: Core, wire: SocketWire, deadline: Deadline) -> None:
    """Wait for *wire*; meanwhile answer subscribers of our own publishers, one of which may be the one waited for."""
    own = {watched.fd: (watched, endpoint) for watched, endpoint in core.loop.watched() if isinstance(endpoint, Pub)}
    for watched, endpoint in own.values():
        for frames in watched.take(64)[0]:
            endpoint.receive(frames)
    wait_readable([wire.fd, *own], deadline.left)
    for watched, _ in own.values():
        core.loop.touched(watched)
