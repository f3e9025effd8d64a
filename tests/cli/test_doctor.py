"""What a system can suffer from, and that each line says how it is mended."""

import json
import os
import socket
import subprocess
import time

import pytest

from osbrain import config
from osbrain._pids import started
from osbrain._remote.checkup import Checkup, checkup
from osbrain._remote.status import AgentStatus
from osbrain._security import certificates as certificates_module
from osbrain._security.key import ClusterKey
from osbrain._security.keyring import Keyring, write_keyring
from osbrain._stats import AgentStats, EndpointStats, Histogram
from osbrain.cli import checks
from osbrain.cli.checks import Finding
from osbrain.cli.exits import Exit
from osbrain.errors import CertificateUnusable

OURS = Checkup('0.7.0', '3.11.7', {'pyzmq': '26.0', 'Pyro4': '4.82'}, 'here', 1, 0.0)


def state_and_mend(finding):
    return finding.state, finding.mend


# -- Key and certificate


@pytest.fixture
def key_file(tmp_path, monkeypatch):
    path = tmp_path / 'cluster.key'
    monkeypatch.setenv('OSBRAIN_KEY_FILE', str(path))
    return path


def test_a_key_that_is_fit_is_told_by_its_fingerprint(key_file):
    key = ClusterKey.new()
    write_keyring(key_file, Keyring((key, ClusterKey.new())))
    assert checks.check_key() == Finding('key', 'ok', f'{key.fingerprint}, and 1 more accepted, in {key_file}')


def test_a_key_that_others_may_read_or_that_is_not_there_is_a_fault(key_file):
    assert state_and_mend(checks.check_key())[0] == 'fault'
    write_keyring(key_file, Keyring((ClusterKey.new(),)))
    key_file.chmod(0o644)
    finding = checks.check_key()
    assert finding.state == 'fault'
    assert 'osbrain keys new' in finding.mend
    assert checks.check_certificate(0.0).state in ('ok', 'fault')


def test_a_key_that_nobody_has_needed_yet_is_no_fault(monkeypatch, tmp_path):
    monkeypatch.delenv('OSBRAIN_KEY_FILE', raising=False)
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path))
    assert checks.check_key().state == 'ok'
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_is_told_before_it_ends(monkeypatch, key_file):
    made = certificates_module.Certificates(None, None, 'x', (), 0.0, 100 * 86400.0)
    monkeypatch.setattr(checks, 'files', lambda: (key_file.parent,))
    monkeypatch.setattr(checks, 'certificates', lambda: made)
    assert checks.check_certificate(0.0) == Finding('certificate', 'ok', 'valid until 1970-04-11')
    late = checks.check_certificate(80 * 86400.0)
    assert late == Finding('certificate', 'warning', 'valid for 20 days, until 1970-04-11', 'osbrain keys certificate')


def test_a_certificate_that_is_of_no_use_is_a_fault(monkeypatch, key_file):
    def broken():
        raise CertificateUnusable('/node.pem', 'it has expired', 'run: osbrain keys certificate')

    monkeypatch.setattr(checks, 'files', lambda: (key_file.parent,))
    monkeypatch.setattr(checks, 'certificates', broken)
    expected = Finding('certificate', 'fault', '/node.pem: it has expired', 'run: osbrain keys certificate')
    assert checks.check_certificate(0.0) == expected


# -- Sockets


def test_a_folder_that_is_closed_and_clean_is_well(tmp_path):
    tmp_path.chmod(0o700)
    assert [finding.state for finding in checks.check_sockets(tmp_path)] == ['ok']
    assert [finding.state for finding in checks.check_sockets(tmp_path / 'missing')] == ['ok']


def test_a_folder_that_others_can_look_into_is_a_fault(tmp_path):
    folder = tmp_path / 'a folder'
    folder.mkdir()
    folder.chmod(0o755)
    (finding,) = checks.check_sockets(folder)
    assert state_and_mend(finding) == ('fault', f"chmod 700 '{folder}'")
    subprocess.run(finding.mend, shell=True, check=True, timeout=60)
    assert [finding.state for finding in checks.check_sockets(folder)] == ['ok']


@pytest.mark.parametrize('count', [1, 5])
def test_sockets_that_nobody_has_are_told(tmp_path, count):
    tmp_path.chmod(0o700)
    for number in range(count):
        path = tmp_path / f'dead {number}'
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        os.utime(path, (0, 0))
    (finding,) = checks.check_sockets(tmp_path)
    assert finding.state == 'warning'
    assert finding.what == f'{count} in {tmp_path} that nobody listens on'
    assert finding.mend.startswith('rm ' if count == 1 else 'osbrain nameserver, which removes them')
    assert finding.mend.count('dead') <= 3


# -- Agents and ports


def record(name='feed', **fields):
    return AgentStatus(name, **{'uri': 'PYRO:a@127.0.0.1:1', 'state': 'running', **fields})


def test_an_agent_that_answers_is_well():
    assert checks.check_agent(record(), OURS).state == 'ok'


