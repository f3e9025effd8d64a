"""An agent that takes another one's place is bound where that one was."""

import contextlib
import socket
import threading
import time

import pytest
import zmq

from osbrain import Agent, SocketAddress
from osbrain._agent.places import place_again
from osbrain._io.errors import BindFailed
from osbrain._rewiring import recorder
from osbrain.address import AgentAddress
from tests.ports import free_port


def ignore(agent, message):
    pass


KINDS = [('PUSH', None), ('PULL', ignore), ('PUB', None), ('SUB', ignore), ('REP', ignore), ('REQ', None)]
CHANNELS = [('ASYNC_REP', ignore), ('SYNC_PUB', ignore)]
TRANSPORTS = ['ipc', 'tcp', 'inproc']


def facts(address):
    """Everything about an address or a channel, its identifier too."""
    return address, getattr(address, 'uuid', None)


@pytest.mark.parametrize('transport', TRANSPORTS)
@pytest.mark.parametrize('kind, handler', KINDS + CHANNELS)
def test_what_on_init_binds_is_bound_there_again(live, kind, handler, transport):
    class Bound(Agent):
        def on_init(self):
            self.given = self.bind(kind, alias='it', handler=handler, transport=transport)

    first = facts(live(Bound).agent.given)
    assert facts(live(Bound).agent.given) == first
    assert facts(live(Bound).agent.given) == first


@pytest.mark.parametrize('kind, handler', [KINDS[0], *CHANNELS])
def test_what_was_bound_from_outside_is_bound_there_again(live, kind, handler):
    life = live()
    life.call('bind', kind, alias='it', handler=handler)
    first = facts(life.agent.addr('it'))
    assert facts(live().agent.addr('it')) == first


def test_without_an_alias_the_order_of_the_binds_of_a_kind_counts(live):
    class Bound(Agent):
        def on_init(self):
            self.given = [self.bind(kind) for kind in ('PUB', 'PUSH', 'PUB')]

    first = live(Bound).agent.given
    assert len(set(first)) == 3
    assert live(Bound).agent.given == first


def test_an_alias_bound_twice_has_both_addresses_again(live):
    class Bound(Agent):
        def on_init(self):
            self.given = [self.bind('PUB', alias='it'), self.bind('PUB', alias='it')]

    life = live(Bound)
    first = life.agent.given
    life.call('bind', 'PUB', alias='it')
    third = life.agent.addr('it')
    again = live(Bound).agent
    assert again.given == first
    assert again.addr('it') == third


def test_a_bind_inside_a_handler_has_its_address_again_when_it_is_repeated(live):
    life = live()
    first = life.agent.bind('PUB', alias='it')
    again = live().agent
    assert not again.has_socket('it')
    assert again.bind('PUB', alias='it') == first


def test_an_address_that_was_chosen_is_not_looked_up(live):
    assert live().agent.bind('PUB', alias='it', addr='one') != live().agent.bind('PUB', alias='it', addr='other')


def test_a_chosen_port_of_a_channel_keeps_the_rest_of_the_channel(live):
    port = free_port()

    def bind(agent):
        return agent.bind('SYNC_PUB', alias='it', handler=ignore, transport='tcp', addr=f'127.0.0.1:{port}')

    first = facts(bind(live().agent))
    assert facts(bind(live().agent)) == first


def test_nothing_is_noted_twice(live):
    class Bound(Agent):
        def on_init(self):
            self.bind('PUB', alias='it')
            self.bind('ASYNC_REP', alias='channel', handler=ignore)

    life = live(Bound)
    life.call('bind', 'PULL', alias='pull', handler=ignore)
    assert len(life.told) == 4
    assert live(Bound).told == []


def test_an_agent_made_by_the_agent_has_addresses_of_its_own(live):
    class Inner(Agent):
        def on_init(self):
            self.given = self.bind('PUB', alias='it')

    class Outer(Agent):
        def on_init(self):
            self.bind('PUB', alias='it')
            self.inner = Inner('inner')

    life = live(Outer)
    assert len(life.told) == 1
    assert life.agent.inner._Agent__core.recall is None
    life.agent.inner.close_all()


