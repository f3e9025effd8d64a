"""Who is connected to whom, from the addresses that agents are bound and connected to."""

import pytest

from osbrain.metrics.graph import End, Loose, graph
from osbrain.metrics.rates import Flow, rates
from tests.metrics.sights import endpoint, look, stats

HERE = 'tcp://127.0.0.1:5000'


def edges(*agents, **options):
    return [(one.source, one.target) for one in graph(look(*agents, **options)).edges]


@pytest.mark.parametrize(
    'sends, receives',
    [
        ('PUSH', 'PULL'),
        ('PUB', 'SUB'),
        ('REQ', 'REP'),
        ('ASYNC_REQ', 'ASYNC_REP'),
        ('SYNC_PUB', 'SYNC_SUB'),
        ('ACK_PUSH', 'ACK_PULL'),
    ],
)
@pytest.mark.parametrize('bound', [0, 1])
def test_an_edge_leads_from_who_begins_to_who_receives_whoever_was_bound(sends, receives, bound):
    roles = ('server', 'client') if bound == 0 else ('client', 'server')
    found = edges(
        stats('a', endpoint('out', sends, roles[0], HERE)), stats('b', endpoint('in', receives, roles[1], HERE))
    )
    assert found == [(End('a', 'out', sends), End('b', 'in', receives))]


def test_a_server_has_an_edge_for_each_client():
    agents = [stats('a', endpoint('out', 'PUB', 'server', HERE))]
    agents += [stats(name, endpoint('in', 'SUB', 'client', HERE)) for name in ('b', 'c')]
    assert [target.agent for _, target in edges(*agents)] == ['b', 'c']


def test_channels_with_two_sockets_have_one_edge():
    both = ('tcp://127.0.0.1:1', 'tcp://127.0.0.1:2')
    found = edges(
        stats('a', endpoint('out', 'SYNC_PUB', 'server', both)),
        stats('b', endpoint('in', 'SYNC_SUB', 'client', both[::-1])),
    )
    assert len(found) == 1


def test_an_agent_may_be_connected_to_itself():
    agent = stats('a', endpoint('out', 'PUSH', 'client', HERE), endpoint('in', 'PULL', 'server', HERE))
    assert edges(agent) == [(End('a', 'out', 'PUSH'), End('a', 'in', 'PULL'))]


@pytest.mark.parametrize(
    'address, elsewhere',
    [
        ('tcp://127.0.0.1:5000', False),
        ('tcp://[::1]:5000', False),
        ('tcp://0.0.0.0:5000', False),
        ('ipc:///run/x', False),
        ('inproc://x', False),
        ('tcp://10.0.0.7:5000', True),
        ('tcp://[2001:db8::1]:5000', True),
        ('tcp://lab3:5000', True),
    ],
)
def test_what_means_each_machine_itself_connects_nobody_to_another_machine(address, elsewhere):
    push, pull = endpoint('out', 'PUSH', 'client', address), endpoint('in', 'PULL', address=address)
    agents = [stats('a', push), stats('b', pull)]
    assert len(edges(*agents, hosts={'a': 'h1', 'b': 'h1'})) == 1
    assert len(edges(*agents, hosts={'a': 'h1', 'b': 'h2'})) == elsewhere


def test_inproc_connects_nobody_to_another_process():
    out, into = endpoint('out', address='inproc://x', role='client'), endpoint('in', 'PULL', address='inproc://x')
    assert edges(stats('a', out), stats('b', into, pid=8)) == []


def test_rates_are_those_of_the_client_which_has_this_one_connection():
    before = look(
        stats('a', endpoint('out', 'PUB', 'server', HERE), at=10.0),
        *(stats(name, endpoint('in', 'SUB', 'client', HERE), at=10.0) for name in 'bc'),
    )
    after = look(
        stats('a', endpoint('out', 'PUB', 'server', HERE, sent=50), at=11.0),
        stats('b', endpoint('in', 'SUB', 'client', HERE, received=40), at=11.0),
        stats('c', endpoint('in', 'SUB', 'client', HERE, received=10), at=11.0),
    )
    found = graph(after, rates(before, after)).edges
    assert [(one.target.agent, one.forth, one.back) for one in found] == [
        ('b', Flow(40.0, 400.0), Flow()),
        ('c', Flow(10.0, 100.0), Flow()),
    ]


def test_requests_go_forth_and_replies_come_back():
    replier = stats('b', endpoint('rep', 'REP', address=HERE))
    before = look(stats('a', endpoint('ask', 'REQ', 'client', HERE), at=10.0), replier)
    after = look(stats('a', endpoint('ask', 'REQ', 'client', HERE, sent=8, received=7), at=11.0), replier)
    (edge,) = graph(after, rates(before, after)).edges
    assert (edge.forth.messages_per_s, edge.back.messages_per_s) == (8.0, 7.0)


def test_endpoints_without_another_end_are_told():
    bound = stats('a', endpoint('out', 'PUB', 'server', HERE))
    connected = stats('b', endpoint('in', 'SUB', 'client', 'tcp://10.0.0.7:1'))
    assert graph(look(bound, connected)).loose == (
        Loose(End('a', 'out', 'PUB'), 'server', (HERE,)),
        Loose(End('b', 'in', 'SUB'), 'client', ('tcp://10.0.0.7:1',)),
    )


def test_an_agent_that_does_not_answer_is_there_with_what_was_known_of_it():
    a, b = stats('a', endpoint('out', 'PUSH', 'server', HERE)), stats('b', endpoint('in', 'PULL', 'client', HERE))
    now = look(a, b='does not answer')
    assert [(node.name, node.trouble) for node in graph(now).nodes] == [('a', None), ('b', 'does not answer')]
    assert graph(now).edges == ()
    assert len(graph(now, known={'b': b}).edges) == 1


def test_agents_come_in_the_order_of_their_names():
    assert [node.name for node in graph(look(stats('b'), stats('a'))).nodes] == ['a', 'b']


def test_a_hundred_agents_in_a_ring():
    names = [f'a{number:03}' for number in range(100)]
    agents = [
        stats(
            name,
            endpoint('in', 'PULL', 'server', f'tcp://127.0.0.1:{5000 + number}'),
            endpoint('out', 'PUSH', 'client', f'tcp://127.0.0.1:{5000 + (number + 1) % 100}'),
        )
        for number, name in enumerate(names)
    ]
    found = graph(look(*agents))
    assert {(one.source.agent, one.target.agent) for one in found.edges} == {
        (name, names[(number + 1) % 100]) for number, name in enumerate(names)
    }
    assert len(found.edges) == 100
    assert found.loose == ()
