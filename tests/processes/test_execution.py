"""Which thread runs what: one main thread in turn, other threads at once; and nobody is starved."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from osbrain import Agent, Proxy, run_agent
from osbrain.address import AgentAddress
from osbrain.helper import wait_agent_attr, wait_condition


class Witness(Agent):
    """Note which thread ran what, and whether two things ran in the main thread's turn at once."""

    inside = False

    def on_init(self):
        self.threads = {}
        self.order = []
        self.overlaps = 0
        self.released = False
        self._poll_timeout = 100

    def note(self, what):
        self.overlaps += self.inside
        self.inside = True
        time.sleep(0.001)
        self.threads.setdefault(what, set()).add(threading.get_ident())
        self.order.append(what)
        self.inside = False

    def before_loop(self):
        self.note('before_loop')

    def idle(self):
        self.note('idle')

    def on_message(self, message):
        self.note(message)

    def on_request(self, message):
        self.note('request')
        return message

    def call(self, what='safe call'):
        self.note(what)
        return threading.get_ident()

    def thread(self):
        return threading.get_ident()

    def busy(self, seconds):
        time.sleep(seconds)
        return time.monotonic()

    def meet(self):
        """Come back when four are here at once."""
        return self.barrier.wait(20)

    def note_progress(self, what):
        self.progress.setdefault(what, self.flood)

    def block(self):
        """Keep the main thread until told otherwise."""
        self.order.append('block')
        deadline = time.monotonic() + 20
        while not self.released and time.monotonic() < deadline:
            time.sleep(0.005)


@pytest.fixture
def witness(nsproxy):
    return run_agent('witness', base=Witness)


def block(agent):
    """Make the main thread of an agent busy until ``released`` is set."""
    agent.after(0, 'block')
    assert wait_agent_attr(agent, 'order', data='block')


# ---- the main thread -----------------------------------------------------------------------


def test_all_turns_are_taken_in_one_thread_and_one_at_a_time(witness):
    peer = run_agent('peer')
    for kind, handler in [('PULL', 'on_message'), ('REP', 'on_request'), ('SUB', 'on_message')]:
        peer.connect(witness.bind(kind, handler=handler), alias=kind)
    silent = run_agent('silent')
    channel = silent.bind('ASYNC_REP', handler=lambda agent, message: message)
    silent.stop()
    witness.connect(channel, alias='requests', handler='on_message')
    assert wait_agent_attr(witness, 'threads', data='idle')

    witness.each(0.002, 'note', 'timer')
    witness.after(0, lambda agent: agent.note('function'))
    peer.each(0.003, 'send', 'PULL', 'message')
    peer.each(0.003, 'send', 'SUB', 'publication')
    witness.send('requests', 'x', wait=0.05, on_error=lambda agent: agent.note('on_error'))

    def call(proxy):
        for _ in range(25):
            proxy.call()
            proxy.execute_as_method(lambda agent: agent.note('method'))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(call, [Proxy('witness') for _ in range(3)]))
    assert peer.send_recv('REP', 1) == 1

    expected = {
        'before_loop',
        'idle',
        'timer',
        'function',
        'message',
        'publication',
        'request',
        'on_error',
        'safe call',
        'method',
    }
    assert wait_condition(lambda: expected <= set(witness.get_attr('threads')), timeout=5)
    threads = witness.get_attr('threads')
    assert set.union(*threads.values()) == {witness.safe.thread()}
    assert witness.get_attr('overlaps') == 0
    assert witness.get_attr('order').count('safe call') == 75


def test_unsafe_and_one_way_calls_run_in_other_threads(witness):
    main = witness.thread()
    assert witness.unsafe.thread() != main
    assert witness.unsafe.execute_as_function(threading.get_ident) != main
    witness.oneway.call('one-way')
    assert wait_agent_attr(witness, 'threads', data='one-way')
    assert main not in witness.get_attr('threads')['one-way']
    assert witness.unsafe.safe_call('thread') == main


