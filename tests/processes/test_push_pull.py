"""PUSH and PULL between real agents, and what all patterns share: bind, connect and handlers."""

import threading
import time

import pytest

from osbrain import Agent, AgentAddress, SocketAddress, run_agent, run_logger
from osbrain.address import AgentAddressKind
from osbrain.helper import (
    agent_dies,
    logger_received,
    sync_agent_logger,
    wait_agent_attr,
    wait_condition,
)

RECEIVING = ['REP', 'PULL', 'SUB', 'ASYNC_REP', 'SYNC_PUB']
TWINS = [('PUSH', 'PULL'), ('PUB', 'SUB'), ('REQ', 'REP')]


def receive(agent, message):
    """Keep the message, and return something that PULL has to ignore."""
    agent.received.append(message)
    return 'ignored'


def suffixing(suffix):
    """Make a closure that keeps each message with a suffix."""

    def handler(agent, message):
        agent.received.append('%s%s' % (message, suffix))

    return handler


class Receiver(Agent):
    """Receive the way programs that inherit do: with methods and in on_init."""

    def on_init(self):
        self.received = []

    def take(self, message):
        self.received.append(message)

    def open(self, handler, server=None):
        """Bind a PULL socket, or connect one to the server."""
        handler = self.take if handler == 'bound method' else handler
        if server is None:
            return self.bind('PULL', 'in', handler)
        return self.connect(server, 'in', handler)


def run_receiver(name):
    """Start an agent that has an empty list `received`."""
    return run_agent(name, base=Receiver)


def received(agent, **conditions):
    """Wait until the messages that arrived at the agent meet the conditions."""
    return wait_agent_attr(agent, timeout=5, **conditions)


# --- Delivery -------------------------------------------------------------------------------------


@pytest.mark.parametrize('bound', ['PUSH', 'PULL'])
def test_messages_arrive_complete_and_in_order_whichever_side_binds(nsproxy, bound):
    pusher, puller = run_agent('pusher'), run_receiver('puller')
    if bound == 'PUSH':
        puller.connect(pusher.bind('PUSH', alias='out'), alias='in', handler=receive)
    else:
        pusher.connect(puller.bind('PULL', alias='in', handler=receive), alias='out')
    messages = list(range(200))
    for message in messages:
        assert pusher.send('out', message) is None
    assert received(puller, length=200)
    assert puller.get_attr('received') == messages


def test_a_message_arrives_within_a_second_of_the_connection(nsproxy):
    pusher, puller = run_agent('pusher'), run_receiver('puller')
    pusher.connect(puller.bind('PULL', handler=receive), alias='out')
    pusher.send('out', 'first')
    assert wait_agent_attr(puller, data='first', timeout=5)


def test_a_puller_merges_its_pushers_and_keeps_the_order_of_each(nsproxy):
    puller = run_receiver('puller')
    address = puller.bind('PULL', handler=receive)
    pushers = [run_agent('pusher%d' % i) for i in range(3)]
    for pusher in pushers:
        pusher.connect(address, alias='out')
    for number in range(20):
        for i, pusher in enumerate(pushers):
            pusher.send('out', (i, number))
    assert received(puller, length=60)
    for i in range(3):
        numbers = [number for sender, number in puller.get_attr('received') if sender == i]
        assert numbers == list(range(20))


def test_a_pusher_deals_round_robin_among_its_pullers(nsproxy):
    pusher = run_agent('pusher')
    address = pusher.bind('PUSH', alias='out')
    pullers = [run_receiver('puller%d' % i) for i in range(2)]
    for puller in pullers:
        puller.connect(address, alias='in', handler=receive)

    def both_have_one():
        pusher.send('out', 'probe')
        return all(wait_agent_attr(puller, length=1, timeout=0.1) for puller in pullers)

    assert wait_condition(both_have_one, timeout=5)
    for number in range(10):
        pusher.send('out', number)
    dealt = [set(), set()]

    def all_dealt():
        for numbers, puller in zip(dealt, pullers):
            numbers.update(x for x in puller.get_attr('received') if x != 'probe')
        return len(dealt[0] | dealt[1]) == 10

    assert wait_condition(all_dealt, timeout=5)
    assert sorted(map(sorted, dealt)) == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]


