"""send_many between real agents and to bare ZeroMQ: cheap on the way, single messages at the end."""

import pickle
import threading

import pytest
import zmq

from osbrain import Agent, run_agent, run_logger
from osbrain._protocol.serializers import BATCH
from osbrain.helper import logger_received, wait_agent_attr, wait_condition

pytestmark = [pytest.mark.new, pytest.mark.usefixtures('patient_connects')]

MANY = 10_000  # more than two frames hold
SERIALIZERS = ['pickle', 'cloudpickle', 'dill', 'json', 'raw']


def receive(agent, message):
    agent.received.append(message)


def receive_topic(agent, message, topic):
    agent.received.append((message, topic))


def note_error(agent, error):
    agent.errors.append(error)


def run_receiver(name='receiver', **kwargs):
    return run_agent(name, attributes={'received': [], 'errors': []}, **kwargs)


def pair(kind='PULL', handler=receive, **kwargs):
    """A sender, connected under the alias `out`, and a receiver that has bound a socket of the *kind*."""
    sender, receiver = run_receiver('sender'), run_receiver()
    address = receiver.bind(kind, alias='in', handler=handler, **kwargs)
    sender.connect(address, alias='out', handler=receive if kind == 'ASYNC_REP' else None)
    return sender, receiver


def published(handler, **kwargs):
    """A publisher with the alias `out` and a subscriber."""
    publisher, subscriber = run_receiver('publisher'), run_receiver('subscriber')
    subscriber.connect(publisher.bind('PUB', alias='out', **kwargs), alias='in', handler=handler)
    return publisher, subscriber


def received(agent, length, timeout=20):
    """What the agent has got, as soon as there are *length* messages."""
    assert wait_agent_attr(agent, length=length, timeout=timeout), agent.get_attr('received')[-3:]
    return agent.get_attr('received')


@pytest.fixture
def bare():
    """Make ZeroMQ sockets without osbrain that are connected to an address."""
    with zmq.Context() as context:
        sockets = []

        def connect(kind, address):
            place = str(address.address)
            place = f'ipc://{place}' if address.transport == 'ipc' else f'tcp://{place}'
            sockets.append(context.socket(kind))
            sockets[-1].linger = 0
            sockets[-1].rcvtimeo = 5000
            sockets[-1].connect(place)
            return sockets[-1]

        yield connect
        for socket in sockets:
            socket.close()


# --- Delivery -------------------------------------------------------------------------------------


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.parametrize('kind', ['PUSH', 'PUB'])
def test_each_item_arrives_as_a_message_of_its_own_and_in_order(nsproxy, kind, transport):
    sender, receiver = run_receiver('sender'), run_receiver()
    receiver.connect(sender.bind(kind, alias='out', transport=transport), handler=receive)
    assert sender.send_many('out', list(range(MANY))) is None
    sender.send('out', 'end')
    assert received(receiver, MANY + 1) == [*range(MANY), 'end']


def test_a_connected_push_sends_many_too(nsproxy):
    sender, receiver = pair()
    sender.send_many('out', list(range(MANY)))
    assert received(receiver, MANY) == list(range(MANY))


@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_order_holds_between_single_messages_and_many(nsproxy, serializer):
    sender, receiver = pair(serializer=serializer)
    messages = [b'%d' % n if serializer == 'raw' else {'n': n} for n in range(30)]
    sender.send('out', messages[0])
    sender.send_many('out', messages[1:10])
    sender.send_many('out', messages[10:20])
    for message in messages[20:]:
        sender.send('out', message)
    assert received(receiver, 30) == messages


@pytest.mark.parametrize(
    'make',
    [
        list,
        lambda: [None, False, '', []],
        lambda: (0, 1, 2),
        lambda: [(1, 2), (3, 4)],
        lambda: range(3),
        lambda: {7},
        lambda: {'a': 1, 'b': 2}.values(),  # noqa: PLW0108  (a bound method cannot travel)
        lambda: (n * n for n in range(5000)),
    ],
    ids=['nothing', 'false ones', 'tuple', 'tuples', 'range', 'set', 'view', 'generator'],
)
def test_messages_may_come_from_whatever_can_be_gone_through(nsproxy, make):
    sender, receiver = pair()
    sender.execute_as_method(lambda agent: agent.send_many('out', make()))
    sender.send('out', 'end')
    expected = [*make(), 'end']
    assert received(receiver, len(expected)) == expected


