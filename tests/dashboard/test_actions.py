"""What a page asks for is checked before anything is done, and done as from a shell."""

import pytest

from osbrain import SocketAddress
from osbrain.dashboard import actions
from osbrain.dashboard.actions import Refused, act

NSADDR = SocketAddress('127.0.0.1', 9090)


@pytest.fixture
def done(monkeypatch):
    """What was done, instead of doing it."""
    noted = []

    class Steering:
        def __getattr__(self, verb):
            def note(*args):
                noted.append((verb, *args))
                return type('Result', (), {'text': '[1, 2]', 'is_json': True})() if verb == 'call' else False

            return note

    monkeypatch.setattr(actions, 'steering', Steering())
    return noted


def test_a_call_gets_its_arguments_and_gives_its_result(done):
    request = {'name': 'feed', 'method': 'price', 'args': ['IBM'], 'kwargs': {'day': 1}, 'timeout': 5}
    assert act(NSADDR, 'call', request) == {'done': 'feed.price has returned.', 'result': '[1, 2]', 'is_json': True}
    assert done == [('call', NSADDR, 'feed', 'price', ['IBM'], {'day': 1}, 5.0)]


def test_a_call_without_arguments_has_none_and_a_limit(done):
    act(NSADDR, 'call', {'name': 'feed', 'method': 'price'})
    assert done == [('call', NSADDR, 'feed', 'price', [], {}, 10.0)]


@pytest.mark.parametrize('action', ['stop', 'kill', 'restart'])
def test_what_was_done_is_said_of_whom(done, action):
    assert 'feed' in act(NSADDR, action, {'name': 'feed'})['done']
    assert done == [(action, NSADDR, 'feed')]


@pytest.mark.parametrize(
    'request_, said',
    [
        ({}, "'name' has to be a text"),
        ({'name': ''}, "'name' has to be a text"),
        ({'name': 7}, "'name' has to be a text"),
        ({'name': 'feed'}, "'method' has to be a text"),
        ({'name': 'feed', 'method': 'm', 'args': {}}, "'args' has to be a list"),
        ({'name': 'feed', 'method': 'm', 'args': 'text'}, "'args' has to be a list"),
        ({'name': 'feed', 'method': 'm', 'kwargs': []}, "'kwargs' has to be an object"),
        ({'name': 'feed', 'method': 'm', 'timeout': 'long'}, "'timeout' has to be a number"),
        ({'name': 'feed', 'method': 'm', 'timeout': True}, "'timeout' has to be a number"),
        ({'name': 'feed', 'method': 'm', 'timeout': 0}, 'more than 0'),
        ({'name': 'feed', 'method': 'm', 'timeout': 1e9}, 'at most 300 seconds'),
        ({'name': 'feed', 'method': 'm', 'timeout': float('nan')}, 'more than 0'),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_and_nothing_is_done(done, request_, said):
    with pytest.raises(Refused, match=said):
        act(NSADDR, 'call', request_)
    assert done == []
