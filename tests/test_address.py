"""Addresses are plain values: what they accept, equal, print, survive and turn into."""

import ipaddress
import pickle
from pathlib import Path
from typing import NamedTuple

import cloudpickle
import dill
import pytest
import zmq

from osbrain.address import (
    AgentAddress,
    AgentAddressKind,
    AgentAddressRole,
    AgentAddressSerializer,
    AgentAddressTransport,
    AgentChannel,
    AgentChannelKind,
    SocketAddress,
    address_to_host_port,
    guess_kind,
)

KINDS = ('REQ', 'REP', 'PUSH', 'PULL', 'PUB', 'SUB', 'PULL_SYNC_PUB', 'PUSH_SYNC_SUB')
CHANNEL_KINDS = ('ASYNC_REP', 'ASYNC_REQ', 'SYNC_PUB', 'SYNC_SUB', 'ACK_PUSH', 'ACK_PULL')
SERIALIZERS = ('raw', 'pickle', 'cloudpickle', 'dill', 'json')

# class, name of its parameter, allowed values, what the error says
TEXTS = [
    (AgentAddressTransport, 'value', ('tcp', 'ipc', 'inproc'), 'Invalid address transport'),
    (AgentAddressRole, 'value', ('server', 'client'), 'Invalid address role'),
    (AgentAddressKind, 'kind', KINDS, 'Invalid address kind'),
    (AgentAddressSerializer, 'value', SERIALIZERS, 'Invalid serializer type'),
    (AgentChannelKind, 'kind', CHANNEL_KINDS, 'Invalid channel kind'),
]


class Place(NamedTuple):
    host: str
    port: int


class Half(NamedTuple):
    host: str


def server(port=1234, kind='REP', role='server', transport='tcp', serializer='pickle'):
    address = SocketAddress('127.0.0.1', port) if transport == 'tcp' else str(port)
    return AgentAddress(transport, address, kind, role, serializer)


@pytest.fixture(params=[pickle, cloudpickle, dill], ids=lambda module: module.__name__)
def copy(request):
    """A trip through a serializer that carries objects, at an old and at the newest protocol."""

    def trip(value):
        old = request.param.loads(request.param.dumps(value, protocol=2))
        return request.param.loads(request.param.dumps(old, protocol=pickle.HIGHEST_PROTOCOL))

    return trip


# String-like kinds


@pytest.mark.parametrize('cls, parameter, values, error', TEXTS)
def test_a_kind_stands_in_for_its_plain_text(cls, parameter, values, error):
    for text in values:
        kind = cls(text)
        assert isinstance(kind, str) and type(kind) is cls
        assert kind == text and text == kind and not kind != text
        assert hash(kind) == hash(text) and {text: 1}[kind] == 1 and {kind: 1}[text] == 1
        assert (str(kind), '%s' % kind, f'{kind:>20}') == (text, text, text.rjust(20))
        assert repr(kind) == repr(text)
        assert cls(kind) == kind and type(cls(kind)) is cls
        assert cls(**{parameter: text}) == text
    assert sorted(map(cls, values)) == sorted(values)


@pytest.mark.parametrize('cls, parameter, values, error', TEXTS)
def test_a_kind_refuses_any_other_value(cls, parameter, values, error):
    for value in ('', 'foo', values[0] + ' ', values[0].swapcase(), 1, 1.5, None, b'tcp', ('tcp',)):
        with pytest.raises(ValueError, match=error):
            cls(value)
    for unhashable in ([], {}, ['tcp']):
        with pytest.raises((ValueError, TypeError)):
            cls(unhashable)


@pytest.mark.parametrize('cls, parameter, values, error', TEXTS)
def test_a_kind_keeps_type_and_value_when_pickled(cls, parameter, values, error, copy):
    for text in values:
        assert copy(cls(text)) == text
        assert type(copy(cls(text))) is cls