def test_the_answer_of_a_busy_agent_depends_on_the_mode(witness):
    begin = time.monotonic()
    witness.after(0, 'busy', 3)
    witness.unsafe.thread()
    assert time.monotonic() - begin < 2
    witness.thread()
    assert 2.95 < time.monotonic() - begin < 8


def test_a_busy_agent_serves_unsafe_calls_of_all_sorts(witness):
    block(witness)
    unsafe = Proxy('witness', safe=False)
    begin = time.monotonic()
    assert unsafe.ping() == 'pong'
    assert unsafe.is_running() is True
    assert witness.is_running() is True
    unsafe.set_attr(x=1)
    assert witness.get_attr('x') == 1
    timer = unsafe.each(0.02, 'note', 'timer')
    unsafe.after(0, lambda agent: agent.note('function'))
    assert timer in unsafe.list_timers()
    unsafe.set_method(triple=lambda agent, number: 3 * number)
    assert unsafe.triple(2) == 6
    assert unsafe.execute_as_method(lambda agent: agent.name) == 'witness'
    assert time.monotonic() - begin < 1
    assert witness.get_attr('order')[-1] == 'block', 'the main thread had no turn'

    unsafe.set_attr(released=True)
    assert wait_condition(lambda: {'timer', 'function'} <= set(witness.get_attr('order')))


def test_unsafe_and_one_way_calls_of_one_method_run_in_parallel(witness):
    witness.execute_as_method(lambda agent: setattr(agent, 'barrier', threading.Barrier(4)))
    proxies = [Proxy('witness'), Proxy('witness')]
    assert witness.oneway.meet() is None
    assert witness.oneway.meet() is None
    with ThreadPoolExecutor(2) as pool:
        met = list(pool.map(lambda proxy: proxy.unsafe.meet(), proxies))
    assert len(set(met)) == 2 and set(met) <= set(range(4))


def test_safe_calls_wait_for_each_other(witness):
    def busy(proxy):
        return proxy.busy(0.2)

    begin = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        ends = sorted(pool.map(busy, [Proxy('witness') for _ in range(3)]))
    for number, end in enumerate(ends, start=1):
        assert end - begin > 0.19 * number


def test_a_safe_call_runs_after_what_the_main_thread_is_at(witness):
    block(witness)
    results = []
    caller = threading.Thread(target=lambda: results.append(Proxy('witness').call()))
    caller.start()
    caller.join(0.3)
    assert results == []
    witness.unsafe.set_attr(released=True)
    caller.join(5)
    assert results == [witness.thread()]
    assert witness.get_attr('order').index('block') < witness.get_attr('order').index('safe call')


# ---- fairness ------------------------------------------------------------------------------


def test_no_source_starves_another(witness):
    """Behind a flood of more than a second all others get a turn long before it is over."""
    number = 600

    def drop(agent, message):
        agent.flood += 1
        time.sleep(0.002)

    witness.set_attr(flood=0, progress={})
    flooder, quiet = run_agent('flooder'), run_agent('quiet')
    flooder.connect(witness.bind('PULL', handler=drop), alias='out')
    for kind in ('PULL', 'SUB'):
        address = witness.bind(kind, handler=lambda agent, what: agent.note_progress(what))
        quiet.connect(address, alias=kind)
        # Until it is heard: a publisher drops what comes before the subscription.
        quiet.each(0.05, 'send', kind, kind + ' is there')
        assert wait_agent_attr(witness, 'progress', data=kind + ' is there')
    quiet.stop_all_timers()

    block(witness)
    flooder.execute_as_method(lambda agent, n: [agent.send('out', i) for i in range(n)], number)
    for kind in ('PULL', 'SUB'):
        quiet.send(kind, kind)
    witness.unsafe.after(0, 'note_progress', 'timer')
    call = Proxy('witness').note_progress
    caller = threading.Thread(target=call, args=('safe call',), daemon=True)
    caller.start()
    witness.unsafe.set_attr(released=True)

    assert wait_agent_attr(witness, 'flood', value=number, timeout=20)
    caller.join(5)
    progress = witness.get_attr('progress')
    for source in ('PULL', 'SUB', 'timer', 'safe call'):
        assert progress[source] < number / 2, source


