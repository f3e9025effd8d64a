"""What each serializer carries between real agents, who chooses it, and the fate of nonsense."""

import datetime as dt
import json
import pickle

import pytest
import zmq

import osbrain
from osbrain import Agent, Proxy, run_agent, run_logger
from osbrain.helper import (
    logger_received,
    sync_agent_logger,
    wait_agent_attr,
    wait_condition,
)

PICKLES = ['pickle', 'cloudpickle', 'dill']
SEPARATED = [*PICKLES, 'json']
ALL = [*SEPARATED, 'raw']


class Order:
    """A class of a user's program."""

    def __init__(self, symbol, quantity):
        self.symbol = symbol
        self.quantity = quantity

    def __eq__(self, other):
        return type(other) is Order and vars(self) == vars(other)

    def __hash__(self):
        return hash((self.symbol, self.quantity))


class OrderError(Exception):
    """An exception of a user's program."""


JSON_VALUES = [None, True, 0, -1, 2**40, 1.5, '', 'text', 'ñandú', [], [1, [2, None]], {'a': {}}]
VALUES = [
    *JSON_VALUES,
    b'',
    b'\x80\x00\xff',
    (1, (2,)),
    {1: 'one', (2,): {3}},
    2**100,
    1j,
    float('inf'),
    ...,
    int,
    bytearray(b'x'),
    dt.date(2013, 3, 1),
    Order('IBM', 3),
]
RAW_VALUES = [b'', b'x', b'\x80', bytes(range(256)), b'\n' * 100000]
CARRIES = {'json': JSON_VALUES, 'raw': RAW_VALUES}
CARRIES.update(dict.fromkeys(PICKLES, VALUES))


def receive(agent, message):
    agent.received.append(message)


def echo(agent, message):
    return message


def run_receiver(name, **kwargs):
    """Start an agent that has an empty list `received`."""
    return run_agent(name, attributes={'received': []}, **kwargs)


def received(agent, **conditions):
    """Wait until the messages that arrived at the agent meet the conditions."""
    return wait_agent_attr(agent, timeout=10, **conditions)


def same(values):
    """Make differences of type show: 1, 1.0 and True are equal, as are bytes and bytearray."""
    return [(type(value), value) for value in values]


# --- Choice ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'config, agent, bind, expected',
    [
        (None, None, None, 'pickle'),
        ('json', None, None, 'json'),
        ('json', 'dill', None, 'dill'),
        ('json', 'dill', 'raw', 'raw'),
        ('json', None, 'cloudpickle', 'cloudpickle'),
        (None, 'pickle', 'json', 'json'),
    ],
)
def test_bind_chooses_before_agent_before_config(nsproxy, monkeypatch, config, agent, bind, expected):
    """A client follows the server."""
    if config:
        monkeypatch.setitem(osbrain.config, 'SERIALIZER', config)
    server, client = run_agent('server', serializer=agent), run_agent('client', serializer='json')
    for kind in ('PUSH', 'REQ', 'PUB'):
        address = server.bind(kind, alias=kind, serializer=bind)
        assert address.serializer == expected
        assert client.connect(address, handler=receive).serializer == expected
    for kind in ('ASYNC_REP', 'SYNC_PUB'):
        channel = server.bind(kind, handler=echo, serializer=bind)
        assert channel.serializer == channel.receiver.serializer == expected


@pytest.mark.parametrize('serializer', ['nope', '', 'PICKLE', b'pickle', 1])
def test_an_unknown_serializer_is_refused(nsproxy, serializer):
    agent = run_agent('agent', serializer='pickle')
    if serializer:
        with pytest.raises(ValueError, match='Invalid serializer type'):
            agent.unsafe.bind('PUSH', alias='x', serializer=serializer)
        assert not agent.has_socket('x')
    else:
        assert agent.bind('PUSH', serializer=serializer).serializer == 'pickle'


# --- Data -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', ALL)
@pytest.mark.parametrize('transport', ['ipc', 'tcp', 'inproc'])
def test_values_arrive_equal_and_of_the_same_type(nsproxy, serializer, transport):
    values = CARRIES[serializer]
    receiver = run_receiver('receiver')
    address = receiver.bind('PULL', handler=receive, transport=transport, serializer=serializer)
    assert (address.serializer, address.transport) == (serializer, transport)
    sender = receiver if transport == 'inproc' else run_agent('sender')
    client = sender.connect(address, alias='out')
    assert (client.serializer, client.transport) == (serializer, transport)
    for value in values:
        sender.send('out', value)
    assert received(receiver, length=len(values))
    assert same(receiver.get_attr('received')) == same(values)


