"""The table of open requests: identifiers, the limit, and what stops a wait."""

import pytest

import osbrain
from osbrain._protocol.requests import ID_LENGTH, Details, OpenRequests
from osbrain.errors import RequestsFull


def details(stop):
    made = Details(None)
    made.stop_timer = stop
    return made


def test_identifiers_are_distinct_and_of_one_length():
    requests = OpenRequests()
    identifiers = {requests.new_identifier('alias') for _ in range(1000)}
    assert len(identifiers) == 1000
    assert {len(one) for one in identifiers} == {ID_LENGTH}


def test_a_request_is_open_until_it_is_closed_once():
    requests = OpenRequests()
    requests.open(b'1', 'handler', None)
    assert requests.pending == {b'1': 'handler'}
    assert requests.close(b'1') == ('handler', None)
    assert requests.close(b'1') is None
    assert requests.pending == {}


def test_closing_a_request_stops_its_wait():
    stopped = []
    requests = OpenRequests()
    kept = details(lambda: stopped.append(True))
    requests.open(b'1', 'handler', kept)
    assert requests.close(b'1') == ('handler', kept)
    assert stopped == [True]


def test_replacing_the_dictionary_stops_the_waits_of_what_it_leaves_out():
    stopped = []
    requests = OpenRequests()
    for name in (b'1', b'2'):
        requests.open(name, name, details(lambda name=name: stopped.append(name)))
    requests.pending = {b'2': 'another handler'}
    assert stopped == [b'1']
    assert requests.close(b'2')[0] == 'another handler'
    assert stopped == [b'1', b'2']


def test_the_limit_is_read_anew_for_each_request(monkeypatch):
    requests = OpenRequests()
    monkeypatch.setitem(osbrain.config, 'REQUEST_LIMIT', 1)
    requests.open(requests.new_identifier('a'), 'handler', None)
    with pytest.raises(RequestsFull, match="1 requests are open on 'a'"):
        requests.new_identifier('a')
    monkeypatch.setitem(osbrain.config, 'REQUEST_LIMIT', None)
    assert requests.new_identifier('a')


def test_there_is_room_for_as_many_as_the_limit_leaves(monkeypatch):
    requests = OpenRequests()
    monkeypatch.setitem(osbrain.config, 'REQUEST_LIMIT', 3)
    requests.open(b'1', 'handler', None)
    requests.check_room('a', 0)
    requests.check_room('a', 2)
    with pytest.raises(RequestsFull, match="3 requests are open on 'a'"):
        requests.check_room('a', 3)
    monkeypatch.setitem(osbrain.config, 'REQUEST_LIMIT', None)
    requests.check_room('a', 1_000_000)
