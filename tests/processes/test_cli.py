"""The command line as a shell sees it: real processes, signals, exit codes."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from osbrain import Agent, AgentProcess, NSProxy, __version__, config, run_agent
from osbrain.cli import Exit
from osbrain.helper import wait_condition

COMMAND = [sys.executable, '-m', 'osbrain']
# What is awaited takes a fraction of this.
LONG = 60
# Three seconds are promised; on a machine with much else to do, Python alone takes some to start.
PROMPT = 12.0


class Dawdler(Agent):
    """Takes its time to shut down, and does not heed a kill."""

    def shutdown(self):
        threading.Event().wait(LONG)

    kill = shutdown


class Stuck(Agent):
    """Shuts down only when it is killed."""

    def shutdown(self):
        pass


def fail(agent):
    raise ValueError('no\nprice')


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    """No name server is found by accident."""
    monkeypatch.delenv('OSBRAIN_NAMESERVER_ADDRESS', raising=False)


def osbrain(*argv, command=COMMAND, **options):
    options = {'capture_output': True, 'text': True, 'timeout': LONG, **options}
    return subprocess.run([*command, *map(str, argv)], check=False, **options)


def one_line(result):
    """Check that a command has said what is wrong, in one line, and nothing else; return the line."""
    assert result.stdout == ''
    assert result.stderr.startswith('osbrain')
    assert result.stderr.count('\n') == 1
    return result.stderr


class Running:
    """A name server that `osbrain nameserver` runs."""

    def __init__(self, *argv):
        self.process = subprocess.Popen(
            [*COMMAND, 'nameserver', *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.address = self.process.stdout.readline().strip()

    def wait(self, number=None):
        """Send a signal, wait for the end; return the exit code and what was printed besides the address."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=LONG)
        assert out == ''
        return self.process.returncode, err

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=LONG)


@contextmanager
def running(*argv):
    server = Running(*argv)
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def server():
    """A name server at a free port; agents that are still there at the end of the test are ended."""
    with running('--timeout', '4') as server:
        yield server
        if server.process.poll() is None:
            server.wait(signal.SIGTERM)


def pid_of(agent):
    return agent.execute_as_function(os.getpid)


def is_alive(pid):
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] not in 'ZX'
    except OSError:
        return False


def has_ended(pid):
    return wait_condition(lambda: not is_alive(pid), timeout=10)


def answers(address):
    host, _, port = address.rpartition(':')
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


# -- The name server in the foreground -----------------------------------------------------------------------------


def test_its_address_is_the_one_line_on_standard_output(server):
    host, port = server.address.split(':')
    assert host == '127.0.0.1'
    assert 1024 <= int(port) <= 65535
    code, err = server.wait(signal.SIGINT)
    assert code == Exit.OK
    assert f'export OSBRAIN_NAMESERVER_ADDRESS={server.address}\n' in err


def test_it_answers_programs_once_its_address_is_printed(server):
    agent = run_agent('alice', nsaddr=server.address)
    assert agent.ping() == 'pong'
    assert NSProxy(server.address, timeout=0).agents() == ['alice']


def test_it_listens_where_it_was_told_to(server):
    address = server.address
    server.wait(signal.SIGINT)
    with running(address) as again:
        assert again.address == address


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_its_agents(server, number):
    pids = [pid_of(run_agent(name, nsaddr=server.address)) for name in 'ab']
    code, err = server.wait(number)
    assert code == Exit.OK
    assert 'Ending 2 agents' in err
    assert 'Traceback' not in err
    assert all(has_ended(pid) for pid in pids)
    assert not answers(server.address)


def test_it_has_no_child_that_could_be_left(server):
    run_agent('alice', nsaddr=server.address)
    assert psutil.Process(server.process.pid).children(recursive=True) == []


def test_agents_can_be_left():
    with running('--leave-agents') as server:
        agent = run_agent('alice', nsaddr=server.address)
        code, err = server.wait(signal.SIGTERM)
        assert code == Exit.OK
        assert 'Left without a name server: alice.' in err
        assert agent.unsafe.ping() == 'pong'
        pid = pid_of(agent)
        agent.oneway.kill()
        assert has_ended(pid)