@pytest.mark.parametrize('serializer', ALL)
def test_requests_and_replies_use_the_serializer_of_the_server(nsproxy, serializer):
    replier, requester = run_agent('replier', serializer=serializer), run_agent('requester')
    requester.connect(replier.bind('REP', handler=echo), alias='main')
    for value in CARRIES[serializer]:
        reply = requester.send_recv('main', value)
        assert same([reply]) == same([value])


@pytest.mark.parametrize('serializer', ALL)
def test_topics_leave_no_trace_in_messages_unless_they_are_raw(nsproxy, serializer):
    """Messages may hold the byte that separates topic and message, and pickles do."""
    publisher, subscriber = (
        run_agent('publisher', serializer=serializer),
        run_receiver('subscriber'),
    )
    subscriber.connect(publisher.bind('PUB', alias='pub'), handler={'to': receive})
    values = CARRIES[serializer]

    def live():
        publisher.send('pub', values[0], topic='top')
        return wait_agent_attr(subscriber, length=1, timeout=0.1)

    assert wait_condition(live, timeout=5)
    for number, value in enumerate(values):
        publisher.send('pub', value, topic=('topic', b'top', 'to')[number % 3])
    if serializer == 'raw':
        topics = [b'topic', b'top', b'to'] * len(values)
        values = [topic + value for topic, value in zip(topics, values)]
    wait_agent_attr(subscriber, endswith=values, timeout=10)
    assert same(subscriber.get_attr('received')[-len(values) :]) == same(values)


def test_json_turns_tuples_into_lists_and_keys_into_text(nsproxy):
    sender, receiver = run_agent('sender'), run_receiver('receiver')
    sender.connect(receiver.bind('PULL', handler=receive, serializer='json'), alias='out')
    value = {'a': (1, 2), 'b': [(3,)], 4: 'four', None: ()}
    sender.send('out', value)
    assert received(receiver, value=[json.loads(json.dumps(value))])
    assert receiver.get_attr('received') == [{'a': [1, 2], 'b': [[3]], '4': 'four', 'null': []}]


@pytest.mark.parametrize(
    'serializer, message, errors',
    [
        ('json', b'bytes', TypeError),
        ('json', {'a': {1, 2}}, TypeError),
        ('json', object(), TypeError),
        ('raw', 'text', TypeError),
        ('raw', 1, TypeError),
        ('pickle', lambda x: x, (pickle.PicklingError, AttributeError, TypeError)),
    ],
)
@pytest.mark.parametrize('kind', ['PUSH', 'PUB', 'REQ'])
@pytest.mark.usefixtures('patient_connects')
def test_what_a_serializer_cannot_carry_is_an_error_at_send(nsproxy, kind, serializer, message, errors):
    agent = run_agent('agent')
    address = agent.bind(kind, alias='out', serializer=serializer)
    if kind == 'PUB':  # for nobody, nothing is written
        run_agent('listener').connect(address, handler=lambda agent, message: None)
    with pytest.raises(errors):
        agent.unsafe.send('out', message)
    assert agent.is_running()


@pytest.mark.new
@pytest.mark.parametrize('serializer, message', [('json', b'x'), ('raw', 'x'), ('pickle', lambda x: x)])
def test_after_a_message_that_could_not_be_sent_the_socket_is_as_before(nsproxy, serializer, message):
    """The mistake is the caller's: the agent goes on, also in the middle of a REQ."""
    replier, requester = run_agent('replier', serializer=serializer), run_agent('requester')
    requester.connect(replier.bind('REP', handler=echo), alias='main')
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        requester.send('main', message)
    assert requester.is_running()
    value = CARRIES[serializer][1]
    assert requester.send_recv('main', value) == value


@pytest.mark.parametrize('serializer', ['cloudpickle', 'dill'])
def test_functions_and_local_classes_travel_with_cloudpickle_and_dill(nsproxy, serializer):
    class Local:
        def price(self):
            return base + 1

    base = 41
    sender, receiver = run_agent('sender'), run_receiver('receiver')
    address = receiver.bind(
        'PULL',
        serializer=serializer,
        handler=lambda agent, message: agent.received.append(message()),
    )
    sender.connect(address, alias='out')
    sender.send('out', lambda: base)
    sender.send('out', Local().price)
    assert received(receiver, value=[41, 42])