def test_clients_may_connect_before_the_server_is_there(nsproxy):
    """Connecting early is as good as late: what was sent waits for the server."""
    pusher, puller = run_agent('pusher'), run_receiver('puller')
    address = puller.bind('PULL', alias='in', handler=receive, transport='tcp')
    puller.close('in')
    pusher.connect(address, alias='out')
    pusher.send('out', 'early')
    puller.bind('PULL', alias='in', handler=receive, transport='tcp', addr=address.address)
    assert received(puller, data='early')


def test_a_socket_without_alias_is_used_by_its_address(nsproxy):
    pusher, puller = run_agent('pusher'), run_receiver('puller')
    server = puller.bind('PULL', handler=receive)
    client = pusher.connect(server)
    assert client == server.twin()
    assert pusher.has_socket(client)
    pusher.send(client, 'by address')
    assert received(puller, data='by address')


def test_an_alias_bound_again_names_the_new_socket_and_the_old_one_stays_open(nsproxy):
    pusher, old, new = run_agent('pusher'), run_receiver('old'), run_receiver('new')
    first = pusher.bind('PUSH', alias='out')
    second = pusher.bind('PUSH', alias='out')
    assert first != second
    assert pusher.addr('out') == second
    old.connect(first, handler=receive)
    new.connect(second, handler=receive)
    pusher.send('out', 'by alias')
    pusher.send(first, 'by address')
    assert received(new, value=['by alias'])
    assert received(old, value=['by address'])


def test_addresses_travel_between_agents_by_return_value_proxy_and_name_server(nsproxy):
    """Agents are wired by proxies kept as attributes, by `addr` and by what methods return."""

    class Wired(Receiver):
        def meet(self):
            self.connect(self.peer.addr('in'), alias='by proxy')
            self.connect(self.peer.offer(), alias='by return value')

        def offer(self):
            return self.bind('PULL', alias='more', handler=self.take)

    a, b = run_agent('a', base=Wired), run_agent('b', base=Wired)
    b.bind('PULL', alias='in', handler='take')
    a.set_attr(peer=b)
    a.meet()
    found = nsproxy.proxy('b')
    assert nsproxy.addr('b', 'in') == found.addr('in') == b.addr('in')
    c = run_agent('c')
    c.connect(nsproxy.addr('b', 'in'), alias='by name server')
    for sender, alias in [(a, 'by proxy'), (a, 'by return value'), (c, 'by name server')]:
        sender.send(alias, alias)
        assert received(b, data=alias)


# --- bind -----------------------------------------------------------------------------------------


@pytest.mark.parametrize('as_kind', [str, AgentAddressKind])
def test_all_basic_kinds_can_be_bound(nsproxy, as_kind):
    agent = run_receiver('agent')
    for kind in sum(TWINS, ()):
        address = agent.bind(as_kind(kind), alias=kind, handler=receive)
        assert isinstance(address, AgentAddress)
        assert (address.kind, address.role) == (kind, 'server')
        assert agent.addr(kind) == address
        assert agent.has_socket(kind) and agent.has_socket(address)


@pytest.mark.parametrize('kind', RECEIVING)
def test_binding_a_receiving_kind_without_handler_binds_nothing(nsproxy, kind):
    agent = run_agent('agent')
    with pytest.raises(ValueError, match='This socket requires a handler!'):
        agent.unsafe.bind(kind, alias='x')
    assert not agent.has_socket('x')
    with pytest.raises(KeyError):
        agent.unsafe.addr('x')


@pytest.mark.parametrize(
    'kind, error, text',
    [
        ('NOPE', ValueError, 'Invalid channel kind'),
        ('', ValueError, 'Invalid channel kind'),
        ('ASYNC_REQ', NotImplementedError, 'Unsupported channel kind'),
        ('SYNC_SUB', NotImplementedError, 'Unsupported channel kind'),
    ],
)
def test_kinds_that_cannot_be_bound_are_refused(nsproxy, kind, error, text):
    agent = run_agent('agent')
    with pytest.raises(error, match=text):
        agent.unsafe.bind(kind, alias='x', handler=receive)
    assert not agent.has_socket('x')


