"""osbrain echo, hz, bw and delay on running agents, as a shell sees them."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from osbrain import Agent, run_agent
from osbrain.cli import Exit

COMMAND = [sys.executable, '-m', 'osbrain']
LONG = 60


class Feed(Agent):
    def on_init(self):
        self.bind('PUB', 'prices', transport='tcp')
        self.bind('PUB', 'bytes', serializer='raw', transport='tcp')
        self.bind('REP', 'ask', handler=lambda agent, message: 2 * message, transport='tcp')
        self.each(0.01, 'publish')

    def publish(self):
        self.send('prices', {'bid': 1.5}, topic='AAPL')
        self.send('prices', 'closed', topic='MSFT')
        self.send('bytes', b'\x1b[2Jclear\xff')


@pytest.fixture
def feed(nsproxy, monkeypatch):
    monkeypatch.setenv('OSBRAIN_NAMESERVER_ADDRESS', str(nsproxy.addr()))
    return run_agent('feed', base=Feed)


def osbrain(*argv, command=COMMAND):
    return subprocess.run([*command, *argv], check=False, capture_output=True, text=True, timeout=LONG)


@contextmanager
def looking(*argv):
    """A command that looks, once it has printed something."""
    with subprocess.Popen([*COMMAND, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline()
            yield process
        finally:
            process.kill()


@pytest.mark.usefixtures('feed')
def test_echo_prints_what_is_published():
    result = osbrain('echo', 'feed:prices', '--count', '3')
    assert result.returncode == Exit.OK
    assert [line.split(maxsplit=1)[1] for line in result.stdout.splitlines()[:2]] in (
        ["AAPL {'bid': 1.5}", "MSFT 'closed'"],
        ["MSFT 'closed'", "AAPL {'bid': 1.5}"],
    )
    assert result.stderr.startswith('3 messages in ')


@pytest.mark.usefixtures('feed')
def test_echo_takes_a_topic_and_prints_json():
    result = osbrain('echo', 'feed:prices', '--topic', 'MS', '--count', '2', '--json')
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(one['topic'], one['message'], one['form'], one['number']) for one in said] == [
        ('MSFT', 'closed', 'json', 1),
        ('MSFT', 'closed', 'json', 2),
    ]


@pytest.mark.usefixtures('feed')
def test_bytes_that_are_no_text_move_no_cursor():
    result = osbrain('echo', 'feed:bytes', '--count', '1')
    assert r"b'\x1b[2Jclear\xff'" in result.stdout
    assert '\x1b' not in result.stdout


def test_requests_and_replies_are_told_from_each_other_and_by_whom(feed):
    client = run_agent('client')
    client.connect(feed.addr('ask'), 'ask')

    def ask(agent):
        agent.send_recv('ask', 21)

    client.each(0.05, ask)
    # The first source is heard while the second is still being added, which may take 3 s: 120 messages.
    result = osbrain('echo', 'feed:ask', 'client:ask', '--count', '200')
    lines = {line.split(maxsplit=1)[1] for line in result.stdout.splitlines()}
    assert lines == {f'{who}:ask {what}' for who in ('feed', 'client') for what in ('request 21', 'reply 42')}


@pytest.mark.usefixtures('feed')
@pytest.mark.parametrize('verb', ['hz', 'bw', 'delay'])
def test_streams_are_measured(verb):
    result = osbrain(verb, 'feed:prices', '--interval', '0.5', '--seconds', '1.2')
    assert result.returncode == Exit.OK
    header, *lines = result.stdout.splitlines()
    assert 'per second' in header
    assert len(lines) >= 2 and all(line.startswith('feed:prices message') for line in lines)
    told = osbrain(verb, 'feed:prices', '--seconds', '1', '--json').stdout.splitlines()
    first = json.loads(told[0])
    assert (first['agent'], first['alias'], first['what'], first['missed']) == ('feed', 'prices', 'message', 0)
    assert 0 < first['rate'] < 1000
    assert first['mean'] is not None


@pytest.mark.usefixtures('feed')
def test_a_silent_socket_is_measured_as_silent():
    result = osbrain('hz', 'feed:ask', '--seconds', '0.5', '--json')
    assert json.loads(result.stdout)['rate'] == 0.0


@pytest.mark.usefixtures('feed')
@pytest.mark.parametrize('argv, code, said', [
    (['feed:nothing'], Exit.UNKNOWN_ALIAS, "agent 'feed' has no socket 'nothing'"),
    (['feed:ask', '--topic', 'x'], Exit.USAGE, "'x' cannot be a topic"),
    (['feeed:prices'], Exit.UNKNOWN_AGENT, 'did you mean feed?'),
])  # fmt: skip
def test_mistakes_are_one_line(argv, code, said):
    result = osbrain('echo', *argv)
    assert (result.returncode, result.stdout, result.stderr.count('\n')) == (code, '', 1)
    assert said in result.stderr


@pytest.mark.usefixtures('feed')
def test_ctrl_c_ends_it_with_a_summary():
    for argv in (['echo', 'feed:prices'], ['hz', 'feed:prices', '--interval', '0.2']):
        with looking(*argv) as process:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=LONG)
        assert process.returncode == Exit.OK
        assert err.endswith(' s.\n') and ' message' in err and err.count('\n') == 1


def test_who_dies_while_one_looks_is_told(feed):
    with looking('echo', 'feed:prices') as process:
        os.kill(feed.execute_as_function(os.getpid), signal.SIGKILL)
        _, err = process.communicate(timeout=LONG)
    assert process.returncode == Exit.AGENT_ENDED
    assert 'osbrain echo: feed:prices says nothing more: it died at ' in err
    assert 'SIGKILL' in err


def test_a_stopped_agent_is_waited_for_no_longer_than_3_seconds(feed):
    pid = feed.execute_as_function(os.getpid)
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        result = osbrain('echo', 'feed:prices')
        assert time.monotonic() - began < 30
    finally:
        os.kill(pid, signal.SIGCONT)
    assert result.returncode == Exit.NOT_ANSWERING
    assert result.stderr == 'osbrain echo: feed does not answer: not within 3 s\n'


@pytest.mark.usefixtures('feed')
def test_a_reader_that_has_enough_is_no_error():
    script = f'{sys.executable} -m osbrain echo feed:prices | head -n 2'
    result = subprocess.run(script, shell=True, check=False, capture_output=True, text=True, timeout=LONG)
    assert len(result.stdout.splitlines()) == 2
    assert 'Traceback' not in result.stderr


def test_without_the_package_msgpack_each_line_says_what_to_install(feed):
    feed.bind('PUB', 'packed', serializer='msgpack', transport='tcp')
    feed.each(0.05, 'send', 'packed', [1])
    program = "import sys; sys.modules['msgpack'] = None; from osbrain.cli import main; sys.exit(main(sys.argv[1:]))"
    result = osbrain('echo', 'feed:packed', '--count', '1', command=[sys.executable, '-c', program])
    assert result.returncode == Exit.OK
    assert "pip install 'osbrain[msgpack]'" in result.stdout
    measured = osbrain('hz', 'feed:packed', '--count', '3', command=[sys.executable, '-c', program])
    assert measured.returncode == Exit.OK