@pytest.mark.parametrize('serializer', PICKLES)
def test_addresses_channels_proxies_and_errors_travel(nsproxy, serializer):
    """The receiver can use what it gets at once."""

    class Receiver(Agent):
        def on_init(self):
            self.received = []
            self.bind('PULL', alias='in', handler='take', serializer=serializer)

        def take(self, message):
            if isinstance(message, Proxy):
                message = ('proxy', message.unsafe.ping(), message.get_attr('name'))
            self.received.append(message)

    sender, receiver = run_agent('sender'), run_agent('receiver', base=Receiver)
    sender.connect(receiver.addr('in'), alias='out')
    address, channel = sender.addr('out'), sender.bind('SYNC_PUB', handler=echo)
    for message in (sender, address, channel):
        sender.send('out', message)
    assert received(receiver, value=[('proxy', 'pong', 'sender'), address, channel])
    assert receiver.get_attr('received')[2].uuid == channel.uuid
    sender.send('out', OrderError('refused'))
    assert received(receiver, length=4)
    error = receiver.get_attr('received')[3]
    assert type(error) is OrderError
    assert error.args == ('refused',)


# --- Arrays ---------------------------------------------------------------------------------------


class Painter(Agent):
    """Send arrays, change them right after; tell what became of the arrays that came."""

    def on_init(self):
        self.received = []

    def paint(self, wrap):
        import numpy as np

        array = np.arange(2**20, dtype='float64')
        for _ in range(3):
            self.send('out', wrap(array))
            array[:] = -1
            array = np.arange(2**20, dtype='float64')

    def look(self, message):
        import numpy as np

        array = message['deep'][0] if isinstance(message, dict) else message
        equal = bool((array == np.arange(2**20, dtype='float64')).all())
        array[0] = 7
        changed = array.flags.writeable and array[0] == 7
        self.received.append((equal, array.dtype.str, array.shape, changed))

    def look_at_raw(self, message):
        import numpy as np

        self.look(np.frombuffer(message, dtype='float64').copy())


@pytest.mark.parametrize('serializer', [*PICKLES, 'raw'])
@pytest.mark.parametrize('transport', ['ipc', 'tcp', 'inproc'])
@pytest.mark.parametrize('inside', [False, True], ids=['alone', 'inside'])
def test_large_arrays_arrive_equal_and_writable(nsproxy, serializer, transport, inside):
    """8 MiB each, alone or inside other data, even if they are changed right after send."""
    pytest.importorskip('numpy')
    receiver = run_agent('receiver', base=Painter)
    sender = receiver if transport == 'inproc' else run_agent('sender', base=Painter)
    handler = 'look_at_raw' if serializer == 'raw' else 'look'
    address = receiver.bind('PULL', handler=handler, serializer=serializer, transport=transport)
    sender.connect(address, alias='out')
    wrap = {
        ('raw', False): lambda array: array.tobytes(),
        ('raw', True): lambda array: memoryview(array).cast('B'),
    }.get((serializer, inside))
    if wrap is None:
        wrap = (lambda array: {'deep': [array], 'x': 1}) if inside else (lambda array: array)
    sender.paint(wrap)
    assert received(receiver, length=3)
    assert receiver.get_attr('received') == [(True, '<f8', (2**20,), True)] * 3


@pytest.mark.parametrize('serializer', PICKLES)
def test_large_arrays_travel_with_every_pattern(nsproxy, serializer):
    np = pytest.importorskip('numpy')
    server, client = run_receiver('server', serializer=serializer), run_receiver('client')
    client.connect(server.bind('REP', handler=echo), alias='req')
    client.connect(server.bind('ASYNC_REP', handler=echo), alias='async', handler=receive)
    client.connect(server.bind('PUB', alias='pub'), handler={'a': receive})
    channel = server.bind('SYNC_PUB', alias='sync pub', handler=echo)
    client.connect(channel, alias='sync', handler={'a': receive})
    array = np.arange(2**20, dtype='float64').reshape(1024, 1024)

    def arrived():
        return len(client.get_attr('received'))

    def publish(alias):
        server.send(alias, array, topic='ab')
        return wait_agent_attr(client, length=1, timeout=1)

    assert (client.send_recv('req', array) == array).all()
    client.send('async', array)
    assert wait_condition(arrived, timeout=5)
    assert (client.get_attr('received')[0] == array).all()
    client.set_attr(received=[])
    client.send('sync', array, handler=receive)
    assert wait_condition(arrived, timeout=5)
    assert (client.get_attr('received')[0] == array).all()
    for alias in ('pub', 'sync pub'):
        client.set_attr(received=[])
        assert wait_condition(publish, alias, timeout=10)
        assert (client.get_attr('received')[0] == array).all()