def test_what_a_topic_selects_is_the_same_as_with_send(nsproxy):
    handlers = {'share.': receive_topic, 'share.A': receive_topic, 'end': receive}
    publisher, subscriber = published(handlers)
    publisher.send_many('out', [1, 2], topic='share.A')
    publisher.send_many('out', [3, 4], topic='bond')
    publisher.send_many('out', [5], topic=b'share.')
    publisher.send_many('out', [6])
    publisher.send('out', 'end', topic='end')
    both = [(n, prefix) for n in (1, 2) for prefix in (b'share.', b'share.A')]
    assert received(subscriber, 6) == [*both, (5, b'share.'), 'end']


def test_a_pusher_with_two_workers_deals_out_frames(nsproxy):
    pusher = run_agent('pusher')
    address = pusher.bind('PUSH', alias='out')
    workers = [run_receiver('worker%d' % n) for n in range(2)]
    for worker in workers:
        worker.connect(address, handler=receive, ready=5)

    def both_have_one():
        pusher.send('out', 'probe')
        return all(wait_agent_attr(worker, length=1, timeout=0.1) for worker in workers)

    assert wait_condition(both_have_one)
    for start in (0, 100):
        pusher.send_many('out', list(range(start, start + 100)))
    found = []
    for worker in workers:
        assert wait_condition(lambda agent: len(agent.get_attr('received')) >= 100, worker)
        found.append([one for one in worker.get_attr('received') if one != 'probe'])
    assert sorted(found) == [list(range(100)), list(range(100, 200))]


def test_several_subscribers_get_all_of_it_and_exact_ones_their_topic(nsproxy):
    publisher = run_agent('publisher')
    address = publisher.bind('PUB', alias='out')
    subscribers = [run_receiver('subscriber%d' % n) for n in range(3)]
    for subscriber in subscribers:
        subscriber.connect(address, alias='in', handler={'end': receive})
        subscriber.subscribe('in', {'a': receive}, exact=subscriber is subscribers[0])
    assert wait_condition(lambda: publisher.subscribers('out') == 3)
    # Topics that are added take effect when the publisher has heard of them.
    for subscriber in subscribers:

        def heard(agent=subscriber):
            publisher.send('out', 'probe', topic='a')
            return 'probe' in agent.get_attr('received')

        assert wait_condition(heard)
    publisher.send_many('out', list(range(100)), topic='a')
    publisher.send_many('out', list(range(100, 200)), topic='ab')
    publisher.send('out', 'end', topic='end')
    for number, subscriber in enumerate(subscribers):
        assert wait_agent_attr(subscriber, data='end')
        messages = [one for one in subscriber.get_attr('received') if one != 'probe']
        assert messages == [*range(200 if number else 100), 'end']


def test_a_sync_pub_publishes_many_in_step_with_its_replies(nsproxy):
    class Book(Agent):
        def on_init(self):
            self.bind('SYNC_PUB', alias='out', handler='on_request')

        def on_request(self, request):
            self.send_many('out', list(range(100)))
            yield 'reply'
            self.send_many('out', [100, 101])

    book, reader = run_agent('book', base=Book), run_receiver('reader')
    reader.connect(book.addr('out'), alias='book', handler=receive)
    reader.send('book', 'now', handler=receive)
    assert received(reader, 103) == [*range(100), 'reply', 100, 101]


def test_large_arrays_and_small_messages_arrive_in_order(nsproxy):
    numpy = pytest.importorskip('numpy')

    def send(agent):
        agent.send_many('out', [item for n in range(5) for item in (n, numpy.full(100_000, n))])

    def note(agent, message):
        agent.received.append(message if type(message) is int else (message.shape, int(message[0]), int(message[-1])))

    sender, receiver = pair(handler=note)
    sender.execute_as_method(send)
    assert received(receiver, 10) == [item for n in range(5) for item in (n, ((100_000,), n, n))]


def test_messages_of_one_call_share_nothing(nsproxy):
    """As with send: a handler that changes its message changes no other one."""

    def spoil(agent, message):
        message['list'].append(1)
        agent.received.append(message['list'])

    def send(agent):
        shared = []
        agent.send_many('out', [{'list': shared}, {'list': shared}, {'list': shared}])
        one = {'list': []}
        agent.send_many('out', [one, one])

    sender, receiver = pair(handler=spoil)
    sender.execute_as_method(send)
    assert received(receiver, 5) == [[1]] * 5