@pytest.mark.parametrize(
    'kind, twin, socket, handler',
    [
        ('REQ', 'REP', zmq.REQ, False),
        ('REP', 'REQ', zmq.REP, True),
        ('PUSH', 'PULL', zmq.PUSH, False),
        ('PULL', 'PUSH', zmq.PULL, True),
        ('PUB', 'SUB', zmq.PUB, False),
        ('SUB', 'PUB', zmq.SUB, True),
        ('PULL_SYNC_PUB', 'PUSH_SYNC_SUB', zmq.PULL, True),
        ('PUSH_SYNC_SUB', 'PULL_SYNC_PUB', zmq.PUSH, False),
    ],
)
def test_facts_of_a_kind(kind, twin, socket, handler):
    address_kind = AgentAddressKind(kind)
    assert address_kind.twin() == twin and type(address_kind.twin()) is AgentAddressKind
    assert address_kind.zmq() == socket
    assert address_kind.requires_handler() is handler
    assert AgentAddressKind.TWIN[kind] == twin
    assert AgentAddressKind.ZMQ_KIND_CONVERSION[kind] == socket
    assert (kind in AgentAddressKind.REQUIRE_HANDLER) is handler
    assert isinstance(AgentAddressKind.REQUIRE_HANDLER, tuple)
    assert set(AgentAddressKind.TWIN) == set(AgentAddressKind.ZMQ_KIND_CONVERSION) == set(KINDS)


def test_twins_of_roles_and_channel_kinds():
    for cls, one, other in [
        (AgentAddressRole, 'server', 'client'),
        (AgentChannelKind, 'ASYNC_REP', 'ASYNC_REQ'),
        (AgentChannelKind, 'SYNC_PUB', 'SYNC_SUB'),
        (AgentChannelKind, 'ACK_PUSH', 'ACK_PULL'),
    ]:
        assert (cls(one).twin(), cls(other).twin()) == (other, one)
        assert type(cls(one).twin()) is cls
    assert {kind: AgentChannelKind.TWIN[kind] for kind in CHANNEL_KINDS} == AgentChannelKind.TWIN


def test_serializers_know_whether_they_need_a_separator():
    """All but raw do; programs go through the two tuples."""
    assert AgentAddressSerializer.SERIALIZER_SIMPLE == ('raw',)
    assert AgentAddressSerializer.SERIALIZER_SEPARATOR == ('pickle', 'cloudpickle', 'dill', 'json')
    for name in SERIALIZERS:
        assert AgentAddressSerializer(name).requires_separator is (name != 'raw')


def test_guess_kind_tells_addresses_from_channels():
    for kind in KINDS:
        assert guess_kind(kind) == kind and type(guess_kind(kind)) is AgentAddressKind
    for kind in CHANNEL_KINDS:
        assert guess_kind(kind) == kind and type(guess_kind(kind)) is AgentChannelKind
    with pytest.raises(ValueError, match='Invalid channel kind'):
        guess_kind('FOO')


# address_to_host_port


@pytest.mark.parametrize(
    'addr, expected',
    [
        (None, (None, None)),
        (SocketAddress('127.0.0.1', 123), ('127.0.0.1', 123)),
        (server(port=4321), ('127.0.0.1', 4321)),
        ('127.0.0.1:5', ('127.0.0.1', 5)),
        ('some.host:5', ('some.host', 5)),
        ('127.0.0.1', ('127.0.0.1', None)),
        ('some.host', ('some.host', None)),
        (Place('10.0.0.1', 6), ('10.0.0.1', 6)),
    ],
)
def test_host_and_port_of_whatever_has_them(addr, expected):
    host, port = address_to_host_port(addr)
    assert (host, port) == expected
    assert port is None or type(port) is int


def test_no_host_and_port():
    """A port that is no number and an object without both parts are the caller's mistake."""
    for addr in (
        1.234,
        1,
        b'127.0.0.1:5',
        ('127.0.0.1', 5),
        Half('127.0.0.1'),
    ):
        with pytest.raises(ValueError, match='Unsupported address type'):
            address_to_host_port(addr)
    for addr in ('127.0.0.1:', '127.0.0.1:http', 'host:1.5'):
        with pytest.raises(ValueError):
            address_to_host_port(addr)
    for transport in ('ipc', 'inproc'):
        with pytest.raises((ValueError, AttributeError)):
            address_to_host_port(server(transport=transport))


@pytest.mark.new
@pytest.mark.parametrize('host, port, text', [('::1', 1, '[::1]:1'), ('fe80::1', 9090, '[fe80::1]:9090')])
def test_ipv6_addresses_go_to_text_and_back(host, port, text):
    address = SocketAddress(host, port)
    assert (address.host, address.port) == (host, port)
    assert repr(address) == str(address) == text
    assert address_to_host_port(text) == address_to_host_port(address) == (host, port)
    assert address_to_host_port('[%s]' % host) == (host, None)
    assert AgentAddress('tcp', text, 'PUB', 'server', 'json').address == address


