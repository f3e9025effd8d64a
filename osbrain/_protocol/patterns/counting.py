"""What an endpoint has counted, read from whatever it is made of."""

from __future__ import annotations

from ..._stats import EndpointStats, Histogram, Traffic
from .endpoint import Endpoint, place_text, places_of


def stats_of(endpoint: Endpoint) -> EndpointStats:
    """Return what has been done since *endpoint* was opened; from any thread."""
    places, wires, parts = places_of(endpoint.address), endpoint.wires, endpoint.parts
    hearing = [part for part in parts if part.handles]
    return EndpointStats(
        alias=endpoint.label,
        kind=str(endpoint.address.kind),
        role=str(places[0].role),
        transport=str(endpoint.address.transport),
        serializer=str(endpoint.address.serializer),
        addresses=tuple(map(place_text, places)),
        sent=Traffic(endpoint.count_sent(), sum(wire.sent.bytes for wire in wires)),
        received=Traffic(endpoint.count_received(), sum(wire.received.bytes for wire in wires)),
        handling=hearing[0].handling.read() if hearing else Histogram(),
        errors=sum(part.errors for part in parts),
        undecodable=sum(part.undecodable for part in parts),
        overflows=sum(wire.overflows for wire in wires),
        waits=sum(wire.waits for wire in wires),
        most_at_once=max((part.most_at_once for part in hearing), default=0),
        pending=endpoint.count_pending(),
        subscribers=endpoint.subscribers(),
    )