def test_messages_are_as_they_were_when_they_were_handed_over(nsproxy):
    def growing(agent):
        one = []
        for number in range(4):
            one.append(number)
            yield one

    def send(agent):
        agent.send_many('out', growing(agent))
        later = [[0], [0]]
        agent.send_many('out', later)
        later[0].append('too late')

    sender, receiver = pair()
    sender.execute_as_method(send)
    assert received(receiver, 6) == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0], [0]]


@pytest.mark.parametrize('mode', ['safe', 'unsafe', 'oneway', 'handler'])
def test_it_can_be_called_by_proxies_and_by_the_agent_itself(nsproxy, mode):
    sender, receiver = pair()
    if mode == 'handler':
        sender.after(0, lambda agent: agent.send_many('out', [1, 2, 3]))
    else:
        getattr(sender, mode).send_many('out', [1, 2, 3])
    assert received(receiver, 3) == [1, 2, 3]


def test_a_pull_that_is_received_from_directly_gives_one_message_at_a_time(nsproxy):
    class Taker(Agent):
        def on_init(self):
            self.received = []
            self.waiting = False
            self.bind('PULL', alias='in', handler=receive)
            self.bind('REP', alias='go', handler='take')

        def take(self, number):
            self.waiting = True
            return [self.recv('in', timeout=10) for _ in range(number)]

    sender, taker = run_agent('sender'), run_agent('taker', base=Taker)
    sender.connect(taker.addr('in'), alias='out')
    sender.connect(taker.addr('go'), alias='go')
    sender.send('go', 3)
    assert wait_agent_attr(taker, 'waiting', value=True)
    sender.send_many('out', [10, 20, 30, 40])
    assert sender.recv('go', timeout=10) == [10, 20, 30]
    assert received(taker, 1) == [40]


# --- Requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_each_request_gets_a_reply_of_its_own(nsproxy, serializer, transport):
    requests = [b'%d' % n if serializer == 'raw' else n for n in range(300)]
    client, _ = pair('ASYNC_REP', lambda agent, x: x * 2, serializer=serializer, transport=transport)
    client.send_many('out', requests)
    assert received(client, 300) == [request * 2 for request in requests]


def test_a_handler_for_one_call_gets_the_replies_to_its_requests(nsproxy):
    client, _ = pair('ASYNC_REP', lambda agent, x: -x)
    client.send_many('out', [1, 2], handler=lambda agent, reply: agent.received.append(('mine', reply)))
    client.send('out', 3)
    assert received(client, 3) == [('mine', -1), ('mine', -2), -3]


