"""Traces by OpenTelemetry: what one message makes others do is one trace, through however many agents it goes.

The only module that knows OpenTelemetry; it is imported when a program has set a tracer provider. Names follow the
conventions for messaging (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import context as current
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, Tracer

Attributes = Mapping[str, str | int]

_SYSTEM: dict[str, str | int] = {'messaging.system': 'osbrain'}


class Tracing:
    """Makes spans of what an agent sends and handles."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._tracer = trace.get_tracer('osbrain') if tracer is None else tracer

    @contextmanager
    def sending(self, where: str, attributes: Attributes) -> Iterator[trace.Span]:
        """Make a span of what is sent meanwhile, which belongs to what is being handled, if anything is."""
        with self._span('send', SpanKind.PRODUCER, where, attributes, ()) as span:
            yield span

    @contextmanager
    def handling(
        self, where: str, attributes: Attributes, carriers: Sequence[Mapping[str, str]]
    ) -> Iterator[trace.Span]:
        """Make a span of what is handled meanwhile, which goes on with where it comes from.

        A list of messages from several places goes on with none of them: its span has a link to each.
        """
        sources = {tuple(carrier.items()): carrier for carrier in carriers}
        contexts = [_context(carrier) for carrier in sources.values()]
        alone = len(contexts) == 1
        links = [] if alone else [Link(one) for one in map(_span_context, contexts) if one.is_valid]
        token = current.attach(contexts[0] if alone else Context())
        try:
            with self._span('process', SpanKind.CONSUMER, where, attributes, links) as span:
                yield span
        finally:
            current.detach(token)

    @contextmanager
    def _span(
        self, operation: str, kind: SpanKind, where: str, attributes: Attributes, links: Sequence[Link]
    ) -> Iterator[trace.Span]:
        told = {
            **_SYSTEM,
            'messaging.operation.name': operation,
            'messaging.operation.type': operation,
            'messaging.destination.name': where,
            **attributes,
        }
        with self._tracer.start_as_current_span(
            f'{operation} {where}', kind=kind, attributes=told, links=links
        ) as span:
            try:
                yield span
            except BaseException as error:
                span.set_attribute('error.type', type(error).__qualname__)
                raise

    def carrier(self) -> dict[str, str]:
        """Return where what is sent now comes from, as headers."""
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return carrier


def _context(carrier: Mapping[str, str]) -> Context:
    """Return where a message comes from; from nowhere, if the headers, which anybody may have written, say nothing."""
    try:
        return propagate.extract(carrier, Context())
    except Exception:
        return Context()


def _span_context(context: Context) -> trace.SpanContext:
    return trace.get_current_span(context).get_span_context()
