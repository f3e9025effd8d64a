"""Listening to running agents: every kind of socket, and agents that are not there, are stopped, or die."""

import os
import signal
import subprocess
import sys
import threading
import time
import types

import pytest

from osbrain import Agent, run_agent
from osbrain._agent.core import core_of
from osbrain._io.poller import wait_readable
from osbrain.errors import MessageUndecodable, SerializerForbidden, TopicInvalid, UnknownAlias
from osbrain.helper import wait_condition
from osbrain.proxy import AgentGone, NotAnswering, UnknownName
from osbrain.recording import Listener, Source, listening

LIMIT = 30


def onlookers(agent, alias):
    """How many look at a socket; to be executed in its agent."""
    return sum(len(wire.onlookers) for wire in core_of(agent).endpoints[alias].wires)


def looked_at(agent, alias):
    return agent.execute_as_method(onlookers, alias)


def heard(listener, count):
    """The next *count* observations."""
    found = []
    while len(found) < count:
        observation = listener.next(LIMIT)
        assert observation is not None, found
        found.append(observation)
    return found


def said(observations):
    return [(one.source.agent, one.direction, one.what, one.message()) for one in observations]


def pid_of(agent):
    return agent.execute_as_function(os.getpid)


@pytest.fixture
def pair(nsproxy):
    return run_agent('alice'), run_agent('bob')


@pytest.fixture
def listener(nsproxy):
    with Listener(nsproxy.addr(), timeout=LIMIT) as made:
        yield made


def keep(agent, message):
    agent.kept = [*getattr(agent, 'kept', []), message]


def twice(agent, message):
    return 2 * message


# -- Kinds -----------------------------------------------------------------------------------------------------------


def test_what_is_pushed_is_heard_at_both_ends(pair, listener):
    alice, bob = pair
    bob.connect(alice.bind('PUSH', 'out'), 'in', handler=keep)
    sent = listener.add('alice', 'out')
    assert sent == Source('alice', 'out', 'PUSH', 'pickle')
    alice.send('out', {'bid': 1})
    alice.send_many('out', [1, 2])
    observations = heard(listener, 3)
    assert said(observations) == [('alice', 'out', 'message', one) for one in ({'bid': 1}, 1, 2)]
    assert [one.number for one in observations] == [1, 2, 3]
    assert all(0 < one.when <= one.arrived <= time.time() for one in observations)
    listener.add('bob', 'in')
    alice.send('out', b'x' * 100_000)
    assert sorted(said(heard(listener, 2))) == [
        ('alice', 'out', 'message', b'x' * 100_000),
        ('bob', 'in', 'message', b'x' * 100_000),
    ]
    assert (listener.missed, listener.lost()) == (0, [])


def test_publications_are_heard_without_a_subscriber_and_by_topic(pair, listener):
    alice, _ = pair
    alice.bind('PUB', 'prices', serializer='json')
    listener.add('alice', 'prices', 'AA')
    for topic in ('AAPL', 'MSFT', 'AAL'):
        alice.send('prices', topic.lower(), topic=topic)
    observations = heard(listener, 2)
    assert [(one.topic, one.body) for one in observations] == [(b'AAPL', b'"aapl"'), (b'AAL', b'"aal"')]
    assert alice.subscribers('prices') == 0


def test_requests_and_replies_are_heard_at_both_ends(pair, listener):
    alice, bob = pair
    alice.connect(bob.bind('REP', 'ask', handler=twice), 'ask')
    listener.add('alice', 'ask')
    assert alice.send_recv('ask', 21) == 42
    assert said(heard(listener, 2)) == [('alice', 'out', 'request', 21), ('alice', 'in', 'reply', 42)]
    listener.add('bob', 'ask')
    with pytest.raises(TypeError):
        alice.send_recv('ask', None)
    last = heard(listener, 4)
    failures = [one for one in last if one.what == 'failure']
    assert sorted((one.source.agent, one.direction) for one in failures) == [('alice', 'in'), ('bob', 'out')]
    assert isinstance(failures[0].message(), TypeError)