def test_agents_that_heed_nobody_are_ended():
    with running('--timeout', '4') as server:
        pids = [pid_of(run_agent(base.__name__, nsaddr=server.address, base=base).unsafe) for base in (Dawdler, Stuck)]
        code, err = server.wait(signal.SIGTERM)
        assert code == Exit.OK
        assert 'Left' not in err
        assert all(has_ended(pid) for pid in pids)


def test_a_second_ctrl_c_leaves_agents_that_take_too_long():
    with running('--timeout', '60') as server:
        pid = pid_of(run_agent('slow', nsaddr=server.address, base=Dawdler).unsafe)
        server.process.send_signal(signal.SIGINT)
        for line in server.process.stderr:
            if 'Ending 1 agent' in line:
                break
        began = time.monotonic()
        code, err = server.wait(signal.SIGINT)
        assert time.monotonic() - began < PROMPT
        assert code == Exit.AGENTS_LEFT
        assert 'Left without a name server: slow.' in err
        os.kill(pid, signal.SIGKILL)
        assert has_ended(pid)


def test_a_second_sigterm_changes_nothing():
    with running('--timeout', '6') as server:
        pid = pid_of(run_agent('slow', nsaddr=server.address, base=Dawdler).unsafe)
        server.process.send_signal(signal.SIGTERM)
        for line in server.process.stderr:
            if 'Ending 1 agent' in line:
                break
        code, err = server.wait(signal.SIGTERM)
        assert code == Exit.OK
        assert 'Left' not in err
        assert has_ended(pid)


def test_it_ends_its_agents_also_when_nobody_reads_what_it_says(server):
    pid = pid_of(run_agent('alice', nsaddr=server.address))
    server.process.stdout.close()
    server.process.stderr.close()
    server.process.send_signal(signal.SIGHUP)
    assert server.process.wait(LONG) == Exit.OK
    assert has_ended(pid)


def test_it_ends_when_it_is_shut_down_from_elsewhere(server):
    NSProxy(server.address).shutdown()
    assert server.wait()[0] == Exit.OK


def test_killed_without_mercy_it_leaves_its_port_free(server):
    server.process.kill()
    server.process.wait(LONG)
    with running(server.address) as again:
        assert again.address == server.address


def test_a_port_that_is_taken_is_one_line(server):
    result = osbrain('nameserver', server.address)
    assert result.returncode == Exit.PORT_TAKEN
    assert 'is in use by a name server' in one_line(result)


def test_an_address_of_another_machine_is_one_line():
    # Reserved for documentation (RFC 5737): no machine has it.
    result = osbrain('nameserver', '192.0.2.1:9090')
    assert result.returncode == Exit.NOT_THIS_MACHINE
    assert '192.0.2.1 is not an address of this machine' in one_line(result)


# Becomes another Python without the right to low ports, which root has: prctl(PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE).
WITHOUT_THE_RIGHT = (
    'import ctypes, os, sys; '
    'getattr(ctypes.CDLL(None), "prctl", print)(24, 10); '
    'os.execv(sys.executable, [sys.executable, *sys.argv[1:]])'
)


def test_a_port_that_is_forbidden_is_one_line():
    command = [sys.executable, '-c', WITHOUT_THE_RIGHT]
    probe = 'import socket; socket.socket().bind(("127.0.0.1", 80))'
    tried = subprocess.run([*command, '-c', probe], check=False, capture_output=True, text=True, timeout=LONG)
    if 'PermissionError' not in tried.stderr:
        pytest.skip('everybody may use port 80 here')
    result = osbrain('nameserver', '127.0.0.1:80', command=[*command, '-m', 'osbrain'])
    assert result.returncode == Exit.PORT_FORBIDDEN
    assert 'port 80 is forbidden to this user' in one_line(result)


# -- Acting on a running one ---------------------------------------------------------------------------------------


@pytest.fixture
def system(server):
    """A name server with agents: one runs, one was never run, one has failed, one has died."""
    run_agent('runs', nsaddr=server.address)
    AgentProcess('waits', nsaddr=server.address).start()
    failed = run_agent('failed', nsaddr=server.address)
    failed.set_method(fail)
    with pytest.raises(ValueError, match='price'):
        failed.fail()
    pid = pid_of(run_agent('died', nsaddr=server.address))
    os.kill(pid, signal.SIGKILL)
    assert has_ended(pid)
    with NSProxy(server.address) as ns:
        assert wait_condition(lambda: ns.status()['failed'].state == 'stopped')
        assert wait_condition(lambda: 'died' not in ns.agents())
    return server