# --- Messages that make no sense ------------------------------------------------------------------


@pytest.fixture
def bare(open_to_strangers):
    """Return a function that connects a bare ZeroMQ socket of some type to an agent's address."""
    context = zmq.Context()
    sockets = []

    def connect(kind, address):
        socket = context.socket(kind)
        sockets.append(socket)
        socket.connect('tcp://%s:%s' % (address.address.host, address.address.port))
        return socket

    yield connect
    for each in sockets:
        each.close(linger=0)
    context.term()


@pytest.mark.new
@pytest.mark.parametrize('serializer', SEPARATED)
def test_messages_that_cannot_be_decoded_are_logged_and_the_agent_goes_on(nsproxy, bare, serializer):
    """Each record names agent and alias; what comes later is handled."""
    receiver, logger = run_receiver('receiver'), run_logger('logger')
    receiver.set_logger(logger)
    sync_agent_logger(receiver, logger)
    address = receiver.bind('PULL', alias='prices', handler=receive, transport='tcp', serializer=serializer)
    socket = bare(zmq.PUSH, address)
    nonsense = [[b'\xffgarbage'], [b''], [b'\x80', b'more'], [b'a', b'b', b'c', b'd']]
    for frames in nonsense:
        socket.send_multipart(frames)
    dump = pickle.dumps if serializer != 'json' else lambda value: json.dumps(value).encode()
    socket.send(dump('good'))
    assert received(receiver, value=['good'])
    assert wait_agent_attr(logger, name='log_history_error', length=len(nonsense), timeout=5)
    for record in logger.get_attr('log_history_error'):
        assert '(receiver): ' in record and 'prices' in record
    sender = run_agent('sender')
    sender.connect(address, alias='out')
    sender.send('out', 'good too')
    assert received(receiver, value=['good', 'good too'])
    assert receiver.is_running()


@pytest.mark.new
@pytest.mark.parametrize('serializer', SEPARATED)
def test_garbage_does_not_stop_subscribers_and_repliers_either(nsproxy, bare, serializer):
    agent, logger = run_receiver('agent'), run_logger('logger')
    agent.set_logger(logger)
    sync_agent_logger(agent, logger)
    sub = agent.bind('SUB', alias='sub', handler=receive, transport='tcp', serializer=serializer)
    rep = agent.bind('REP', alias='rep', handler=echo, transport='tcp', serializer=serializer)
    publisher = bare(zmq.PUB, sub)

    def heard():
        publisher.send(b'\xff no separator')
        return logger_received(logger, 'sub', log_name='log_history_error', timeout=0.1)

    assert wait_condition(heard, timeout=5)
    bare(zmq.REQ, rep).send(b'\xff')
    assert logger_received(logger, 'rep', log_name='log_history_error', timeout=5)
    peer = run_agent('peer')
    peer.connect(rep, alias='req')
    assert peer.send_recv('req', 'good') == 'good'
    peer.connect(sub, alias='pub')

    def published():
        peer.send('pub', 'good', topic='t')
        return wait_agent_attr(agent, data='good', timeout=0.1)

    assert wait_condition(published, timeout=5)
    assert agent.is_running()


@pytest.mark.new
@pytest.mark.parametrize('kind, socket_type', [('ASYNC_REP', zmq.DEALER), ('SYNC_PUB', zmq.PUSH)])
def test_nonsense_does_not_stop_servers_of_channels(nsproxy, bare, kind, socket_type):
    """Also not what can be decoded but is no request."""
    server, client, logger = run_receiver('server'), run_receiver('client'), run_logger('logger')
    server.set_logger(logger)
    sync_agent_logger(server, logger)
    channel = server.bind(kind, alias='rep', handler=echo, transport='tcp', serializer='pickle')
    nonsense = [[b'\xffgarbage'], [b''], [pickle.dumps(1)], [pickle.dumps((1, 2, 3, 4, 5))]]
    socket = bare(socket_type, channel.receiver)
    for frames in nonsense:
        socket.send_multipart(frames)
    assert wait_agent_attr(logger, name='log_history_error', length=len(nonsense), timeout=5)
    assert all('rep' in record for record in logger.get_attr('log_history_error'))
    client.connect(channel, alias='server', handler=receive)
    client.send('server', 'good', handler=receive)
    assert received(client, value=['good'])
    assert server.is_running()