# SocketAddress


def test_socket_address_keeps_a_numeric_host_as_text_and_any_int_as_port():
    for host in ('127.0.0.1', '0.0.0.0', ipaddress.ip_address('10.1.2.3')):
        address = SocketAddress(host, 1234)
        assert address.host == str(host) and type(address.host) is str
        assert address.port == 1234
        assert repr(address) == str(address) == '%s' % address == '%s:1234' % host
    for port in (0, -1, 99999999):
        assert SocketAddress('127.0.0.1', port).port == port


def test_socket_address_refuses_names_and_ports_that_are_no_int():
    for host in ('localhost', '', '127.0.0.1.5', '256.0.0.1', 'foo.bar'):
        with pytest.raises(ValueError):
            SocketAddress(host, 1234)
    for port in ('1234', None, 1.0):
        with pytest.raises(AssertionError, match='expecting type int'):
            SocketAddress('127.0.0.1', port)


def test_socket_addresses_are_equal_by_host_and_port(copy):
    one, same = SocketAddress('127.0.0.1', 1), SocketAddress(ipaddress.ip_address('127.0.0.1'), 1)
    assert one == same and not one != same and hash(one) == hash(same) and len({one, same}) == 1
    assert copy(one) == one and type(copy(one)) is SocketAddress and hash(copy(one)) == hash(one)
    for other in (
        SocketAddress('127.0.0.1', 2),
        SocketAddress('127.0.0.2', 1),
        '127.0.0.1:1',
        ('127.0.0.1', 1),
        None,
    ):
        assert one != other and not one == other


# AgentAddress


def test_agent_address_converts_what_it_is_given():
    address = AgentAddress('tcp', '127.0.0.1:5', 'PUB', 'server', 'json')
    converted = [
        (address.transport, AgentAddressTransport, 'tcp'),
        (address.address, SocketAddress, SocketAddress('127.0.0.1', 5)),
        (address.kind, AgentAddressKind, 'PUB'),
        (address.role, AgentAddressRole, 'server'),
        (address.serializer, AgentAddressSerializer, 'json'),
    ]
    for value, cls, expected in converted:
        assert type(value) is cls and value == expected
    named = AgentAddress(transport='tcp', address='127.0.0.1:5', kind='PUB', role='server', serializer='json')
    assert named == address
    for place in (
        SocketAddress('127.0.0.1', 5),
        address,
        Place('127.0.0.1', 5),
    ):
        assert AgentAddress('tcp', place, 'PUB', 'server', 'json') == address


@pytest.mark.parametrize(
    'position, value, error',
    [
        (0, 'udp', 'Invalid address transport'),
        (1, 1.234, 'Unsupported address type'),
        (2, 'ASYNC_REP', 'Invalid address kind'),
        (3, 'foo', 'Invalid address role'),
        (4, 'yaml', 'Invalid serializer type'),
    ],
)
def test_agent_address_refuses_bad_parts(position, value, error):
    parts = ['tcp', '127.0.0.1:5', 'PUB', 'server', 'json']
    parts[position] = value
    with pytest.raises(ValueError, match=error):
        AgentAddress(*parts)


def test_agent_address_over_tcp_needs_a_port():
    with pytest.raises(AssertionError, match='expecting type int'):
        AgentAddress('tcp', '127.0.0.1', 'PUB', 'server', 'json')


@pytest.mark.parametrize('transport, place', [('ipc', Path('/run/abc')), ('ipc', 'abc'), ('inproc', 'abc')])
def test_agent_address_keeps_places_without_a_port_untouched(transport, place, copy):
    address = AgentAddress(transport, place, 'PULL', 'server', 'raw')
    assert address.address is place
    assert repr(address) == 'AgentAddress(%s, %s, PULL, server, raw)' % (transport, place)
    assert copy(address) == address and copy(address).address == place


def test_agent_addresses_are_equal_by_all_five_parts(copy):
    one = server()
    assert one == server() and not one != server() and hash(one) == hash(server())
    assert copy(one) == one and type(copy(one)) is AgentAddress and copy(one).twin() == one.twin()
    assert repr(one) == 'AgentAddress(tcp, 127.0.0.1:1234, REP, server, pickle)'
    others = [
        server(1235),
        server(kind='PULL'),
        server(role='client'),
        server(transport='ipc'),
        server(serializer='dill'),
    ]
    assert len({one, server(), *others}) == 6
    for other in (*others, repr(one), None):
        assert one != other and not one == other