def test_agents_lists_each_agent_with_its_state(system):
    result = osbrain('agents', '--nsaddr', system.address)
    assert (result.returncode, result.stderr) == (Exit.OK, '')
    header, _, *rows = result.stdout.splitlines()
    assert header.split() == ['name', 'state', 'reason', 'pid', 'host', 'class', 'since']
    assert [tuple(row.split()[:2]) for row in rows] == [
        ('failed', 'stopped'),
        ('runs', 'running'),
        ('waits', 'starting'),
    ]
    assert 'ValueError: no price' in rows[0]


def test_agents_as_json_can_be_read_by_programs(system):
    result = osbrain('agents', '--json', env={**os.environ, 'OSBRAIN_NAMESERVER_ADDRESS': system.address})
    assert (result.returncode, result.stderr) == (Exit.OK, '')
    known = {record['name']: record for record in json.loads(result.stdout)}
    assert {name: record['state'] for name, record in known.items()} == {
        'runs': 'running',
        'waits': 'starting',
        'failed': 'stopped',
    }
    runs = known['runs']
    with NSProxy(system.address) as ns:
        assert runs['pid'] == pid_of(ns.proxy('runs'))
    assert runs['host'] == socket.gethostname()
    assert runs['class'].endswith('Agent')
    assert 0 <= (datetime.now(timezone.utc) - datetime.fromisoformat(runs['since'])).total_seconds() < LONG
    assert known['failed']['reason'] == 'ValueError: no\nprice'


