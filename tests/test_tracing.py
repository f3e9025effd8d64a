"""Spans of what is sent and handled: whose children they are, what they say, and that they leave nothing behind."""

import pytest

pytest.importorskip('opentelemetry.sdk')

from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from osbrain._tracing import Tracing

TRACE, SPAN = '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'


def carrier(span=SPAN, flags='01', **more):
    return {'traceparent': f'00-{TRACE}-{span}-{flags}', **more}


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter):
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield Tracing(provider.get_tracer('osbrain'))
    provider.shutdown()


def identifier(span):
    return f'{span.span_id:016x}'


def test_what_is_sent_outside_of_any_span_begins_a_trace(tracing, exporter):
    with tracing.sending('out', {'x': 1}):
        pass
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind, span.parent) == ('send out', SpanKind.PRODUCER, None)
    assert span.attributes['x'] == 1


def test_what_is_sent_says_where_it_comes_from(tracing, exporter):
    assert tracing.carrier() == {}
    with tracing.sending('out', {}):
        written = tracing.carrier()
    (span,) = exporter.get_finished_spans()
    version, *found, _ = written['traceparent'].split('-')
    assert (version, *found) == ('00', f'{span.context.trace_id:032x}', identifier(span.context))


def test_what_is_handled_is_the_child_of_where_it_comes_from(tracing, exporter):
    with tracing.handling('in', {}, [carrier()]):
        pass
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind, identifier(span.parent)) == ('process in', SpanKind.CONSUMER, SPAN)
    assert f'{span.context.trace_id:032x}' == TRACE
    assert span.links == ()


def test_what_is_sent_meanwhile_is_a_child_of_that(tracing, exporter):
    with tracing.handling('in', {}, [carrier()]), tracing.sending('out', {}):
        pass
    sent, handled = exporter.get_finished_spans()
    assert sent.parent.span_id == handled.context.span_id


def test_many_messages_of_one_place_have_one_parent(tracing, exporter):
    with tracing.handling('in', {}, [carrier(), carrier(), carrier()]):
        pass
    (span,) = exporter.get_finished_spans()
    assert (identifier(span.parent), span.links) == (SPAN, ())


def test_messages_of_several_places_are_linked_and_have_no_parent(tracing, exporter):
    others = ['00f067aa0ba902b7', '53995c3f42cd8ad8']
    with tracing.handling('in', {}, [carrier(other) for other in (*others, others[0])]):
        pass
    (span,) = exporter.get_finished_spans()
    assert span.parent is None
    assert [identifier(link.context) for link in span.links] == others


def test_one_that_comes_from_nowhere_keeps_a_list_from_having_a_parent(tracing, exporter):
    with tracing.handling('in', {}, [carrier(), {}]):
        pass
    (span,) = exporter.get_finished_spans()
    assert (span.parent, [identifier(link.context) for link in span.links]) == (None, [SPAN])


@pytest.mark.parametrize('carriers', [[], [{}], [{'traceparent': 'nonsense'}]], ids=repr)
def test_what_comes_from_nowhere_begins_a_trace(tracing, exporter, carriers):
    with trace.use_span(trace.NonRecordingSpan(trace.INVALID_SPAN_CONTEXT)), tracing.handling('in', {}, carriers):
        pass
    (span,) = exporter.get_finished_spans()
    assert (span.parent, span.links) == (None, ())


def test_what_another_handler_has_left_in_the_thread_is_no_parent(tracing, exporter):
    with tracing.handling('in', {}, [carrier()]), tracing.handling('in', {}, []):
        pass
    inner, _ = exporter.get_finished_spans()
    assert inner.parent is None


def test_baggage_goes_on(tracing):
    with tracing.handling('in', {}, [carrier(baggage='order=17')]), tracing.sending('out', {}):
        assert baggage.get_baggage('order') == '17'
        assert tracing.carrier()['baggage'] == 'order=17'


def test_afterwards_the_thread_is_as_it_was(tracing):
    before = context.get_current()
    with pytest.raises(KeyError), tracing.handling('in', {}, [carrier(baggage='order=17')]):
        raise KeyError
    assert context.get_current() == before


def test_what_was_not_to_be_recorded_is_not(tracing, exporter):
    with tracing.handling('in', {}, [carrier(flags='00')]), tracing.sending('out', {}):
        assert tracing.carrier()['traceparent'].endswith('-00')
    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize('error', [ValueError('no price'), SystemExit(3)], ids=repr)
def test_a_failure_is_told_and_goes_on(tracing, exporter, error):
    with pytest.raises(type(error)), tracing.handling('in', {}, []):
        raise error
    (span,) = exporter.get_finished_spans()
    assert span.attributes['error.type'] == type(error).__name__
    assert (span.status.status_code is StatusCode.ERROR) is isinstance(error, Exception)