def test_twin_of_an_agent_address():
    """The far end has the other kind and the other role at the same place."""
    for kind in KINDS:
        for transport in ('tcp', 'ipc', 'inproc'):
            address = server(kind=kind, transport=transport, serializer='json')
            twin = address.twin()
            assert type(twin) is AgentAddress and twin != address and twin.twin() == address
            assert (twin.kind, twin.role) == (AgentAddressKind(kind).twin(), 'client')
            assert (twin.transport, twin.address, twin.serializer) == (
                transport,
                address.address,
                'json',
            )


# AgentChannel


@pytest.mark.parametrize(
    'receiver, sender, leading',
    [
        (server(), None, 'receiver'),
        (None, server(kind='PUB', transport='ipc', serializer='dill'), 'sender'),
        (
            server(kind='PULL_SYNC_PUB'),
            server(kind='PUB', transport='ipc', serializer='dill'),
            'receiver',
        ),
    ],
)
def test_a_channel_takes_its_facts_from_the_receiver_else_from_the_sender(receiver, sender, leading):
    channel = AgentChannel('SYNC_PUB', receiver=receiver, sender=sender)
    assert channel.kind == 'SYNC_PUB' and type(channel.kind) is AgentChannelKind
    assert (channel.receiver, channel.sender) == (receiver, sender)
    assert channel.transport == getattr(channel, leading).transport
    assert channel.serializer == getattr(channel, leading).serializer
    assert channel.twin_uuid is None
    assert repr(channel) == 'AgentChannel(kind=SYNC_PUB, receiver=%s, sender=%s)' % (
        receiver,
        sender,
    )
    assert getattr(channel, leading).channel == channel


def test_a_channel_needs_an_end_and_a_channel_kind():
    with pytest.raises((ValueError, AttributeError)):
        AgentChannel('ASYNC_REP', receiver=None, sender=None)
    with pytest.raises(ValueError, match='Invalid channel kind'):
        AgentChannel('REP', receiver=server(), sender=None)


def test_each_channel_has_an_identifier_of_its_own_that_a_copy_keeps(copy):
    channels = [AgentChannel('ASYNC_REP', receiver=server(), sender=None, twin_uuid=b'abc') for _ in range(100)]
    identifiers = {channel.uuid for channel in channels}
    assert len(identifiers) == 100
    assert all(type(uuid) is bytes and uuid and b'\x80' not in uuid for uuid in identifiers)
    same = copy(channels[0])
    assert type(same) is AgentChannel and same == channels[0] and repr(same) == repr(channels[0])
    assert (same.uuid, same.twin_uuid) == (channels[0].uuid, b'abc')
    assert (same.transport, same.serializer) == ('tcp', 'pickle')


def test_channels_are_equal_by_kind_and_ends_but_not_by_identifier():
    def channel(kind='SYNC_PUB', receiver=1, sender=2, **kwargs):
        return AgentChannel(kind, receiver=server(receiver), sender=server(sender, kind='PUB'), **kwargs)

    one, same = channel(), channel(twin_uuid=b'x')
    assert one.uuid != same.uuid
    assert one == same and not one != same and hash(one) == hash(same)
    for other in (channel('ASYNC_REP'), channel(receiver=3), channel(sender=3), repr(one), None):
        assert one != other and not one == other


def test_twin_of_a_channel_swaps_the_twins_of_its_ends():
    receiver, sender = server(1, kind='PULL_SYNC_PUB'), server(2, kind='PUB')
    for kind, ends in [
        ('SYNC_PUB', (receiver, sender)),
        ('ASYNC_REP', (receiver, None)),
        ('ASYNC_REQ', (None, sender)),
        ('ACK_PUSH', (None, server(3, kind='PUSH'))),
        ('ACK_PULL', (server(3, kind='PULL'), None)),
    ]:
        channel = AgentChannel(kind, receiver=ends[0], sender=ends[1])
        twin = channel.twin()
        assert type(twin) is AgentChannel and twin.kind == AgentChannelKind(kind).twin()
        assert twin.sender == (ends[0] and ends[0].twin())
        assert twin.receiver == (ends[1] and ends[1].twin())
        assert twin.twin_uuid == channel.uuid != twin.uuid
        assert twin.twin() == channel