def test_who_stops_reading_the_list_gets_no_traceback(system):
    process = subprocess.Popen(
        [*COMMAND, 'agents', '--nsaddr', system.address], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    assert process.stderr.read() == ''
    process.stderr.close()
    process.wait(LONG)


@pytest.mark.parametrize('encoding', ['ascii', 'latin-1', 'utf-8'])
def test_any_name_can_be_written_in_any_encoding(server, encoding):
    run_agent('日本 [red]\x1b[31m', nsaddr=server.address)
    environ = {**os.environ, 'PYTHONIOENCODING': encoding}
    result = osbrain('agents', '--nsaddr', server.address, env=environ, encoding=encoding)
    assert (result.returncode, result.stderr) == (Exit.OK, '')
    shown = '日本' if encoding == 'utf-8' else '\\u65e5\\u672c'
    assert f'{shown} [red]\\x1b[31m' in result.stdout


def test_ping_of_agents_that_run_ends_with_0(server):
    for name in 'ab':
        run_agent(name, nsaddr=server.address)
    result = osbrain('ping', 'b', 'a', '--nsaddr', server.address)
    assert (result.returncode, result.stderr) == (Exit.OK, '')
    rows = [row.split() for row in result.stdout.splitlines()[2:]]
    assert [(row[0], row[1], row[3]) for row in rows] == [('b', 'pong', 'running'), ('a', 'pong', 'running')]
    assert all(0 < float(row[2]) < 1000 for row in rows)


@pytest.mark.parametrize(
    'name, code, fragment',
    [
        ('waits', Exit.NOT_RUNNING, 'waits answers but does not run, it is starting'),
        ('failed', Exit.NOT_RUNNING, 'failed answers but does not run, it is stopped: ValueError: no price'),
        ('run', Exit.UNKNOWN_AGENT, 'no agent is called run (did you mean runs?)'),
    ],
)
def test_ping_tells_what_is_wrong_with_an_agent(system, name, code, fragment):
    result = osbrain('ping', 'runs', name, '--json', '--nsaddr', system.address)
    assert result.returncode == code
    assert result.stderr == f'osbrain ping: {fragment}\n'
    runs, other = json.loads(result.stdout)
    assert (runs['answers'], runs['state'], runs['reason']) == (True, 'running', None)
    assert 0 < runs['seconds'] < 1
    assert other['name'] == name
    assert other['answers'] is (code == Exit.NOT_RUNNING)


@contextmanager
def frozen(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if is_alive(pid):
            os.kill(pid, signal.SIGCONT)


def test_ping_waits_for_an_agent_no_longer_than_asked(server):
    pid = pid_of(run_agent('frozen', nsaddr=server.address))
    with frozen(pid):
        began = time.monotonic()
        result = osbrain('ping', 'frozen', '--timeout', '0.5', '--nsaddr', server.address)
        assert 0.5 < time.monotonic() - began < PROMPT
    assert result.returncode == Exit.NOT_ANSWERING
    assert result.stderr == 'osbrain ping: frozen does not answer: not within 0.5 s\n'


def test_shutdown_of_some_ends_them_and_no_others(system):
    with NSProxy(system.address) as ns:
        pids = {name: ns.status()[name].pid for name in ('runs', 'waits', 'failed')}
        result = osbrain('shutdown', 'runs', 'waits', '--nsaddr', system.address)
        assert (result.returncode, result.stderr) == (Exit.OK, '')
        assert result.stdout.splitlines() == ['Ended: runs, waits.']
        assert ns.agents() == ['failed']
    assert has_ended(pids['runs'])
    assert has_ended(pids['waits'])
    assert is_alive(pids['failed'])


def test_shutdown_without_names_ends_all_agents_and_not_the_name_server(system):
    result = osbrain('shutdown', '--nsaddr', system.address)
    assert (result.returncode, result.stderr) == (Exit.OK, '')
    assert result.stdout.splitlines() == [
        'Ended: failed, runs, waits.',
        'Had died before: died.',
        f'The name server at {system.address} goes on (--nameserver ends it as well).',
    ]
    assert NSProxy(system.address).agents() == []


def test_shutdown_of_the_name_server_ends_everything_and_frees_its_port(system):
    with NSProxy(system.address) as ns:
        pids = [record.pid for record in ns.status().values()]
    result = osbrain('shutdown', '--nameserver', '--nsaddr', system.address)
    assert (result.returncode, result.stderr) == (Exit.OK, '')
    assert not answers(system.address)
    assert result.stdout.splitlines()[-1] == f'The name server at {system.address} has ended.'
    assert system.wait()[0] == Exit.OK
    assert all(has_ended(pid) for pid in pids)


def test_shutdown_as_json_says_what_was_done(system):
    result = osbrain('shutdown', '--nameserver', '--json', '--nsaddr', system.address)
    assert (result.returncode, result.stderr) == (Exit.OK, '')
    report = json.loads(result.stdout)
    assert 0 < report.pop('seconds') < LONG
    assert {key: sorted(value) if isinstance(value, list) else value for key, value in report.items()} == {
        'clean': ['failed', 'runs', 'waits'],
        'killed': [],
        'gone': ['died'],
        'left': [],
        'nameserver': 'ended',
    }


@pytest.mark.parametrize('names', [['frozen', 'runs'], []])
def test_shutdown_ends_also_who_does_not_react(server, names):
    run_agent('runs', nsaddr=server.address)
    pid = pid_of(run_agent('frozen', nsaddr=server.address))
    with frozen(pid):
        result = osbrain('shutdown', *names, '--timeout', '6', '--nsaddr', server.address)
        assert (result.returncode, result.stderr) == (Exit.OK, '')
        assert result.stdout.splitlines()[:2] == ['Ended: runs.', 'Had to be killed: frozen.']
        assert has_ended(pid)
    assert NSProxy(server.address).agents() == []


def test_shutdown_waits_for_who_takes_longer_than_strangers_may_stay(server, monkeypatch):
    class Careful(Agent):
        def shutdown(self):
            threading.Event().wait(3)
            super().shutdown()

    monkeypatch.setitem(config, 'HANDSHAKE_TIMEOUT', 1.0)
    pid = pid_of(run_agent('careful', nsaddr=server.address, base=Careful))
    result = osbrain('shutdown', 'careful', '--timeout', LONG, '--nsaddr', server.address)
    assert (result.returncode, result.stdout, result.stderr) == (Exit.OK, 'Ended: careful.\n', '')
    assert has_ended(pid)


def test_shutdown_kills_who_takes_too_long(server):
    pid = pid_of(run_agent('stuck', nsaddr=server.address, base=Stuck))
    result = osbrain('shutdown', 'stuck', '--timeout', '1', '--nsaddr', server.address)
    assert (result.returncode, result.stdout) == (Exit.OK, 'Had to be killed: stuck.\n')
    assert has_ended(pid)


def test_ctrl_c_ends_a_verb_that_waits(server):
    run_agent('slow', nsaddr=server.address, base=Dawdler)
    tasks = Path(f'/proc/{NSProxy(server.address).status()["slow"].pid}/task')
    before = len(list(tasks.iterdir()))
    command = [*COMMAND, 'shutdown', 'slow', '--timeout', '60', '--nsaddr', server.address]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # The agent has a thread for each connection: one more says that the command waits for its end.
    assert wait_condition(lambda: len(list(tasks.iterdir())) > before, timeout=LONG)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PROMPT)
    assert (process.returncode, out, err.strip()) == (Exit.INTERRUPTED, '', 'Interrupted.')


# -- No name server ------------------------------------------------------------------------------------------------

ACTING = [['agents'], ['ping', 'a'], ['shutdown'], ['shutdown', '--nameserver'], ['metrics']]


@contextmanager
def nobody():
    with socket.socket() as held:
        held.bind(('127.0.0.1', 0))
        yield '127.0.0.1:%d' % held.getsockname()[1]


@contextmanager
def silence():
    with socket.create_server(('127.0.0.1', 0)) as held:
        yield '127.0.0.1:%d' % held.getsockname()[1]


@contextmanager
def web_server():
    class Quiet(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(('127.0.0.1', 0), Quiet) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={'poll_interval': 0.02})
        thread.start()
        try:
            yield '127.0.0.1:%d' % httpd.server_port
        finally:
            httpd.shutdown()
            thread.join()


@contextmanager
def agent_instead():
    """Somebody takes the address of an agent for that of its name server."""
    with ExitStack() as stack:
        server = stack.enter_context(running('--timeout', '4'))
        stack.callback(server.wait, signal.SIGTERM)
        run_agent('alice', nsaddr=server.address)
        yield NSProxy(server.address).status()['alice'].uri.rpartition('@')[2]


@pytest.mark.parametrize('argv', ACTING)
@pytest.mark.parametrize(
    'who, code',
    [
        (nobody, Exit.NO_NAMESERVER),
        (silence, Exit.NOT_A_NAMESERVER),
        (web_server, Exit.NOT_A_NAMESERVER),
        (agent_instead, Exit.NOT_A_NAMESERVER),
    ],
)
def test_no_name_server_is_one_line_within_three_seconds(who, code, argv):
    with who() as address:
        began = time.monotonic()
        result = osbrain(*argv, '--nsaddr', address)
        assert time.monotonic() - began < PROMPT
    assert result.returncode == code
    assert address in one_line(result)


def test_a_name_server_that_hangs_is_one_line_within_three_seconds(server):
    with frozen(server.process.pid):
        began = time.monotonic()
        result = osbrain('agents', '--nsaddr', server.address)
        assert time.monotonic() - began < PROMPT
    assert result.returncode == Exit.NOT_A_NAMESERVER
    one_line(result)


@pytest.mark.parametrize(
    'argv', [['agents'], ['agents', '--nsaddr', 'nonsense'], ['pign', 'a'], ['nameserver', '1:2:3']]
)
def test_a_mistake_is_one_line(argv):
    result = osbrain(*argv)
    assert result.returncode == Exit.USAGE
    assert '--help' in one_line(result)


def test_the_version_is_the_one_of_the_package():
    result = osbrain('--version')
    assert (result.returncode, result.stdout) == (Exit.OK, f'osbrain {__version__}\n')


def test_a_name_server_with_a_storage_that_is_killed_is_the_same_when_it_is_started_again(tmp_path):
    file = tmp_path / 'names'
    with running('--storage', str(file)) as first:
        agent = run_agent('a0', nsaddr=first.address)
        first.process.kill()
        first.process.wait(LONG)
        with running(first.address, '--storage', str(file)) as second:
            with NSProxy(second.address) as ns:
                assert ns.agents() == ['a0']
                assert ns.proxy('a0').ping() == agent.ping() == 'pong'
            assert second.wait(signal.SIGTERM)[0] == Exit.OK


def test_a_storage_that_is_something_else_is_refused_before_anything_runs(tmp_path):
    file = tmp_path / 'text'
    file.write_text('this is no database, ' * 100)
    result = osbrain('nameserver', '--storage', str(file))
    assert result.returncode == Exit.USAGE
    assert 'not a database' in result.stderr
    assert result.stdout == ''
    assert file.read_text() == 'this is no database, ' * 100