def test_one_that_has_stopped_is_a_warning_with_what_to_do():
    finding = checks.check_agent(record('my feed', state='stopped', reason='ValueError: no price'), OURS)
    assert finding.what == 'my feed has stopped: ValueError: no price'
    assert state_and_mend(finding) == (
        'warning',
        "osbrain logs 'my feed' tells more; osbrain call 'my feed' run has it go on",
    )


def test_a_stale_entry_is_a_fault():
    finding = checks.check_agent(record(state='gone', reason='its process has ended'), None)
    assert state_and_mend(finding) == ('fault', 'osbrain shutdown feed, which removes the name')


def test_where_nobody_listens_the_port_is_the_fault(free_port):
    finding = checks.check_agent(record(uri=f'PYRO:a@127.0.0.1:{free_port}'), TimeoutError('no'))
    assert (finding.check, finding.state) == ('port', 'fault')
    assert finding.what == f'feed is registered at 127.0.0.1:{free_port}, where nobody listens'
    assert 'a firewall' in finding.mend


def test_an_address_that_nobody_reaches_from_here_is_the_fault():
    finding = checks.check_agent(record(host='elsewhere', pid=3), TimeoutError('no'))
    assert finding.what == 'feed is registered at 127.0.0.1:1, which nobody reaches from outside of elsewhere'
    assert 'advertise=' in finding.mend


def test_one_that_says_nothing_is_a_fault(silent):
    finding = checks.check_agent(record(uri=f'PYRO:a@{silent}'), TimeoutError('no answer'))
    assert finding.what == 'feed does not answer: TimeoutError: no answer'
    assert 'osbrain kill feed' in finding.mend


def test_a_frozen_process_is_told_as_that(monkeypatch):
    monkeypatch.setattr(checks, 'is_frozen', lambda pid: True)
    me = {'pid': os.getpid(), 'pid_started': started(os.getpid()), 'host': socket.gethostname()}
    finding = checks.check_agent(record(**me), TimeoutError('no'))
    assert finding.mend == f'kill -CONT {os.getpid()}, or osbrain kill feed'


def test_what_is_no_address_is_told():
    assert checks.check_agent(record(uri='PYRO:a@nowhere'), None).check == 'port'


def test_those_who_are_well_are_one_line():
    well, ill = Finding('agent', 'ok', 'a answers'), Finding('agent', 'fault', 'b does not', 'kill it')
    assert checks.summary_of_agents([well, ill, well]) == [ill, Finding('agent', 'ok', '2 answer')]
    assert checks.summary_of_agents([ill]) == [ill]
    assert checks.summary_of_agents([]) == [Finding('agent', 'ok', '0 answer')]


# -- Connections


def endpoint(role, *addresses, alias='prices'):
    kind, transport = ('PUB', 'tcp') if role == 'server' else ('SUB', 'tcp')
    return EndpointStats(alias, kind, role, transport, 'pickle', addresses)


def stats(name, *endpoints):
    numbers = dict.fromkeys(
        ('when', 'monotonic', 'uptime', 'cpu', 'memory', 'threads', 'errors', 'undecodable', 'overflows', 'refused'), 0
    )
    more = {'timers': 0, 'lateness': Histogram(), 'calls_waiting': 0, 'requests_pending': 0, 'running': True, 'pid': 1}
    return AgentStats(name=name, endpoints=endpoints, **numbers, **more)


MINE = {'pid': os.getpid(), 'pid_started': started(os.getpid()), 'host': socket.gethostname()}


def test_who_is_connected_to_where_nobody_is_is_told():
    asked = []

    def nobody(place):
        asked.append(place)
        return place.endswith(':2')

    feed = stats('feed', endpoint('server', 'tcp://127.0.0.1:1'))
    risk = stats('risk', endpoint('client', 'tcp://127.0.0.1:1', 'tcp://127.0.0.1:2', 'tcp://127.0.0.1:3'))
    (finding,) = checks.check_connections([(record(**MINE), feed), (record('risk', **MINE), risk)], nobody)
    assert finding.what == "'prices' of risk is connected to tcp://127.0.0.1:2, where nobody listens"
    assert finding.state == 'warning'
    assert asked == ['tcp://127.0.0.1:2', 'tcp://127.0.0.1:3']


def test_if_somebody_is_everywhere_that_is_one_line():
    risk = stats('risk', endpoint('client', 'tcp://127.0.0.1:1'))
    (finding,) = checks.check_connections([(record(**MINE), risk)], lambda place: False)
    assert (finding.state, finding.what) == ('ok', '1, and somebody is at the other end of each')


@pytest.mark.parametrize(
    'place, judged',
    [('ipc:///tmp/x', 0), ('tcp://127.0.0.1:1', 0), ('tcp://[::1]:1', 0), ('tcp://192.0.2.1:1', 1)],
)
def test_what_means_another_machine_to_another_machine_is_not_judged_here(place, judged):
    asked = []
    elsewhere = record(host='elsewhere', pid=3)
    checks.check_connections([(elsewhere, stats('feed', endpoint('client', place)))], asked.append)
    assert len(asked) == judged
    checks.check_connections([(record(**MINE), stats('feed', endpoint('client', 'inproc://x')))], asked.append)
    assert len(asked) == judged