def test_requests_on_channels_are_heard(pair, listener):
    alice, bob = pair
    alice.connect(bob.bind('ASYNC_REP', 'answer', handler=twice), 'ask', handler=keep)
    listener.add('alice', 'ask')
    alice.send('ask', 4)
    assert said(heard(listener, 2)) == [('alice', 'out', 'request', 4), ('alice', 'in', 'reply', 8)]
    listener.add('bob', 'answer')
    alice.send_many('ask', [1, 2])
    assert sorted(said(heard(listener, 8)), key=str) == sorted(
        [
            (name, way, what, number * (2 if what == 'reply' else 1))
            for number in (1, 2)
            for name, way, what in (
                ('alice', 'out', 'request'),
                ('alice', 'in', 'reply'),
                ('bob', 'in', 'request'),
                ('bob', 'out', 'reply'),
            )
        ],
        key=str,
    )


def test_a_sync_pub_is_heard_with_requests_and_replies(pair, listener):
    alice, bob = pair
    address = bob.bind('SYNC_PUB', 'prices', handler=twice)
    alice.connect(address, 'prices', handler=keep)
    listener.add('bob', 'prices')
    bob.send('prices', 'news', topic='t')
    alice.send('prices', 3, handler=keep)
    observations = heard(listener, 3)
    assert [(one.what, one.topic, one.message()) for one in observations] == [
        ('message', b't', 'news'),
        ('request', b'', 3),
        ('reply', b'', 6),
    ]


def test_tasks_are_heard_at_both_ends(pair, listener):
    alice, bob = pair
    bob.connect(alice.bind('ACK_PUSH', 'work'), 'work', handler=keep)
    listener.add('alice', 'work')
    listener.add('bob', 'work')
    alice.send_many('work', [1, 2])
    alice.send('work', 3)
    assert sorted(said(heard(listener, 6))) == sorted(
        (name, way, 'task', number) for number in (1, 2, 3) for name, way in (('alice', 'out'), ('bob', 'in'))
    )


# -- Ways ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', ['pickle', 'json'])
def test_an_agent_on_another_machine_is_heard_over_tcp(pair, nsproxy, monkeypatch, serializer):
    alice, _ = pair
    alice.bind('PUB', 'prices', serializer=serializer)
    monkeypatch.setattr(listening.socket, 'gethostname', lambda: 'elsewhere')
    real, ways = listening.endpoint_of, []

    def endpoint_of(address):
        ways.append((str(address.transport), address.security))
        return real(address)

    monkeypatch.setattr(listening, 'endpoint_of', endpoint_of)
    with Listener(nsproxy.addr(), timeout=LIMIT) as listener:
        listener.add('alice', 'prices')
        alice.send('prices', 'news', topic='t')
        assert said(heard(listener, 1)) == [('alice', 'out', 'message', 'news')]
    assert ways == [('tcp', 'curve')]
    assert wait_condition(lambda: looked_at(alice, 'prices') == 0, timeout=LIMIT)


def test_where_the_folder_of_sockets_is_another_one_it_goes_over_tcp(pair, nsproxy, monkeypatch):
    alice, _ = pair
    alice.bind('PUB', 'prices')
    real, ways = listening.endpoint_of, []

    def endpoint_of(address):
        ways.append(str(address.transport))
        return 'ipc:///nowhere/at/all' if address.transport == 'ipc' else real(address)

    monkeypatch.setattr(listening, 'endpoint_of', endpoint_of)
    with Listener(nsproxy.addr(), timeout=8) as listener:
        listener.add('alice', 'prices')
        alice.send('prices', 'news')
        assert said(heard(listener, 1)) == [('alice', 'out', 'message', 'news')]
    assert ways == ['ipc', 'tcp']


