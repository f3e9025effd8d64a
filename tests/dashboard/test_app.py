"""What the page asks for, and what it is answered."""

import contextlib
import json
import re
import socket
import threading
import time
from pathlib import Path

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

import osbrain.dashboard
from osbrain.dashboard.actions import ACTIONS, Refused
from osbrain.dashboard.app import application
from osbrain.dashboard.observer import Observer
from osbrain.errors import NotRunning
from tests.dashboard.conftest import served
from tests.dashboard.made_up import MadeUp, agent

STATIC = Path(osbrain.dashboard.__file__).parent / 'static'


@pytest.fixture
def system():
    return MadeUp({'feed': agent()})


@pytest.fixture
def client(system):
    observer = Observer(system, 0.05)
    yield TestClient(application(observer, system))
    observer.close()


def test_the_page_and_all_its_files_are_there(client):
    assert '<title>osbrain</title>' in client.get('/').text
    for path in STATIC.rglob('*.*'):
        assert client.get(f'/static/{path.relative_to(STATIC).as_posix()}').content == path.read_bytes()


def test_nothing_is_loaded_from_other_sites():
    for path in STATIC.rglob('*.*'):
        # The namespace is a name, which nobody follows.
        text = path.read_text().replace('http://www.w3.org/2000/svg', '')
        assert not re.search(r'https?:|[\'"(]//|@import', text), path


def test_no_text_becomes_markup():
    scripts = '\n'.join(path.read_text() for path in STATIC.rglob('*.js'))
    for way in ('innerHTML', 'outerHTML', 'insertAdjacentHTML', 'document.write', 'eval(', 'new Function'):
        assert way not in scripts


@pytest.mark.parametrize('path', ['/static/../guard.py', '/static/%2e%2e/guard.py', '/static//etc/passwd', '/static/'])
def test_no_other_files_are_served(client, path):
    assert client.get(path).status_code in {404, 405}


def test_an_agent_is_told_by_its_name_whatever_that_is(client, system):
    system.agents['a/b?c=d&é'] = agent('lab.Odd')
    assert client.get('/agent', params={'name': 'a/b?c=d&é'}).json()['kind'] == 'lab.Odd'


@pytest.mark.parametrize('action', ACTIONS)
def test_each_action_gets_what_was_asked(client, system, action):
    answer = client.post(f'/{action}', json={'name': 'feed'})
    assert answer.status_code == 200
    assert system.acted == [(action, {'name': 'feed'})]


def test_an_action_is_no_link(client, system):
    assert client.get('/kill', params={'name': 'feed'}).status_code == 405
    assert system.acted == []


@pytest.mark.parametrize('body', [b'', b'{', b'[]', b'"text"', b'\xff', b'[' * 100_000, b' ' * 1_100_000])
def test_what_is_no_request_is_refused(client, system, body):
    answer = client.post('/kill', content=body, headers={'Content-Type': 'application/json'})
    assert answer.status_code == 400
    assert 'this is no request' in answer.json()['error']
    assert system.acted == []


@pytest.mark.parametrize(
    'error, code, said',
    [
        (Refused("'name' has to be a text"), 400, "'name' has to be a text"),
        (NotRunning('feed', 'it was stopped'), 409, 'it was stopped'),
        (ZeroDivisionError('by zero'), 502, 'ZeroDivisionError: by zero'),
    ],
)
def test_what_goes_wrong_is_told(client, system, error, code, said):
    def act(action, request):
        raise error

    system.act = act
    answer = client.post('/call', json={'name': 'feed'})
    assert answer.status_code == code
    assert said in answer.json()['error']


# -- The stream, which only a real server ends ------------------------------------------------------------------------


@contextlib.contextmanager
def stream(link, query=''):
    """Open the stream as a page does; give an iterator over its events."""
    with httpx.Client(timeout=30, follow_redirects=True) as client:
        client.get(link)
        with client.stream('GET', link.partition('?')[0] + 'events' + query) as answer:
            assert answer.headers['content-type'].startswith('text/event-stream')
            yield (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith('data: '))


def test_a_page_is_told_everything_and_then_what_has_changed(system):
    with served(system) as link, stream(link) as events:
        assert next(events)['agents'] == system.agents
        system.agents['feed'] = {**system.agents['feed'], 'sent': 99}
        assert next(event for event in events if event) == {'agents': {'feed': {'sent': 99}}}
        del system.agents['feed']
        assert next(event for event in events if event) == {'agents': {'feed': None}}


def test_log_lines_go_to_those_who_show_them(system):
    system.lines['1'] = {'agent': 'feed', 'when': 1.0, 'level': 'INFO', 'text': 'hello'}
    with served(system) as link:
        with stream(link) as events:
            assert next(events)['lines'] == {}
        with stream(link, '?logs') as events:
            first = next(events)
            lines = first['lines'] or next(event for event in events if 'lines' in event)['lines']
            assert lines['1']['text'] == 'hello'


def test_the_server_ends_also_while_a_call_goes_on(system):
    asked, over = threading.Event(), threading.Event()

    def act(action, request):
        asked.set()
        over.wait(60)
        return {}

    def call(link):
        origin = link.partition('/?')[0]
        with contextlib.suppress(httpx.HTTPError), httpx.Client(timeout=30) as client:
            client.get(link)
            client.post(f'{origin}/call', json={'name': 'feed'}, headers={'Origin': origin})

    system.act = act
    with served(system) as link:
        thread = threading.Thread(target=call, args=(link,))
        thread.start()
        assert asked.wait(30)
        began = time.monotonic()
    assert time.monotonic() - began < 30
    over.set()
    thread.join()


def test_the_server_ends_also_while_a_page_is_open(system):
    seen = threading.Event()
    ended = threading.Event()

    def look(link):
        with contextlib.suppress(httpx.HTTPError), stream(link) as events:
            for _ in events:
                seen.set()
        ended.set()

    with served(system) as link:
        thread = threading.Thread(target=look, args=(link,))
        thread.start()
        assert seen.wait(30)
    assert ended.wait(30)
    thread.join()
    port = int(link.split(':')[2].split('/')[0])
    with pytest.raises(ConnectionError):
        socket.create_connection(('127.0.0.1', port), 5)
