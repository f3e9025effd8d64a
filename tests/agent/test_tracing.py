"""Messages carry where they come from, through every pattern; whoever has no tracer reads them as any other."""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import zmq

import osbrain
from osbrain import batched
from osbrain._agent.core import core_of
from osbrain._agent.hooks import hooks_of, look_for_tracer
from osbrain._protocol import trace_context
from osbrain._protocol.serializers import CODECS

pytest.importorskip('opentelemetry.sdk')

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from osbrain._tracing import Tracing

LIMIT = 5
LARGE = np.arange(200_000)


def run_until_idle(agent):
    """Run until everything that was sent has been handled; inside a process that takes no time to arrive."""
    agent._poll_timeout = 1
    agent.idle = agent.stop
    agent.run()


def keep(agent, message):
    agent.received = [*getattr(agent, 'received', []), message]


@batched
def keep_list(agent, messages):
    keep(agent, list(messages))


def answer(agent, message):
    keep(agent, message)
    return message


def stop(agent, reply):
    keep(agent, ('reply', reply))


@pytest.fixture(scope='module', autouse=True)
def something_was_sent_uncopied():
    """Have pyzmq start the thread that it keeps for what is sent without a copy."""
    with zmq.Context() as context, context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
        push.bind('inproc://warm')
        pull.connect('inproc://warm')
        push.send(bytes(100_000), copy=False)
        pull.recv()


@pytest.fixture
def exporter():
    return InMemorySpanExporter()


@pytest.fixture
def between_agents(monkeypatch):
    """Have agents of this process meet in a folder of their own."""
    with tempfile.TemporaryDirectory(dir='/tmp') as name:
        monkeypatch.setitem(osbrain.config, 'IPC_DIR', Path(name) / 'ipc')
        yield