def test_a_request_that_fails_is_one_error_and_the_others_get_their_replies(nsproxy):
    client, server = run_receiver('client'), run_agent('server', on_error='continue')
    client.connect(server.bind('ASYNC_REP', handler=lambda agent, x: 6 // x), alias='out', handler=receive)
    client.send_many('out', [1, 2, 0, 3], on_error=note_error)
    assert received(client, 3) == [6, 3, 2]
    (error,) = client.get_attr('errors')
    assert isinstance(error, ZeroDivisionError)


def test_each_request_that_is_not_answered_in_time_is_given_up(nsproxy):
    client, server = pair('ASYNC_REP', receive)
    server.stop()
    assert wait_condition(server.is_running, negate=True)
    client.send_many('out', [1, 2, 3], wait=0.1, on_error=note_error)
    assert wait_agent_attr(client, 'errors', length=3)
    assert [type(error) for error in client.get_attr('errors')] == [TimeoutError] * 3


def test_more_requests_than_may_be_open_are_refused_together(nsproxy):
    client, _ = pair('ASYNC_REP', lambda agent, x: x)

    def limit(agent):
        from osbrain import config

        config['REQUEST_LIMIT'] = 5

    client.execute_as_method(limit)
    with pytest.raises(RuntimeError) as caught:
        client.send_many('out', list(range(6)))
    assert type(caught.value).__name__ == 'RequestsFull'
    client.send_many('out', ['a', 'b', 'c', 'd', 'e'])
    assert received(client, 5) == ['a', 'b', 'c', 'd', 'e']


# --- What other programs see ----------------------------------------------------------------------


@pytest.mark.parametrize('serializer, frames', [('json', [b'0', b'1', b'2']), ('raw', [b'0', b'1', b'2'])])
@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_with_json_and_raw_each_message_is_a_frame(nsproxy, bare, serializer, frames, transport):
    sender = run_agent('sender')
    socket = bare(zmq.PULL, sender.bind('PUSH', alias='out', serializer=serializer, transport=transport))
    sender.send_many('out', [0, 1, 2] if serializer == 'json' else [b'0', bytearray(b'1'), b'2'])
    assert [socket.recv_multipart() for _ in range(3)] == [[frame] for frame in frames]
    assert socket.poll(100) == 0


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill'])
def test_with_pickles_a_thousand_messages_are_one_frame(nsproxy, bare, serializer):
    sender = run_agent('sender')
    socket = bare(zmq.PULL, sender.bind('PUSH', alias='out', serializer=serializer))
    sender.send_many('out', [{'n': n} for n in range(1000)])
    (frame,) = socket.recv_multipart()
    assert frame.endswith(BATCH)
    assert len(frame) < 1000 * len(pickle.dumps({'n': 999}))
    assert socket.poll(100) == 0


def test_a_bare_subscriber_gets_topic_and_message_of_each_item(nsproxy, bare):
    publisher = run_agent('publisher')
    socket = bare(zmq.SUB, publisher.bind('PUB', alias='out', serializer='json'))
    socket.subscribe(b'a')
    publisher.wait_for_subscribers('out', 1)
    publisher.send_many('out', [1, [2]], topic='a')
    assert [socket.recv_multipart() for _ in range(2)] == [[b'a\x801'], [b'a\x80[2]']]


@pytest.mark.parametrize('kind', ['PULL', 'ASYNC_REP'])
def test_raw_bytes_that_look_like_many_messages_are_one(nsproxy, kind):
    message = pickle.dumps([1, 2]) + BATCH
    sender, receiver = pair(kind, (lambda agent, x: x) if kind == 'ASYNC_REP' else receive, serializer='raw')
    sender.send('out', message)
    sender.send_many('out', [message, b'end'])
    assert received(sender if kind == 'ASYNC_REP' else receiver, 3) == [message, message, b'end']


# --- Failures -------------------------------------------------------------------------------------

BAD = {
    'pickle': threading.Lock,
    'cloudpickle': threading.Lock,
    'dill': lambda: (_ for _ in ()),
    'json': set,
    'raw': int,
}


@pytest.mark.parametrize('serializer', SERIALIZERS)
@pytest.mark.parametrize('index, length', [(0, 1), (3, 10), (9, 10), (5000, 6000)])
def test_an_item_that_cannot_be_written_is_named_and_nothing_is_sent(nsproxy, serializer, index, length):
    good, bad = b'good' if serializer == 'raw' else 'good', BAD[serializer]

    def send(agent, as_list):
        items = (bad() if n == index else good for n in range(length))
        agent.send_many('out', list(items) if as_list else items)

    sender, receiver = pair(serializer=serializer)
    for as_list in (True, False):
        with pytest.raises(TypeError, match='item %d of the batch' % index) as caught:
            sender.execute_as_method(send, as_list)
        assert type(caught.value).__name__ == 'MessageInvalid'
        assert isinstance(caught.value, ValueError)
    end = b'end' if serializer == 'raw' else 'end'
    sender.send('out', end)
    assert received(receiver, 1) == [end]
    assert sender.is_running()


@pytest.mark.parametrize('kind', ['PUB', 'ASYNC_REP'])
def test_a_bad_item_leaves_publishers_and_requesters_as_they_were(nsproxy, kind):
    if kind == 'PUB':
        sender, receiver = published(receive, serializer='json')
    else:
        sender, receiver = pair('ASYNC_REP', lambda agent, x: x, serializer='json')
    with pytest.raises(TypeError, match='item 2 of the batch'):
        sender.send_many('out', [0, 1, {2}, 3])
    assert sender.execute_as_method(lambda agent: len(agent._pending_requests)) == 0
    sender.send_many('out', ['a', 'b'])
    assert received(receiver if kind == 'PUB' else sender, 2) == ['a', 'b']


def test_what_fails_while_the_messages_are_made_reaches_the_caller(nsproxy):
    def half():
        yield 1
        raise ZeroDivisionError('on purpose')

    sender, receiver = pair()
    with pytest.raises(ZeroDivisionError, match='on purpose'):
        sender.unsafe.execute_as_method(lambda agent: agent.send_many('out', half()))
    sender.send('out', 'end')
    assert received(receiver, 1) == ['end']


KINDS = {
    'REQ': lambda agent, peer: agent.connect(peer.bind('REP', handler=receive), alias='x'),
    'REP': lambda agent, peer: agent.bind('REP', alias='x', handler=receive),
    'PULL': lambda agent, peer: agent.bind('PULL', alias='x', handler=receive),
    'SUB': lambda agent, peer: agent.bind('SUB', alias='x', handler=receive),
    'ASYNC_REP': lambda agent, peer: agent.bind('ASYNC_REP', alias='x', handler=receive),
    'SYNC_SUB': lambda agent, peer: agent.connect(peer.bind('SYNC_PUB', handler=receive), alias='x', handler=receive),
}


@pytest.mark.parametrize('kind', KINDS)
def test_other_kinds_refuse(nsproxy, kind):
    agent, peer = run_receiver('agent'), run_receiver('peer')
    KINDS[kind](agent, peer)
    with pytest.raises(NotImplementedError, match="'x' cannot send many messages") as caught:
        agent.send_many('x', [1])
    assert type(caught.value).__name__ == 'KindUnsupported'
    assert agent.is_running()


@pytest.mark.parametrize(
    'make',
    [
        lambda: 'text',
        lambda: b'bytes',
        lambda: bytearray(b'bytes'),
        lambda: memoryview(b'bytes'),
        lambda: {'a': 1},
        lambda: 5,
        lambda: None,
    ],
    ids=['str', 'bytes', 'bytearray', 'memoryview', 'dict', 'int', 'None'],
)
def test_a_single_message_is_no_list_of_messages(nsproxy, make):
    sender, receiver = pair()
    ways = [lambda: sender.execute_as_method(lambda agent: agent.send_many('out', make()))]
    if type(make()) is not memoryview:  # which cannot be pickled
        ways.append(lambda: sender.send_many('out', make()))
    for send in ways:
        with pytest.raises(ValueError, match='messages must be a list of messages') as caught:
            send()
        assert type(caught.value).__name__ == 'OptionInvalid'
    sender.send('out', 'end')
    assert received(receiver, 1) == ['end']


def test_an_unknown_alias_and_a_bad_topic_are_the_callers_mistakes(nsproxy):
    publisher, subscriber = published(receive)
    with pytest.raises(KeyError, match="'typo'"):
        publisher.send_many('typo', [1])
    with pytest.raises(ValueError, match='topic'):
        publisher.send_many('out', [1], topic='a\x80'.encode('latin-1'))
    publisher.send_many('out', [1])
    assert received(subscriber, 1) == [1]


def test_it_gives_up_when_nobody_takes_the_messages_in_time(nsproxy):
    sender = run_agent('sender')
    sender.bind('PUSH', alias='out')
    with pytest.raises(TimeoutError):
        sender.send_many('out', [1, 2, 3], timeout=0.1)
    assert sender.is_running()


class Unloadable:
    """Can be written, but not read again."""

    def __reduce__(self):
        return int, ('no number',)


@pytest.mark.parametrize('kind', ['PULL', 'SUB'])
def test_an_item_that_cannot_be_read_is_counted_and_the_others_arrive(nsproxy, kind):
    sender, receiver = pair() if kind == 'PULL' else published(receive)
    logger = run_logger('logger')
    receiver.set_logger(logger)
    sender.execute_as_method(lambda agent: agent.send_many('out', [1, Unloadable(), 3]))
    assert received(receiver, 2) == [1, 3]
    assert receiver.counters() == {'errors': 0, 'undecodable': 1, 'overflows': 0, 'refused': 0}
    assert logger_received(logger, 'Message ignored', log_name='log_history_error')


def fail_at_two(agent, message):
    agent.received.append(message)
    if message == 2:
        raise ZeroDivisionError('on purpose')


def test_a_handler_that_fails_at_one_message_is_given_the_next(nsproxy):
    sender, receiver = run_agent('sender'), run_receiver(on_error='continue')
    sender.connect(receiver.bind('PULL', handler=fail_at_two), alias='out')
    sender.send_many('out', list(range(5)))
    assert received(receiver, 5) == list(range(5))
    assert receiver.counters()['errors'] == 1


def test_an_agent_that_stops_at_one_message_handles_the_rest_when_it_runs_again(nsproxy):
    sender, receiver = pair(handler=fail_at_two)
    sender.send_many('out', list(range(5)))
    assert wait_condition(receiver.is_running, negate=True)
    assert receiver.unsafe.get_attr('received') == [0, 1, 2]
    receiver.run()
    receiver.wait_for_running()
    assert received(receiver, 5) == list(range(5))