def test_a_handler_given_to_a_sending_kind_has_no_effect(nsproxy):
    """Programs bind PUB and SYNC_PUB with the same code, so the handler must be accepted."""
    sender, puller = run_receiver('sender'), run_receiver('puller')
    puller.connect(sender.bind('PUSH', alias='out', handler=receive), handler=receive)
    sender.bind('PUB', alias='pub', handler=receive)
    sender.send('pub', 'nobody listens')
    sender.send('out', 'x')
    assert received(puller, value=['x'])
    assert sender.get_attr('received') == []


# --- connect --------------------------------------------------------------------------------------


@pytest.mark.parametrize('bound, twin', [(b, t) for pair in TWINS for b, t in (pair, pair[::-1])])
def test_connecting_makes_the_twin_of_the_server(nsproxy, bound, twin):
    """A receiving twin needs a handler; the others do without."""
    server, client = run_receiver('server'), run_receiver('client')
    address = server.bind(bound, alias='s', handler=receive)
    handler = None
    if twin in RECEIVING:
        with pytest.raises(ValueError, match='This socket requires a handler!'):
            client.unsafe.connect(address, alias='c')
        assert not client.has_socket('c')
        handler = receive
    got = client.connect(address, alias='c', handler=handler)
    assert got == client.addr('c') == address.twin()
    assert (got.kind, got.role) == (twin, 'client')


def test_only_server_addresses_can_be_connected_to(nsproxy):
    agent = run_receiver('agent')
    client = agent.bind('PULL', handler=receive).twin()
    with pytest.raises(AssertionError, match='A server address must be provided'):
        agent.unsafe.connect(client, alias='x')
    for other in (1, 'text', None, SocketAddress('127.0.0.1', 5000)):
        with pytest.raises((AttributeError, TypeError)):
            agent.unsafe.connect(other, alias='x')
    assert not agent.has_socket('x')


def test_connecting_again_without_handler_gives_one_socket_a_second_alias(nsproxy):
    pusher, puller = run_agent('pusher'), run_receiver('puller')
    address = puller.bind('PULL', handler=receive)
    client = pusher.connect(address, alias='one')
    assert pusher.connect(address, alias='two') == client
    assert pusher.connect(address) == client
    for name in ('one', 'two', client):
        pusher.send(name, 'x')
    assert received(puller, value=['x', 'x', 'x'])
    pusher.close('two')
    assert not any(pusher.has_socket(name) for name in ('one', 'two', client))
    pusher.connect(address, alias='three')
    pusher.send('three', 'new socket')
    assert received(puller, data='new socket')


@pytest.mark.parametrize('bound', ['PUSH', 'PUB', 'REQ'])
def test_connecting_again_with_a_handler_is_refused(nsproxy, bound):
    server, client = run_agent('server'), run_receiver('client')
    address = server.bind(bound, alias='out')
    client.connect(address, alias='in', handler=receive)
    with pytest.raises(NotImplementedError):
        client.unsafe.connect(address, alias='again', handler=receive)
    assert client.has_socket('in')
    assert not client.has_socket('again')


@pytest.mark.parametrize('transport', ['inproc', 'ipc', 'tcp'])
def test_an_agent_may_connect_to_its_own_socket(nsproxy, transport):
    """Even from two calls at the same time."""
    agent = run_receiver('agent')
    address = agent.bind('PULL', alias='in', handler=receive, transport=transport)
    agent.oneway.connect(address, alias='one')
    agent.oneway.connect(address, alias='two')

    def connected():
        return all(agent.unsafe.has_socket(alias) for alias in ('one', 'two'))

    assert wait_condition(connected, timeout=3)
    agent.send('one', 1)
    agent.send('two', 2)
    assert received(agent, length=2)
    assert sorted(agent.get_attr('received')) == [1, 2]


# --- Handlers -------------------------------------------------------------------------------------


@pytest.mark.parametrize('side', ['bind', 'connect'])
@pytest.mark.parametrize(
    'handler, arrives',
    [
        pytest.param(receive, 'x', id='function'),
        pytest.param(lambda agent, message: agent.received.append(message), 'x', id='lambda'),
        pytest.param(suffixing('!'), 'x!', id='closure'),
        pytest.param('take', 'x', id='name'),
        pytest.param('bound method', 'x', id='bound-method'),
    ],
)
def test_a_handler_may_be_a_function_a_name_or_a_method(nsproxy, side, handler, arrives):
    pusher, puller = run_agent('pusher'), run_receiver('puller')
    if side == 'bind':
        pusher.connect(puller.open(handler), alias='out')
    else:
        puller.open(handler, pusher.bind('PUSH', alias='out'))
    pusher.send('out', 'x')
    assert received(puller, value=[arrives])