def test_where_nobody_listens_shows_in_a_connection(tmp_path, free_port):
    path = tmp_path / 'it'
    assert checks.nobody_listens(f'ipc://{path}')
    with socket.socket(socket.AF_UNIX) as server, socket.create_server(('127.0.0.1', 0)) as other:
        server.bind(str(path))
        assert checks.nobody_listens(f'ipc://{path}')
        server.listen()
        assert not checks.nobody_listens(f'ipc://{path}')
        assert not checks.nobody_listens(f'tcp://127.0.0.1:{other.getsockname()[1]}')
    assert checks.nobody_listens(f'ipc://{path}')
    assert checks.nobody_listens(f'tcp://127.0.0.1:{free_port}')
    assert not checks.nobody_listens('tcp://no such host:1')


# -- Versions and clocks


def test_versions_that_differ_are_told_with_both():
    other = OURS._replace(osbrain='0.6.9', python='3.12.1', packages={'pyzmq': '26.0', 'Pyro4': '4.80'}, host='lab3')
    alike = OURS._replace(python='3.11.9')
    (finding,) = checks.check_versions(OURS, {'feed': other, 'broker': alike})
    assert finding.state == 'warning'
    assert finding.what == 'feed has osbrain 0.6.9 (0.7.0 here), Python 3.12 (3.11 here), Pyro4 4.80 (4.82 here)'
    assert 'on lab3' in finding.mend
    assert checks.check_versions(OURS, {'broker': alike})[0].state == 'ok'


@pytest.mark.parametrize(
    'ahead, exact, state',
    [(0.05, 0.001, 'ok'), (0.3, 0.001, 'warning'), (-5.0, 0.1, 'warning'), (0.3, 0.25, 'ok')],
)
def test_clocks_may_differ_by_as_much_as_time_servers_leave(ahead, exact, state):
    (finding,) = checks.check_clocks({'lab3': (ahead, exact)})
    assert finding.state == state
    if state == 'warning':
        assert f'is {abs(ahead):g} s {"ahead of" if ahead > 0 else "behind"} the one here' in finding.what
        assert 'timedatectl' in finding.mend


def test_this_process_tells_what_it_is():
    mine = checkup()
    assert (mine.pid, mine.host) == (os.getpid(), socket.gethostname())
    assert abs(mine.when - time.time()) < 60
    assert all(version[0].isdigit() for version in (mine.osbrain, mine.python, *mine.packages.values()))


# -- The verb


@pytest.fixture
def well(tmp_path, monkeypatch):
    """A machine on which nothing is wrong."""
    folder = tmp_path / 'sockets'
    folder.mkdir(mode=0o700)
    monkeypatch.setitem(config, 'IPC_DIR', folder)


def found(result):
    return {finding['check']: finding for finding in json.loads(result.out)}


def test_a_system_that_is_well_ends_with_0(osbrain, here, well):
    here.run(name='feed')
    here.run(name='broker')
    result = osbrain('doctor', '--nsaddr', here.server.local)
    assert (result.code, result.err) == (Exit.OK, '')
    lines = result.out.splitlines()
    assert lines[0].split() == ['check', 'state', 'finding', 'how', 'to', 'mend', 'it']
    assert len(lines) == 10
    assert all(' ok ' in line for line in lines[2:])
    assert '2 answer' in result.out


def test_a_fault_has_its_exit_code_and_its_line(osbrain, here, well, free_port):
    here.run(name='feed')
    here.server._server.register('away', f'PYRO:a@127.0.0.1:{free_port}')
    result = osbrain('doctor', '--json', '--nsaddr', here.server.local)
    assert result.code == Exit.FAULTS_FOUND
    assert {finding['state'] for finding in json.loads(result.out)} == {'ok', 'fault'}
    assert found(result)['port']['what'].startswith('away is registered at')


def test_without_a_name_server_the_machine_is_looked_at(osbrain, well):
    result = osbrain('doctor', '--json')
    assert result.code == Exit.OK
    assert found(result)['name server']['state'] == 'warning'


def test_a_name_server_that_is_not_there_is_a_fault_that_says_how_to_start_one(osbrain, well, free_port):
    result = osbrain('doctor', '--json', '--nsaddr', free_port)
    assert result.code == Exit.FAULTS_FOUND
    assert found(result)['name server']['mend'] == f'osbrain nameserver 127.0.0.1:{free_port}'


def test_somebody_who_is_no_name_server_is_a_fault(osbrain, well, foreign):
    result = osbrain('doctor', '--json', '--nsaddr', foreign)
    assert result.code == Exit.FAULTS_FOUND
    assert 'does not answer as an osbrain name server' in found(result)['name server']['what']


def test_a_clock_is_measured_against_the_one_here(osbrain, here, well, monkeypatch):
    monkeypatch.setattr('osbrain._remote.servant.checkup', lambda: OURS._replace(host='lab3', when=time.time() + 100))
    here.run(name='feed')
    finding = found(osbrain('doctor', '--json', '--nsaddr', here.server.local))['clocks']
    assert finding['what'].startswith('the clock of lab3 is 100 s ahead of the one here')