# -- What goes wrong -------------------------------------------------------------------------------------------------


def test_mistakes_are_told_at_once_and_others_are_heard_on(pair, listener):
    alice, _ = pair
    alice.bind('PUB', 'prices')
    alice.bind('PUSH', 'out')
    listener.add('alice', 'prices')
    with pytest.raises(UnknownName, match='nobody'):
        listener.add('nobody', 'prices')
    with pytest.raises(UnknownAlias, match="no socket 'fills'"):
        listener.add('alice', 'fills')
    with pytest.raises(TopicInvalid, match='PUSH'):
        listener.add('alice', 'out', 'topic')
    alice.send('prices', 1)
    assert said(heard(listener, 1)) == [('alice', 'out', 'message', 1)]


def test_where_nothing_may_run_code_no_pickle_is_listened_to(pair, listener, monkeypatch):
    alice, _ = pair
    alice.bind('PUB', 'pickled')
    alice.bind('PUB', 'plain', serializer='json')
    monkeypatch.setenv('OSBRAIN_ALLOW_PICKLE', 'off')
    with pytest.raises(SerializerForbidden):
        listener.add('alice', 'pickled')
    listener.add('alice', 'plain')
    assert wait_condition(lambda: looked_at(alice, 'pickled') == 0, timeout=LIMIT)


def test_a_stopped_agent_does_not_answer_and_nobody_waits_longer(pair, nsproxy):
    alice, _ = pair
    alice.bind('PUB', 'prices')
    pid = pid_of(alice)
    os.kill(pid, signal.SIGSTOP)
    try:
        with Listener(nsproxy.addr(), timeout=3) as listener, pytest.raises(NotAnswering):
            listener.add('alice', 'prices')
    finally:
        os.kill(pid, signal.SIGCONT)


def test_an_agent_that_is_stopped_meanwhile_is_silent_and_goes_on(pair, listener):
    alice, _ = pair
    alice.bind('PUB', 'prices')
    listener.add('alice', 'prices')
    alice.each(0.01, 'send', 'prices', 1)
    pid = pid_of(alice)
    heard(listener, 3)
    os.kill(pid, signal.SIGSTOP)
    try:
        while listener.next(0.5) is not None:
            pass
        assert listener.lost() == []
    finally:
        os.kill(pid, signal.SIGCONT)
    heard(listener, 3)
    assert listener.missed == 0


def test_an_agent_that_is_busy_can_be_listened_to(pair, listener):
    class Busy(Agent):
        def publish(self):
            for _ in range(2000):
                if getattr(self, 'enough', False):
                    break
                self.send('prices', 1)
                threading.Event().wait(0.01)

    busy = run_agent('busy', base=Busy)
    busy.bind('PUB', 'prices')
    busy.after(0, 'publish')
    listener.add('busy', 'prices')
    heard(listener, 3)
    busy.unsafe.set_attr(enough=True)


def test_who_dies_is_told_as_lost_and_the_others_go_on(pair, listener):
    alice, bob = pair
    for agent in pair:
        agent.bind('PUB', 'prices', transport='tcp')
    sources = [listener.add(name, 'prices') for name in ('alice', 'bob')]
    alice.send('prices', 'last')
    # Before it dies: what ZeroMQ has not handed to the system yet dies with it.
    assert said(heard(listener, 1)) == [('alice', 'out', 'message', 'last')]
    os.kill(pid_of(alice), signal.SIGKILL)
    assert wait_condition(lambda: listener.lost() == sources[:1], timeout=LIMIT)
    bob.send('prices', 'still here')
    assert said(heard(listener, 1)) == [('bob', 'out', 'message', 'still here')]
    bob.shutdown()
    assert listener.next(LIMIT) is None
    assert listener.lost() == sources
    assert listener.next() is None


