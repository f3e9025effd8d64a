"""A running system as the shell shows it: agents that work, hang, are stopped by the system, or die meanwhile."""

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from osbrain import Agent, run_agent, run_agents
from osbrain.cli import Exit, main, view
from osbrain.helper import wait_condition

COMMAND = [sys.executable, '-m', 'osbrain']
LONG = 60
# A second is promised, beside the half in which messages are counted; a machine with much else to do takes some more.
PROMPT = 12.0

pytestmark = pytest.mark.new


class Trader(Agent):
    """Buy low."""

    lots = 3

    def on_init(self):
        self.cash = 100.0
        self.strange = Hanging()

    def buy(self, symbol: str, lots: int = 1) -> bool:
        """Buy some."""
        return True

    def on_price(self, message):
        self.last = message

    @property
    def worth(self):
        raise RuntimeError('asked')


class Hanging:
    """Never says what it looks like."""

    def __repr__(self):
        threading.Event().wait()


def reply(agent, message):
    return message


def ignore(agent, message):
    pass


@pytest.fixture
def shell(nsproxy, capsys, monkeypatch):
    """Run a command on the name server; its exit code, what it printed, and the seconds it took."""
    monkeypatch.setenv('OSBRAIN_NAMESERVER_ADDRESS', str(nsproxy.addr()))
    # Those that are not stopped may take longer than a second where there is much else to do.
    monkeypatch.setattr(view, 'PATIENCE', 3.0)

    def run(*argv):
        capsys.readouterr()
        began = time.monotonic()
        code = main([str(arg) for arg in argv])
        seconds = time.monotonic() - began
        return code, capsys.readouterr(), seconds

    return run


def as_json(shell, *argv):
    code, printed, _ = shell(*argv, '--json')
    assert code == Exit.OK, printed.err
    return json.loads(printed.out)


@contextmanager
def stopped(nsproxy, name):
    """For a while, let the system run the process of an agent no more."""
    pid = nsproxy.status()[name].pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_ls_tells_of_each_agent_what_its_process_is_and_does(nsproxy, shell):
    feed, strategy = run_agent('feed'), run_agent('strategy', base=Trader)
    strategy.connect(feed.bind('PUB', 'prices'), 'prices', handler='on_price')
    feed.each(0.01, lambda agent: agent.send('prices', 1))
    found = {one['name']: one for one in as_json(shell, 'ls')}
    assert found['feed']['pid'] == nsproxy.status()['feed'].pid
    assert found['strategy']['class'].endswith('.Trader')
    assert found['feed']['sent_per_s'] > 0
    assert found['strategy']['received_per_s'] > 0
    assert found['strategy']['uptime_s'] > 0
    assert found['strategy']['memory_bytes'] > 1 << 20


@pytest.mark.parametrize('verb', [('ls',), ('top', '--once'), ('graph',)], ids=lambda verb: verb[0])
def test_one_that_is_stopped_by_the_system_hides_nobody_and_is_waited_for_for_a_second(nsproxy, shell, verb):
    run_agents(['a', 'b', 'c'])
    with stopped(nsproxy, 'b'):
        code, printed, seconds = shell(*verb)
    assert code == Exit.OK
    assert seconds < PROMPT
    lines = {line.split()[0]: line for line in printed.out.splitlines() if line.split()}
    assert 'it does not answer' in lines['b']
    assert 'it does not answer' not in lines['a'] + lines['c']
    if verb[0] != 'graph':
        assert 'no answer' in lines['b']
        assert 'running' in lines['a'] and 'running' in lines['c']


def test_one_that_is_busy_is_seen_as_every_other(nsproxy, shell):
    run_agent('a').after(0, lambda agent: threading.Event().wait(LONG), alias='busy')
    assert wait_condition(lambda: nsproxy.stats(LONG)['a'].lateness.count == 1, timeout=LONG)
    (found,) = as_json(shell, 'top', '--once', '--interval', '0.1')
    assert (found['answers'], found['state']) == (True, 'running')
    assert [one['alias'] for one in as_json(shell, 'show', 'a')['timers']] == ['busy']
    nsproxy.proxy('a').kill()