def test_order_is_kept_on_each_connection(witness):
    number = 300
    witness.set_attr(received=[])
    address = witness.bind('PULL', handler=lambda agent, message: agent.received.append(message))
    senders = [run_agent('sender%d' % index) for index in range(3)]
    for sender in senders:
        sender.connect(address, alias='out')

    def send_all(agent, number):
        for index in range(number):
            agent.send('out', (agent.name, index))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda sender: sender.execute_as_method(send_all, number), senders))
    assert wait_agent_attr(witness, length=3 * number, timeout=10)
    received = witness.get_attr('received')
    for sender in senders:
        name = sender.get_attr('name')
        assert [index for who, index in received if who == name] == list(range(number))


# ---- what safe calls carry -----------------------------------------------------------------


def make_local_class(factor):
    class Local:
        def __init__(self, value):
            self.value = value

        def scaled(self):
            return factor * self.value

    return Local


@pytest.mark.parametrize('mode', ['safe', 'unsafe'])
def test_functions_classes_and_their_instances_may_be_passed(witness, mode):
    factor, cls = 3, make_local_class(3)

    def scaled(x):
        return x * factor

    def use(agent, function, instance, cls):
        return function(5), instance.scaled(), cls(7).scaled(), os.getpid()

    execute = getattr(witness, mode).execute_as_method
    *values, pid = execute(use, lambda x: scaled(x) + 1, cls(2), cls)
    assert values == [16, 6, 21]
    assert pid != os.getpid()


@pytest.mark.parametrize('mode', [pytest.param('safe', marks=pytest.mark.new), 'unsafe'])
def test_functions_classes_and_their_instances_may_be_returned(witness, mode):
    execute = getattr(witness, mode).execute_as_function

    def make(number):
        cls = make_local_class(number)
        return lambda x: x + number, cls, cls(2)

    add, cls, instance = execute(make, 10)
    assert (add(1), cls(3).scaled(), instance.scaled()) == (11, 30, 20)


@pytest.mark.parametrize('mode', ['safe', 'unsafe'])
def test_addresses_and_proxies_may_be_passed_and_returned(witness, mode):
    other = run_agent('other')
    address = other.bind('PULL', alias='in', handler=lambda agent, message: None)

    def use(proxy, address):
        return proxy, proxy.get_attr('name'), proxy.addr('in') == address, address

    proxy, *rest = getattr(witness, mode).execute_as_function(use, other, address)
    assert rest == ['other', True, address]
    assert isinstance(rest[-1], AgentAddress)
    assert isinstance(proxy, Proxy)
    assert proxy == other
    assert proxy.ping() == 'pong'


def test_what_is_passed_and_returned_is_a_deep_copy(witness):
    original = {'list': [1, 2]}
    witness.set_attr(kept=original)
    original['list'].append(3)
    returned = witness.execute_as_method(lambda agent: agent.kept)
    returned['list'].append(4)
    assert witness.execute_as_method(lambda agent: agent.kept) == {'list': [1, 2]}
    assert witness.get_attr('kept') == {'list': [1, 2]}


def test_an_agent_may_call_another_one_safely_from_its_main_thread(nsproxy):
    class Asker(Witness):
        def ask(self, *args):
            self.answer = self.peer.thread()
            return self.answer

    witness, asker = run_agent('witness', base=Witness), run_agent('asker', base=Asker)
    asker.set_attr(peer=witness)
    assert asker.ask() == witness.thread()
    asker.after(0, 'ask')
    assert wait_condition(lambda: asker.get_attr('answer') == witness.thread())
