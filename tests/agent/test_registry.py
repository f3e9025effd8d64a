"""Names of endpoints: aliases, addresses and channels, and what is left of them when an endpoint is closed."""

from types import SimpleNamespace

import pytest

from osbrain._agent.registry import Registry
from osbrain.errors import UnknownAlias


def endpoint(address='address'):
    return SimpleNamespace(alias=address, address=address)


@pytest.fixture
def registry():
    return Registry('a0')


def test_an_endpoint_is_found_by_every_name_and_listed_once(registry):
    one = endpoint()
    registry.add(one, ('address',), 'alias', 'other')
    assert registry['alias'] is registry.find(('address',)) is registry['other'] is one
    assert registry.endpoints() == [one]
    assert one.alias == 'other'


def test_an_unknown_name_is_an_error_that_lists_the_open_sockets(registry):
    registry.add(endpoint(), 'b', 'a', ('address',))
    with pytest.raises(UnknownAlias, match=r"agent 'a0' has no socket 'typo' \(open: a, b\)") as caught:
        registry['typo']
    assert isinstance(caught.value, KeyError)
    assert caught.value.known == ('b', 'a')


@pytest.mark.parametrize('name', [[], {}, [1], None, 3])
def test_what_cannot_be_a_name_is_unknown_too(registry, name):
    with pytest.raises(UnknownAlias):
        registry.find(name)
    assert not registry.names(name)


def test_whether_there_is_a_name_can_be_asked(registry):
    registry.add(endpoint(), 'alias')
    assert registry.names('alias')
    assert not registry.names('typo')
    assert registry.get('typo') is None


def test_forgetting_drops_every_name_of_the_endpoint_and_no_other(registry):
    one, other = endpoint(), endpoint()
    registry.add(one, 'a', ('address', 1))
    registry.add(other, 'b')
    registry.add(one, 'c')
    registry.forget(one)
    assert list(registry) == ['b']
    registry.forget(one)


def test_an_alias_goes_to_the_endpoint_that_got_it_last(registry):
    one, other = endpoint('one'), endpoint('other')
    registry.add(one, 'one', 'alias')
    registry.add(other, 'alias')
    assert registry['alias'] is other
    assert registry.has_alias(one) and registry.has_alias(other)
    registry.add(other, 'one')
    assert not registry.has_alias(one)


def test_endpoints_that_lost_their_alias_are_kept_in_order_while_they_are_open(registry):
    made = [endpoint(f'address {number}') for number in range(4)]
    for one in made:
        registry.add(one, one.address)
    assert registry.supersede('alias', made[0]) == [made[0]]
    assert registry.supersede('alias', made[1]) == [made[0], made[1]]
    registry.forget(made[0])
    assert registry.supersede('alias', made[2]) == [made[1], made[2]]
    assert registry.supersede('other', made[3]) == [made[3]]
