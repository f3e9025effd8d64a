"""Making the ends of acknowledged work: what ``bind`` and ``connect`` do for ``ACK_PUSH``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from .._io.connections import announce, know_peers
from .._io.journal import Journal
from .._io.wire import ROUTER, SocketWire
from .._protocol.patterns.ack_pull import AckPull
from .._protocol.patterns.ack_push import AckPush
from .._protocol.patterns.endpoint import Wire
from .._protocol.serializers import Codec
from .._protocol.work import Terms
from ..address import AgentAddress, AgentChannel
from ..errors import HandlerRequired, OptionInvalid
from .core import Core


def open_dispatcher(
    core: Core, codec: Codec, alias: Any, terms: Terms, bind: Callable[[int], tuple[SocketWire, AgentAddress]]
) -> AckPush:
    """Make the dispatcher; *bind* makes its socket, of a ZeroMQ type."""
    journal = None
    if terms.journal is not None:
        if not isinstance(alias, str) or not alias:
            raise OptionInvalid('alias', alias, 'a text where there is a journal: it says whose journal it is')
        # Opened first: whose journal is in use, or not his, is not bound at all.
        journal = Journal(terms.journal, core.name, alias)
    wire = None
    try:
        wire, sender = bind(ROUTER)
        know_peers(wire)
        channel = AgentChannel('ACK_PUSH', receiver=None, sender=sender)
        return AckPush(core, channel, codec, cast('Wire', wire), terms, journal)
    except BaseException:
        if wire is not None:
            wire.close(0)
        if journal is not None:
            journal.close()
        raise


def open_worker(
    core: Core, twin: AgentChannel, codec: Codec, handler: Any, terms: Terms, make: Callable[[], SocketWire]
) -> tuple[AckPull, SocketWire]:
    """Make a worker that is not connected yet; *make* makes its socket."""
    if handler is None:
        raise HandlerRequired(twin.kind)
    wire = make()
    announce(wire)
    try:
        return AckPull(core, twin, codec, cast('Wire', wire), handler, terms.prefetch or 1), wire
    except BaseException:
        wire.close(0)
        raise