def test_a_builtin_is_called_with_agent_and_message(nsproxy):
    pusher, puller = run_agent('pusher'), run_receiver('puller')
    pusher.connect(puller.bind('PULL', handler=delattr), alias='out')
    puller.set_attr(victim=1)
    pusher.send('out', 'victim')

    def gone():
        try:
            puller.get_attr('victim')
        except AttributeError:
            return True

    assert wait_condition(gone, timeout=3)


@pytest.mark.parametrize('container', [list, tuple])
@pytest.mark.parametrize('side', ['bind', 'connect'])
def test_a_pull_calls_a_list_of_handlers_in_the_given_order(nsproxy, container, side):
    handlers = container(
        [
            suffixing('1'),
            'take',
            lambda agent, message: agent.received.append(message * 2),
            suffixing('4'),
        ]
    )
    pusher, puller = run_agent('pusher'), run_receiver('puller')
    if side == 'bind':
        pusher.connect(puller.bind('PULL', alias='in', handler=handlers), alias='out')
    else:
        puller.connect(pusher.bind('PUSH', alias='out'), alias='in', handler=handlers)
    pusher.send('out', 'x')
    pusher.send('out', 'y')
    assert received(puller, value=['x1', 'x', 'xx', 'x4', 'y1', 'y', 'yy', 'y4'])


@pytest.mark.parametrize(
    'handler, error, text',
    [
        (1234, TypeError, 'Unknown handler type'),
        (1.5, TypeError, 'Unknown handler type'),
        (object(), TypeError, 'Unknown handler type'),
        ([receive, 1234], TypeError, 'Unknown handler type'),
        ('missing', AttributeError, 'missing'),
    ],
)
def test_other_handlers_are_refused(nsproxy, handler, error, text):
    agent, other = run_receiver('agent'), run_agent('other')
    with pytest.raises(error, match=text):
        agent.unsafe.bind('PULL', alias='bound', handler=handler)
    with pytest.raises(error, match=text):
        agent.unsafe.connect(other.bind('PUSH', alias='out'), alias='connected', handler=handler)
    assert agent.is_running()


@pytest.mark.new
def test_a_refused_handler_leaves_nothing_and_a_good_one_works_in_its_place(nsproxy):
    pusher, puller = run_agent('pusher'), run_receiver('puller')
    address = pusher.bind('PUSH', alias='out')
    for handler, error in [(1234, TypeError), ('missing', AttributeError), (None, ValueError)]:
        with pytest.raises(error):
            puller.connect(address, alias='in', handler=handler)
        with pytest.raises(error):
            puller.bind('PULL', alias='bound', handler=handler)
        assert not puller.has_socket('in')
        assert not puller.has_socket('bound')
    puller.connect(address, alias='in', handler='take')
    pusher.send('out', 'x')
    assert received(puller, value=['x'])


def test_functions_given_as_handlers_are_not_stored_on_the_agent(nsproxy):
    pusher, puller = run_agent('pusher'), run_receiver('puller')
    pusher.connect(puller.bind('PULL', handler=receive), alias='out')
    pusher.send('out', 'x')
    assert received(puller, value=['x'])
    for name in ('receive', '<lambda>'):
        with pytest.raises(AttributeError, match='object has no attribute'):
            puller.get_attr(name)


def test_a_handler_has_the_whole_agent_in_its_main_thread(nsproxy):
    """It may set attributes, log, bind, connect, send, start timers and end the agent."""

    class Worker(Receiver):
        def before_loop(self):
            self.main = threading.get_ident()

        def work(self, message):
            self.in_main = threading.get_ident() == self.main
            self.log_info('working on %s' % message)
            self.connect(self.bind('PULL', alias='own', handler=self.take), alias='to own')
            self.send('to own', message)
            self.after(0, 'tick')

        def tick(self):
            self.received.append('tick')

    logger = run_logger('logger')
    pusher, worker = run_agent('pusher'), run_agent('worker', base=Worker)
    worker.set_logger(logger)
    sync_agent_logger(worker, logger)
    pusher.connect(worker.bind('PULL', handler='work'), alias='out')
    pusher.connect(worker.bind('PULL', handler=lambda agent, _: agent.shutdown()), alias='end')
    pusher.send('out', 'stones')
    assert received(worker, length=2)
    assert sorted(worker.get_attr('received')) == ['stones', 'tick']
    assert worker.get_attr('in_main')
    assert logger_received(logger, 'working on stones')
    pusher.send('end', None)
    assert agent_dies('worker', nsproxy, timeout=5)