def test_a_socket_that_is_closed_is_told_as_lost(pair, listener):
    alice, _ = pair
    alice.bind('PUB', 'prices')
    source = listener.add('alice', 'prices')
    alice.close('prices')
    assert listener.next(LIMIT) is None
    assert listener.lost() == [source]


def test_an_agent_that_has_ended_is_told_as_gone(nsproxy, listener):
    alice = run_agent('alice')
    alice.bind('PUB', 'prices', transport='tcp')
    os.kill(pid_of(alice), signal.SIGKILL)
    with pytest.raises((AgentGone, UnknownName)):
        listener.add('alice', 'prices')


def test_a_listener_that_is_killed_leaves_the_agent_alone(pair, nsproxy):
    alice, _ = pair
    alice.bind('PUB', 'prices')
    program = (
        'import sys; from osbrain.recording import Listener\n'
        'listener = Listener(sys.argv[1]); listener.add("alice", "prices"); print("here", flush=True); listener.next()'
    )
    with subprocess.Popen(
        [sys.executable, '-c', program, str(nsproxy.addr())], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == 'here\n'
        assert looked_at(alice, 'prices') == 1
        process.kill()
    assert wait_condition(lambda: looked_at(alice, 'prices') == 0, timeout=LIMIT)


def test_an_agent_does_not_wait_for_a_listener_that_is_stopped(pair, nsproxy):
    alice, _ = pair
    alice.bind('PUB', 'prices', serializer='raw')
    program = (
        'import sys; from osbrain.recording import Listener\n'
        'listener = Listener(sys.argv[1]); listener.add("alice", "prices"); print("here", flush=True)\n'
        'while (one := listener.next(60)).body != b"end": pass\n'
        'print(one.number, listener.missed)'
    )

    def publish(agent, count):
        for _ in range(count):
            agent.send('prices', b'x' * (1 << 20))

    with subprocess.Popen(
        [sys.executable, '-c', program, str(nsproxy.addr())], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == 'here\n'
            process.send_signal(signal.SIGSTOP)
            alice.execute_as_method(publish, 150)
            process.send_signal(signal.SIGCONT)

            def has_caught_up():
                alice.send('prices', b'end')
                return has_said_something(process)

            assert wait_condition(has_caught_up, timeout=LIMIT)
            number, missed = map(int, process.stdout.readline().split())
        finally:
            process.kill()
    # So many at a time are on their way; what the process had taken in when it was stopped comes on top.
    assert 150 - 64 - 10 <= missed < 150
    assert number > 150


def has_said_something(process):
    return bool(wait_readable([process.stdout.fileno()], 0.1))


def test_what_this_process_cannot_read_says_so(pair, listener):
    alice, _ = pair
    alice.bind('PUB', 'prices')

    def publish(agent):
        sys.modules['nowhere'] = made = types.ModuleType('nowhere')
        made.Unknown = type('Unknown', (), {'__module__': 'nowhere'})
        agent.send('prices', made.Unknown())

    listener.add('alice', 'prices')
    alice.execute_as_method(publish)
    (observation,) = heard(listener, 1)
    with pytest.raises(MessageUndecodable, match='nowhere'):
        observation.message()
    assert b'nowhere' in observation.body


def test_an_agent_that_is_started_again_has_no_taps_of_the_one_before(nsproxy, listener):
    agent = run_agent('again', restart='permanent')
    agent.bind('PUB', 'prices', transport='tcp')
    listener.add('again', 'prices')
    pid = pid_of(agent)
    os.kill(pid, signal.SIGKILL)
    assert listener.next(LIMIT) is None

    def is_back():
        try:
            return nsproxy.proxy('again').execute_as_function(os.getpid) != pid
        except Exception:
            return False

    assert wait_condition(is_back, timeout=LIMIT)
    assert looked_at(nsproxy.proxy('again'), 'prices') == 0
    listener.add('again', 'prices')
    nsproxy.proxy('again').send('prices', 'back')
    assert said(heard(listener, 1)) == [('again', 'out', 'message', 'back')]