@pytest.fixture
def taken():
    """Take a tcp address of the agent; gives it back when told."""
    holders = []

    def take(address):
        holder = socket.socket()
        holder.bind((address.address.host, address.address.port))
        holder.listen()
        holders.append(holder)
        return holder

    yield take
    for holder in holders:
        holder.close()


def test_an_address_that_somebody_else_has_is_an_error_that_says_so(live, taken, monkeypatch):
    monkeypatch.setattr(recorder, '_DYING', 0.05)

    class Bound(Agent):
        def on_init(self):
            self.given = self.bind('PULL', alias='it', handler=ignore, transport='tcp')

    address = live(Bound).agent.given
    live()  # which ends the other one
    taken(address)
    with pytest.raises(BindFailed, match='the agent had this address before it was restarted') as caught:
        live(Bound)
    assert caught.value.errno == zmq.EADDRINUSE


def test_one_that_is_lost_takes_no_other_along(live, taken, monkeypatch):
    monkeypatch.setattr(recorder, '_DYING', 0.05)

    class Bound(Agent):
        def on_init(self):
            self.given = []
            for _ in range(2):
                with contextlib.suppress(BindFailed):
                    self.given.append(self.bind('PULL', alias='it', handler=ignore, transport='tcp'))

    first, second = live(Bound).agent.given
    live()  # which ends the other one
    taken(first)
    assert live(Bound).agent.given == [second]


def test_another_address_that_is_chosen_now_is_not_waited_for(live, taken):
    def bind(agent, **options):
        return agent.bind('PUB', alias='it', transport='tcp', **options)

    bind(live().agent)
    with socket.socket() as holder:
        holder.bind(('127.0.0.1', 0))
        holder.listen()
        began = time.monotonic()
        with pytest.raises(BindFailed) as caught:
            bind(live().agent, addr=f'127.0.0.1:{holder.getsockname()[1]}')
    assert 'before it was restarted' not in str(caught.value)
    assert time.monotonic() - began < recorder._DYING


def test_a_predecessor_that_is_just_dying_is_waited_for(live, taken):
    class Bound(Agent):
        def on_init(self):
            self.given = self.bind('PULL', alias='it', handler=ignore, transport='tcp')

    address = live(Bound).agent.given
    live()  # which ends the other one
    dying = threading.Timer(0.2, taken(address).close)
    dying.start()
    assert live(Bound).agent.given == address
    dying.join()


def test_a_bind_that_fails_does_not_count(live):
    first = live().agent.bind('PUB', alias='it', transport='tcp')
    agent = live().agent
    with pytest.raises(ValueError):
        agent.bind('PUB', alias='it', transport='tcp', addr='127.0.0.1:x')
    assert agent.bind('PUB', alias='it', transport='tcp') == first


@pytest.mark.parametrize(
    'addr, host, port',
    [
        (None, None, 7000),
        ('127.0.0.2', '127.0.0.2', 7000),
        ('127.0.0.2:0', '127.0.0.2', 7000),
    ],
)
def test_what_nobody_chose_of_a_tcp_address_is_kept(addr, host, port):
    kept = AgentAddress('tcp', SocketAddress('10.0.0.1', 7000), 'PUB', 'server', 'pickle')
    place = place_again(addr, kept)
    assert (place.host, place.port) == (host, port)


def test_what_was_chosen_stays():
    kept = AgentAddress('tcp', '10.0.0.1:7000', 'PUB', 'server', 'pickle')
    assert place_again('127.0.0.1:80', kept) == '127.0.0.1:80'
    assert place_again(None, None) is None
    file = AgentAddress('ipc', '/tmp/x', 'PUB', 'server', 'pickle')
    assert place_again('name', file) == 'name'
    assert place_again(None, file) == '/tmp/x'