@pytest.mark.new
def test_a_method_added_at_run_time_can_be_named_as_handler(nsproxy):
    pusher, puller = run_agent('pusher'), run_receiver('puller')
    assert puller.set_method(added=suffixing(' added')) == 'added'
    puller.added('called')
    pusher.connect(puller.bind('PULL', handler='added'), alias='out')
    pusher.send('out', 'sent')
    assert received(puller, value=['called added', 'sent added'])


@pytest.mark.new
def test_a_rejected_bind_or_connect_harms_the_caller_alone(nsproxy):
    agent = run_receiver('agent')
    address = agent.bind('PULL', handler=receive)
    for error, call in [
        (ValueError, lambda: agent.bind('NOPE')),
        (ValueError, lambda: agent.bind('PULL')),
        (TypeError, lambda: agent.bind('PULL', handler=1234)),
        (AttributeError, lambda: agent.bind('PULL', handler='missing')),
        (ValueError, lambda: agent.bind('PUSH', serializer='nope')),
        (AssertionError, lambda: agent.connect(address.twin())),
        (KeyError, lambda: agent.send('unknown', 1)),
        (KeyError, lambda: agent.close('unknown')),
        (KeyError, lambda: agent.addr('unknown')),
    ]:
        with pytest.raises(error):
            call()
        assert agent.is_running()
    agent.send(agent.connect(address), 'still here')
    assert received(agent, data='still here')


# --- A push without a peer ------------------------------------------------------------------------


def block_in_send(pusher):
    """Make the agent's main thread block in a send to nobody."""
    pusher.set_method(push_for_ever=push_for_ever)
    pusher.after(0, 'push_for_ever')
    assert wait_agent_attr(pusher, name='blocked', value=True, timeout=5)


def push_for_ever(agent):
    agent.blocked = True
    while True:
        agent.send('out', 'x' * 1000)


def test_a_push_without_peer_waits_until_one_connects(nsproxy):
    pusher, puller = run_agent('pusher', attributes={'blocked': False}), run_receiver('puller')
    address = pusher.bind('PUSH', alias='out')
    pusher.set_method(push=lambda agent: [agent.send('out', 1), agent.set_attr(blocked='over')])
    pusher.after(0, 'push')
    assert not wait_agent_attr(pusher, name='blocked', value='over', timeout=0.5)
    puller.connect(address, handler=receive)
    assert received(puller, value=[1])
    assert wait_agent_attr(pusher, name='blocked', value='over', timeout=3)


@pytest.mark.parametrize('end', ['kill', 'name server'])
def test_an_agent_blocked_in_a_push_can_be_ended(nsproxy, end):
    pusher = run_agent('pusher', attributes={'blocked': False})
    file = pusher.bind('PUSH', alias='out', transport='ipc').address
    block_in_send(pusher)
    if end == 'kill':
        pusher.oneway.kill()
    else:
        nsproxy.shutdown_agents(timeout=2)
    assert agent_dies('pusher', nsproxy, timeout=3)
    assert wait_condition(file.exists, negate=True, timeout=3)


@pytest.mark.new
def test_a_send_with_a_timeout_gives_up_and_the_agent_goes_on(nsproxy):
    class Patient(Agent):
        def push(self, timeout):
            started = time.monotonic()
            try:
                self.send('out', 'x', timeout=timeout)
            except TimeoutError:
                return time.monotonic() - started

    pusher, puller = run_agent('pusher', base=Patient), run_receiver('puller')
    address = pusher.bind('PUSH', alias='out')
    assert 0.25 <= pusher.push(0.3) < 2
    puller.connect(address, handler=receive)
    assert pusher.push(5) is None
    assert received(puller, value=['x'])