@pytest.fixture
def tracing(exporter):
    """Give an agent a tracer of its own, as if its process had a provider."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def one(agent):
        hooks_of(core_of(agent)).trace(Tracing(provider.get_tracer('osbrain')))
        return agent

    one.tracer = provider.get_tracer('a program')
    yield one
    provider.shutdown()


def wired(agent, kind, handler=keep, **options):
    """Connect the agent to itself: ``in`` is called with what is sent on ``out``."""
    if kind in ('ACK_PUSH', 'SUB'):
        kind = 'PUB' if kind == 'SUB' else kind
        agent.connect(agent.bind(kind, 'out', **options), 'in', handler=handler)
    elif kind == 'SYNC_PUB':
        agent.connect(agent.bind(kind, 'in', handler=handler, **options), 'out', handler=keep)
    else:
        agent.connect(agent.bind(kind, 'in', handler=handler, **options), 'out')
    if kind == 'ACK_PUSH':
        run_until_idle(agent)
    return agent


def send(agent, kind, message):
    agent.send('out', message, **({'handler': stop} if kind in ('ASYNC_REP', 'SYNC_PUB') else {}))


def same(one, other):
    return all(np.array_equal(left, right) for left, right in zip(one, other, strict=True))


def spans(exporter):
    """Name to span, each of which is there once."""
    found = {}
    for span in exporter.get_finished_spans():
        assert span.name not in found
        found[span.name] = span
    return found


ONE_WAY = ['PULL', 'SUB', 'ACK_PUSH']
WITH_REPLY = ['ASYNC_REP', 'SYNC_PUB']
SERIALIZERS = ['pickle', 'cloudpickle', 'dill', 'msgpack']


# -- One message ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('kind', ONE_WAY)
@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_what_is_handled_goes_on_with_the_trace_of_what_was_sent(new_agent, tracing, exporter, kind, serializer):
    agent = tracing(wired(new_agent(), kind, serializer=serializer))
    send(agent, kind, {'price': 1.5})
    run_until_idle(agent)
    assert agent.received == [{'price': 1.5}]
    found = spans(exporter)
    assert set(found) == {'send out', 'process in'}
    assert found['process in'].parent.span_id == found['send out'].context.span_id
    assert found['process in'].context.trace_id == found['send out'].context.trace_id
    assert found['send out'].kind is SpanKind.PRODUCER
    assert found['process in'].kind is SpanKind.CONSUMER


@pytest.mark.parametrize('kind', WITH_REPLY)
@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_a_reply_goes_on_with_the_trace_of_its_request(new_agent, tracing, exporter, kind, serializer):
    agent = tracing(wired(new_agent(), kind, answer, serializer=serializer))
    send(agent, kind, 'question')
    run_until_idle(agent)
    assert agent.received == ['question', ('reply', 'question')]
    found = spans(exporter)
    assert set(found) == {'send out', 'process in', 'process out'}
    assert found['process in'].parent.span_id == found['send out'].context.span_id
    assert found['process out'].parent.span_id == found['process in'].context.span_id


def test_a_request_is_answered_within_the_trace_of_who_asks(new_agent, running, tracing, exporter, between_agents):
    server, client = tracing(new_agent(name='server')), tracing(new_agent(name='client'))
    address = server.bind('REP', 'in', handler=answer, transport='ipc')
    with running(server), tracing.tracer.start_as_current_span('order') as order:
        client.connect(address, 'out')
        assert client.send_recv('out', 'question', timeout=LIMIT) == 'question'
    found = spans(exporter)
    assert {span.context.trace_id for span in found.values()} == {order.get_span_context().trace_id}
    assert found['send out'].parent.span_id == order.get_span_context().span_id
    assert found['process in'].parent.span_id == found['send out'].context.span_id


@pytest.mark.parametrize('kind', [*ONE_WAY, *WITH_REPLY])
@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle'])
def test_large_buffers_arrive_beside_a_traced_message(new_agent, tracing, exporter, kind, serializer):
    agent = tracing(wired(new_agent(), kind, answer, serializer=serializer))
    send(agent, kind, LARGE)
    run_until_idle(agent)
    assert np.array_equal(agent.received[0], LARGE)
    if kind in WITH_REPLY:
        assert np.array_equal(agent.received[1][1], LARGE)
    found = spans(exporter)
    assert found['process in'].parent.span_id == found['send out'].context.span_id


@pytest.mark.parametrize('serializer', ['json', 'raw'])
def test_what_other_programs_read_is_written_as_ever(new_agent, tracing, exporter, serializer):
    agent = tracing(wired(new_agent(), 'PULL', serializer=serializer))
    agent.send('out', b'"a message"' if serializer == 'raw' else 'a message')
    run_until_idle(agent)
    assert agent.received in ([b'"a message"'], ['a message'])
    assert spans(exporter)['process in'].parent is None


# -- Many messages --------------------------------------------------------------------------------------------------

LISTS = {'flat': [1, 2, 3], 'nested': [[[1]], [[2]], [[3]]], 'large': [LARGE, LARGE + 1, 3]}


@pytest.mark.parametrize('kind', [*ONE_WAY, 'ASYNC_REP'])
@pytest.mark.parametrize('messages', LISTS)
def test_each_message_of_a_batch_goes_on_with_the_trace_of_the_batch(new_agent, tracing, exporter, kind, messages):
    agent = tracing(wired(new_agent(), kind, keep))
    handler = {'handler': stop} if kind == 'ASYNC_REP' else {}
    agent.send_many('out', LISTS[messages], **handler)
    run_until_idle(agent)
    assert same([one for one in agent.received if type(one) is not tuple], LISTS[messages])
    (sent,) = [span for span in exporter.get_finished_spans() if span.name == 'send out']
    handled = [span for span in exporter.get_finished_spans() if span.name == 'process in']
    assert [span.parent.span_id for span in handled] == [sent.context.span_id] * 3
    assert sent.attributes['messaging.batch.message_count'] == 3


@pytest.mark.parametrize('kind', ['PULL', 'SUB'])
def test_a_list_from_one_place_goes_on_with_its_trace(new_agent, tracing, exporter, kind):
    agent = tracing(wired(new_agent(), kind, keep_list))
    agent.send_many('out', [1, 2, 3])
    run_until_idle(agent)
    assert agent.received == [[1, 2, 3]]
    found = spans(exporter)
    assert found['process in'].parent.span_id == found['send out'].context.span_id
    assert found['process in'].attributes['messaging.batch.message_count'] == 3


@pytest.mark.parametrize('kind', ['PULL', 'SUB'])
def test_a_list_from_several_places_has_a_link_to_each(new_agent, tracing, exporter, kind):
    agent = tracing(wired(new_agent(), kind, keep_list))
    for number in range(3):
        agent.send('out', number)
    run_until_idle(agent)
    assert agent.received == [[0, 1, 2]]
    sent = [span for span in exporter.get_finished_spans() if span.name == 'send out']
    (handled,) = [span for span in exporter.get_finished_spans() if span.name == 'process in']
    assert [link.context.span_id for link in handled.links] == [span.context.span_id for span in sent]
    assert handled.parent is None


def test_lists_of_several_handlers_know_their_messages(new_agent, tracing, exporter):
    agent = new_agent()
    agent.connect(agent.bind('PUB', 'out'), 'in', handler={'a': keep_list, 'b': keep_list})
    tracing(agent)
    for topic in ('a', 'b', 'a'):
        agent.send('out', topic, topic=topic)
    run_until_idle(agent)
    assert sorted(agent.received) == [['a', 'a'], ['b']]
    handled = [span for span in exporter.get_finished_spans() if span.name == 'process in']
    assert sorted(span.attributes.get('messaging.batch.message_count', 1) for span in handled) == [1, 2]


# -- What a span says -----------------------------------------------------------------------------------------------


def test_spans_say_what_the_conventions_want(new_agent, tracing, exporter):
    agent = new_agent(name='feed')
    agent.connect(agent.bind('PUB', 'ticks', transport='tcp'), 'in', handler={'ACME': keep})
    tracing(agent)
    agent.send('ticks', 1.5, topic='ACME')
    address = agent.addr('ticks').address
    core_of(agent).endpoints.find('in').wire.receive_one(LIMIT)  # over tcp it takes a moment
    sent = spans(exporter)['send ticks']
    assert dict(sent.attributes) == {
        'messaging.system': 'osbrain',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'ticks',
        'messaging.client.id': 'feed',
        'osbrain.kind': 'PUB',
        'osbrain.topic': 'ACME',
        'server.address': address.host,
        'server.port': address.port,
    }


def test_a_handler_that_fails_has_a_span_that_says_so(new_agent, tracing, exporter):
    agent = tracing(wired(new_agent(), 'PULL', lambda agent, message: 1 / message))
    agent.send('out', 0)
    run_until_idle(agent)
    failed = spans(exporter)['process in']
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.attributes['error.type'] == 'ZeroDivisionError'


def test_what_a_handler_sends_belongs_to_what_it_handles(new_agent, tracing, exporter):
    agent = wired(new_agent(), 'PULL', lambda agent, message: agent.send('on', message + 1))
    agent.connect(agent.bind('PULL', 'end', handler=keep), 'on')
    tracing(agent)
    agent.send('out', 1)
    run_until_idle(agent)
    found = spans(exporter)
    assert agent.received == [2]
    chain = ['send out', 'process in', 'send on', 'process end']
    for before, after in zip(chain, chain[1:], strict=False):
        assert found[after].parent.span_id == found[before].context.span_id


def test_sockets_with_an_underscore_are_not_traced(new_agent, tracing, exporter):
    agent = new_agent()
    agent.connect(agent.bind('PULL', '_in', handler=keep), '_out')
    tracing(agent).send('_out', 1)
    run_until_idle(agent)
    assert agent.received == [1]
    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize(
    'headers',
    [
        {'traceparent': 'nonsense'},
        {'traceparent': '00-' + '0' * 32 + '-' + '0' * 16 + '-01'},
        {'tracestate': '\0', 'baggage': '=;,' * 5_000},
        {'\0': '\0'},
    ],
    ids=['nonsense', 'nobody', 'rubbish', 'zeros'],
)
def test_headers_that_say_nothing_are_a_trace_of_its_own(new_agent, tracing, exporter, headers):
    agent = tracing(wired(new_agent(), 'PULL'))
    out = core_of(agent).endpoints.find('out')
    out.wire.send(CODECS['pickle'].dump('a message') + trace_context.written(headers))
    run_until_idle(agent)
    assert agent.received == ['a message']
    assert spans(exporter)['process in'].parent is None


def test_propagators_that_fail_stop_nobody(new_agent, tracing, exporter, monkeypatch):
    monkeypatch.setattr('osbrain._tracing.propagate.extract', lambda *args: 1 / 0)
    agent = tracing(wired(new_agent(), 'PULL'))
    agent.send('out', 'a message')
    run_until_idle(agent)
    assert agent.received == ['a message']
    assert agent.counters()['errors'] == 0


# -- With and without a tracer --------------------------------------------------------------------------------------


@pytest.mark.parametrize('kind', [*ONE_WAY, *WITH_REPLY, 'REP'])
@pytest.mark.parametrize('serializer', SERIALIZERS)
@pytest.mark.parametrize('large', [False, True], ids=['small', 'large'])
@pytest.mark.parametrize('who', ['sender', 'receiver'])
def test_who_has_no_tracer_reads_traced_messages_and_the_other_way_round(
    new_agent, running, tracing, between_agents, kind, serializer, large, who
):
    message = LARGE.tobytes() if large else {'price': 1.5}
    here, there = new_agent(name='sender'), new_agent(name='receiver')
    tracing(here if who == 'sender' else there)
    if kind in ('ACK_PUSH', 'SUB'):
        address = here.bind('PUB' if kind == 'SUB' else kind, 'out', transport='ipc', serializer=serializer)
    else:
        address = there.bind(kind, 'in', handler=answer, transport='ipc', serializer=serializer)
        here.connect(address, 'out', **({'handler': keep} if kind == 'SYNC_PUB' else {}))
    with running(here), running(there):
        if kind in ('ACK_PUSH', 'SUB'):
            there.safe_call('connect', address, 'in', handler=answer)
        if kind == 'REP':
            assert here.safe_call('send_recv', 'out', message, timeout=LIMIT) == message
        else:
            here.safe_call('execute_as_method', send, kind, message)
            wait_for(lambda: getattr(there, 'received', None) == [message])
        if kind in WITH_REPLY:
            wait_for(lambda: getattr(here, 'received', None) == [('reply', message)])


def wait_for(condition):
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_sockets_that_are_opened_later_are_traced_too(new_agent, tracing, exporter):
    agent = wired(tracing(new_agent()), 'PULL')
    agent.send('out', 1)
    run_until_idle(agent)
    assert set(spans(exporter)) == {'send out', 'process in'}


def test_a_message_that_is_traced_once_says_so_once(new_agent, tracing):
    agent = wired(tracing(new_agent()), 'PULL')
    with tracing.tracer.start_as_current_span('order'):
        frame = core_of(agent).endpoints.find('out').codec.dump('a message')
    assert frame.count(b'traceparent') == 1
    assert set(trace_context.read(frame)) == {'traceparent'}


def test_without_a_provider_nothing_is_arranged(new_agent):
    agent = wired(new_agent(), 'PULL')
    assert 'opentelemetry.trace' in sys.modules
    agent.send('out', 1)
    run_until_idle(agent)
    assert core_of(agent).hooks is None


@pytest.fixture
def provider(monkeypatch, exporter):
    """Set a provider for this process, as a program does, and forget it afterwards."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def set_it(agent=None):
        monkeypatch.setattr(trace, '_TRACER_PROVIDER', provider)
        return provider

    yield set_it
    provider.shutdown()


