"""Nobody is let in without the token, nor under a name that somebody else has led here."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from osbrain.dashboard.guard import Guard, named_here

TOKEN = 'the-right-token'
HERE = 'http://127.0.0.1:8800'
OWN = {'Origin': HERE, 'Content-Type': 'application/json'}


async def hello(request):
    return PlainTextResponse('hello')


async def talk(socket):
    await socket.accept()


@pytest.fixture
def client():
    routes = [Route('/', hello), Route('/act', hello, methods=['POST']), WebSocketRoute('/talk', talk)]
    return TestClient(Guard(Starlette(routes=routes), TOKEN, 8800, frozenset({'Lab3'})), base_url=HERE)


@pytest.fixture
def known(client):
    """Somebody who has opened the link."""
    client.get('/', params={'token': TOKEN})
    return client


def test_the_link_lets_in_and_goes_on_to_the_page_without_the_token(client):
    answer = client.get('/', params={'token': TOKEN})
    assert answer.status_code == 200
    assert answer.headers['refresh'] == '0; url=/'
    cookie = answer.headers['set-cookie']
    assert 'HttpOnly' in cookie
    assert 'samesite=strict' in cookie.lower()
    assert TOKEN not in cookie
    assert client.get('/').text == 'hello'


@pytest.mark.parametrize('token', ['wrong', '', TOKEN + 'x', TOKEN[:-1], 'ü', '\udcff'.encode(errors='surrogatepass')])
def test_a_wrong_token_is_refused_and_what_to_do_is_said(client, token):
    answer = client.get('/', params={'token': token})
    assert answer.status_code == 401
    assert 'set-cookie' not in answer.headers
    assert 'osbrain dashboard' in answer.text


def test_a_wrong_token_is_refused_to_whoever_is_in_already(known):
    assert known.get('/', params={'token': 'wrong'}).status_code == 401


@pytest.mark.parametrize('path', ['/', '/events', '/static/js/main.js', '/nowhere'])
def test_without_the_token_nothing_is_shown(client, path):
    assert client.get(path).status_code == 401


def test_the_cookie_of_another_server_of_this_machine_is_none(client):
    client.cookies.set('osbrain_dashboard_8800', 'made up')
    assert client.get('/').status_code == 401
    client.cookies.set('osbrain_dashboard_9999', 'made up')
    assert client.get('/').status_code == 401


def test_a_name_that_somebody_has_led_here_is_refused_even_with_the_cookie(known):
    assert known.get('/', headers={'Host': 'evil.example:8800'}).status_code == 421
    assert known.get('/', params={'token': TOKEN}, headers={'Host': 'evil.example'}).status_code == 421


OWN_HOSTS = ('127.0.0.1', '127.0.0.1:9999', 'localhost:8800', 'LOCALHOST', '[::1]:8800', '192.168.1.7', 'lab3:1')
OTHER_HOSTS = ('evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', 'lab3.evil:1', '', ':', '[', 'a b')


@pytest.mark.parametrize('host', OWN_HOSTS)
def test_addresses_and_own_names_are_answered(host):
    assert named_here(host, frozenset({'lab3'}))


@pytest.mark.parametrize('host', OTHER_HOSTS)
def test_other_names_are_not(host):
    assert not named_here(host, frozenset({'lab3'}))


def test_the_page_itself_may_act(known):
    assert known.post('/act', headers=OWN, json={}).text == 'hello'


@pytest.mark.parametrize(
    'headers',
    [
        {'Content-Type': 'application/json'},
        {'Origin': 'http://evil.example', 'Content-Type': 'application/json'},
        {'Origin': 'null', 'Content-Type': 'application/json'},
        {'Origin': 'http://127.0.0.1:8801', 'Content-Type': 'application/json'},
        {'Origin': HERE, 'Content-Type': 'application/x-www-form-urlencoded'},
        {'Origin': HERE, 'Content-Type': 'text/plain'},
    ],
    ids=str,
)
def test_other_sites_and_forms_may_not_act_even_with_the_cookie(known, headers):
    assert known.post('/act', headers=headers, content=b'{}').status_code == 403


def test_nobody_acts_without_the_token(client):
    assert client.post('/act', headers=OWN, json={}).status_code == 401


def test_no_other_kind_of_connection_is_accepted(known):
    with pytest.raises(WebSocketDisconnect), known.websocket_connect('/talk'):
        pass


@pytest.mark.parametrize('path', ['/', '/nowhere'])
def test_each_answer_forbids_what_the_page_does_not_need(known, path):
    headers = known.get(path).headers
    policy = headers['content-security-policy']
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert 'unsafe' not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers['referrer-policy'] == 'no-referrer'
    assert headers['x-content-type-options'] == 'nosniff'
    assert headers['cache-control'] == 'no-store'