def test_the_graph_is_the_true_one(nsproxy, shell):
    names = ['hub', 'push', 'sub', 'req', 'async', 'sync', 'work', 'alone']
    hub, *others = run_agents(names)
    push, sub, req, asker, sync, work, _ = others
    push.connect(hub.bind('PULL', 'in', handler=ignore), 'out')
    sub.connect(hub.bind('PUB', 'news'), 'news', handler=ignore)
    req.connect(hub.bind('REP', 'rep', handler=reply, transport='tcp'), 'ask')
    asker.connect(hub.bind('ASYNC_REP', 'arep', handler=reply), 'aask', handler=ignore)
    sync.connect(hub.bind('SYNC_PUB', 'both', handler=reply), 'both', handler=ignore)
    work.connect(hub.bind('ACK_PUSH', 'tasks'), 'tasks', handler=ignore)
    req.send_recv('ask', 1)
    found = as_json(shell, 'graph', '--interval', '0')
    assert [one['name'] for one in found['agents']] == sorted(names)
    ends = [' '.join([*one['from'].values(), *one['to'].values()]) for one in found['connections']]
    assert ends == [
        'async aask ASYNC_REQ hub arep ASYNC_REP',
        'hub both SYNC_PUB sync both SYNC_SUB',
        'hub news PUB sub news SUB',
        'hub tasks ACK_PUSH work tasks ACK_PULL',
        'push out PUSH hub in PULL',
        'req ask REQ hub rep REP',
    ]
    assert found['unconnected'] == []
    (asked,) = [one for one in found['connections'] if one['from']['agent'] == 'req']
    assert asked['forth']['messages_per_s'] > 0
    assert asked['back']['messages_per_s'] > 0


def test_show_tells_what_an_agent_is_whatever_its_values_do(nsproxy, shell):
    trader = run_agent('trader', base=Trader)
    trader.bind('SUB', 'prices', handler={'EUR': 'on_price'})
    trader.each(60, 'buy', 'EUR', alias='often')
    began = time.monotonic()
    found = as_json(shell, 'show', 'trader')
    assert time.monotonic() - began < PROMPT
    (prices,) = found['endpoints']
    assert prices['handlers'] == [{'names': ['on_price'], 'topic': 'EUR', 'exact': False}]
    assert [(one['alias'], one['method'], one['period']) for one in found['timers']] == [('often', 'buy', 60.0)]
    buy = next(one for one in found['methods'] if one['name'] == 'buy')
    assert (buy['signature'], buy['doc']) == ('(symbol: str, lots: int = 1) -> bool', 'Buy some.')
    values = {one['name']: one['value'] for one in found['attributes']}
    assert (values['cash'], values['lots'], values['strange'], values['worth']) == ('100.0', '3', '<Hanging>', '')
    assert trader.buy('EUR')  # and it works on


def test_show_of_one_that_is_stopped_by_the_system_ends_after_a_second(nsproxy, shell):
    run_agent('a')
    with stopped(nsproxy, 'a'):
        code, printed, seconds = shell('show', 'a')
    assert code == Exit.NOT_ANSWERING
    assert printed.err == 'osbrain show: a does not answer: not within 1 s\n'
    assert seconds < PROMPT


# -- Top, as long as somebody looks -----------------------------------------------------------------------------------


def test_top_goes_on_when_agents_come_and_die(nsproxy):
    run_agent('a')
    with subprocess.Popen(
        [*COMMAND, 'top', '--json', '--interval', '0.1', '--nsaddr', str(nsproxy.addr())],
        stdout=subprocess.PIPE,
        text=True,
    ) as top:

        def sees(*names):
            return wait_condition(
                lambda: [one['name'] for one in json.loads(top.stdout.readline())] == list(names), timeout=LONG
            )

        try:
            assert sees('a')
            run_agent('b')
            assert sees('a', 'b')
            os.kill(nsproxy.status()['a'].pid, signal.SIGKILL)
            assert sees('b')
        finally:
            top.send_signal(signal.SIGINT)
            top.stdout.read()
        assert top.wait(LONG) == Exit.INTERRUPTED


class Terminal:
    """A terminal in which a command runs; the test types and reads."""

    def __init__(self, *argv):
        self._end, own = pty.openpty()
        environment = {**os.environ, 'TERM': 'xterm', 'COLUMNS': '150', 'LINES': '24'}
        self.process = subprocess.Popen(argv, stdin=own, stdout=own, stderr=own, env=environment)
        os.close(own)
        self.shown = b''
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        try:
            while data := os.read(self._end, 65536):
                self.shown += data
        except OSError:  # the command has closed its end
            pass

    def shows(self, *texts):
        """Whether each of *texts* comes to be shown after whatever was shown before."""
        self.shown = b''
        return wait_condition(lambda: all(text.encode() in self.shown for text in texts), timeout=LONG)

    def type(self, keys):
        os.write(self._end, keys.encode())

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(LONG)
        self._reader.join(LONG)
        os.close(self._end)


@pytest.fixture
def terminal(nsproxy):
    made = []

    def start(*argv):
        made.append(Terminal(*COMMAND, *argv, '--nsaddr', str(nsproxy.addr())))
        return made[0]

    yield start
    for one in made:
        one.end()


def test_top_fills_a_terminal_and_hears_keys(nsproxy, terminal):
    run_agents(['alice', 'bob'])
    top = terminal('top', '--interval', '0.2')
    assert top.shows('alice', 'bob', '2 agents: 2 running', 'q quit')
    with stopped(nsproxy, 'bob'):
        assert top.shows('1 no answer', 'it does not answer')
        top.type('n')
        assert top.shows(';7mname')  # the column by which rows are sorted stands out
    assert top.shows('2 agents: 2 running')
    top.type('q')
    assert top.process.wait(LONG) == Exit.OK