def traces(agent):
    hooks = core_of(agent).hooks
    return hooks is not None and hooks.tracing


def test_a_provider_that_is_there_is_found_when_a_socket_is_opened(new_agent, provider):
    provider()
    agent = new_agent()
    assert not traces(agent)
    agent.bind('PUSH', 'out')
    assert traces(agent)


@pytest.mark.parametrize('where', ['before_loop', 'idle', 'timer', 'call'])
def test_a_provider_that_is_set_later_is_found(new_agent, running, provider, where):
    agent = new_agent()
    agent._poll_timeout = 10
    agent.set_it = provider
    if where in ('before_loop', 'idle'):
        setattr(agent, where, provider)
    elif where == 'timer':
        agent.after(0, lambda agent: provider())
    with running(agent):
        if where == 'call':
            agent.safe_call('set_it')
        wait_for(lambda: traces(agent))


def test_a_provider_that_cannot_be_loaded_is_told_once_and_hurts_nobody(new_agent, monkeypatch, capfd):
    monkeypatch.setenv('OTEL_PYTHON_TRACER_PROVIDER', 'nobody has this one')
    agent = new_agent()
    for _ in range(3):
        look_for_tracer(core_of(agent))
    wired(agent, 'PULL').send('out', 1)
    run_until_idle(agent)
    assert agent.received == [1]
    assert capfd.readouterr().err.count('There will be no traces') == 1
