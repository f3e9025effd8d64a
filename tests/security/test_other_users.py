"""Another user of the same machine, as a real process of that user, gets nowhere.

The stranger is a bare interpreter that knows nothing of osbrain: it has what everybody has. Whatever it is refused, it
is first seen to be able to do where nothing is protected; so a test cannot hold because its stranger can do nothing.
"""

import contextlib
import json
import os
import pickle
import shutil
import socket
import struct
import subprocess
import sys
from pathlib import Path

import Pyro4.message
import Pyro4.util
import pytest

import osbrain
from osbrain import SocketAddress, run_agent, run_nameserver
from osbrain._security.keyring import key_path, keyring
from osbrain.helper import wait_agent_attr

NOBODY = 65534
LIMIT = 60  # seconds; what is awaited takes a fraction of one

pytestmark = pytest.mark.skipif(
    not hasattr(os, 'geteuid') or os.geteuid() != 0,
    reason='NOT CHECKED that other users stay out: only root can become one. Run: sudo python -m pytest tests/security',
)

STRANGER = Path(__file__).with_name('stranger.py').read_text(encoding='utf-8')
FORBIDDEN = ['EACCES']


@pytest.fixture(scope='module')
def interpreter():
    """An interpreter that everybody may run."""
    for path in (sys.executable, shutil.which('python3', path='/usr/bin:/bin:/usr/local/bin')):
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            as_nobody([path, '-I', '-S', '-c', 'import socket, json'])
            return path
    return pytest.fail('no interpreter that another user may run was found, so nothing can be checked')


def as_nobody(command):
    return subprocess.run(
        command,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd='/',
        env={},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )


@pytest.fixture
def stranger(interpreter):
    """Have another user try something; return how each attempt went."""

    def attempts(*wanted):
        tasks = json.dumps([(way, str(path)) for way, path in wanted])
        done = as_nobody([interpreter, '-I', '-S', '-c', STRANGER, tasks])
        return [json.loads(line) for line in done.stdout.splitlines()]

    return attempts


@pytest.fixture(autouse=True)
def config_folder(open_folder, monkeypatch):
    """Settings and sockets of this user where others can come as far as to their folders."""
    monkeypatch.setenv('XDG_CONFIG_HOME', str(open_folder))
    monkeypatch.delenv('OSBRAIN_KEY_FILE', raising=False)
    monkeypatch.setitem(osbrain.config, 'IPC_DIR', open_folder / 'ipc')
    return open_folder


def test_the_stranger_can_do_what_nothing_forbids(open_folder, stranger):
    public = open_folder / 'public'
    public.mkdir()
    public.chmod(0o777)
    (public / 'file').write_bytes(b'\1\2')
    (public / 'file').chmod(0o666)
    (public / 'other').touch()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(public / 'socket'))
        (public / 'socket').chmod(0o777)
        server.listen()
        assert stranger(
            ('list', public),
            ('read', public / 'file'),
            ('write', public / 'file'),
            ('connect', public / 'socket'),
            ('listen beside', public / 'socket'),
            ('remove', public / 'file'),
            ('replace', public / 'other'),
        ) == [['file', 'other', 'socket'], '0102', 'opened', 'connected', 'bound', None, None]


def test_nobody_else_reads_the_key_or_puts_another_in_its_place(stranger):
    keyring()
    path = key_path()
    assert stranger(('list', path.parent), ('replace', path.parent)) == FORBIDDEN * 2
    for way in ('look', 'read', 'write', 'remove', 'replace', 'listen beside'):
        assert stranger((way, path)) == FORBIDDEN
    assert len(list(path.parent.iterdir())) == 1


def test_the_key_is_closed_by_itself_also_in_a_folder_that_is_open(open_folder, stranger, monkeypatch):
    """As where somebody has made the folder before."""
    folder = open_folder / 'osbrain'
    folder.mkdir()
    folder.chmod(0o755)
    keyring()
    assert stranger(('list', folder), ('read', key_path()), ('write', key_path())) == [['cluster.key'], *FORBIDDEN * 2]


def test_nobody_else_reads_the_certificates_key(stranger):
    authority = pytest.importorskip('osbrain._security.authority')
    from osbrain._security.certificates import files

    authority.write_certificates(keyring(), files(), 825, 'lab')
    key_path().parent.chmod(0o755)
    assert stranger(*(('read', path) for path in (key_path(), *files()))) == FORBIDDEN * 4


def hear(agent, message):
    agent.heard = message


def test_nobody_else_gets_to_the_sockets_of_agents(stranger):
    with run_nameserver():
        agent = run_agent('listener', attributes={'heard': None})
        path = agent.bind('PULL', alias='in', transport='ipc', handler=hear).address
        folder = osbrain.config['IPC_DIR']
        assert path.parent == folder and path.is_socket()
        assert stranger(('list', folder), ('look', path), ('connect', path), ('remove', path)) == FORBIDDEN * 4
        assert stranger(('listen beside', path)) == FORBIDDEN
        # ... and who may, may.
        talker = run_agent('talker')
        talker.connect(agent.addr('in'), alias='out')
        talker.send('out', 'word')
        assert wait_agent_attr(agent, name='heard', value='word', timeout=LIMIT)


class Burglar:
    """Writes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


def pyro_messages(stolen):
    """What somebody who knows Pyro4 would begin with, each with a pickle that is up to something."""
    pickled = pickle.dumps({'handshake': Burglar(stolen), 'object': 'Pyro.NameServer'})
    for kind in (Pyro4.message.MSG_CONNECT, Pyro4.message.MSG_INVOKE):
        yield bytes(Pyro4.message.Message(kind, pickled, Pyro4.util.PickleSerializer.serializer_id, 0, 0).to_bytes())


def zeromq_parts(stolen):
    """What a PUSH socket without any mechanism sends (ZMTP 3.0): greeting and READY, then one message."""
    greeting = b'\xff' + bytes(8) + b'\x7f' + b'\x03\x00' + b'NULL'.ljust(20, b'\0') + bytes(32)
    ready = b'\x05READY' + b'\x0bSocket-Type' + struct.pack('>I', 4) + b'PUSH'
    message = pickle.dumps(Burglar(stolen))
    return greeting + bytes([4, len(ready)]) + ready, bytes([0, len(message)]) + message


def test_nothing_that_somebody_else_says_to_a_name_server_or_an_agent_is_executed(open_folder, stranger):
    stolen = open_folder / 'stolen'
    with run_nameserver() as ns:
        agent = run_agent('listener')
        homes = [ns.addr(), address_of(ns.lookup('listener'))]
        answers = stranger(*(said(home, text) for home in homes for text in pyro_messages(stolen)))
        assert not stolen.exists()
        assert len(answers) == 4
        for answer in map(bytes.fromhex, answers):
            # Nothing at all, or a refusal in words that people with Pyro4 can read.
            assert not answer or b'osbrain.Proxy' in answer
        # ... and those who have the key are served as before.
        assert agent.ping() == 'pong'
        assert ns.agents() == ['listener']


def test_nothing_that_somebody_else_says_to_a_socket_that_reads_pickles_is_executed(open_folder, stranger):
    stolen = open_folder / 'stolen'
    with run_nameserver():
        agent = run_agent('listener', attributes={'heard': None})
        address = agent.bind('PULL', alias='in', transport='tcp', handler=hear)
        (answer,) = stranger(said(address.address, *zeromq_parts(stolen)))
        assert not stolen.exists()
        assert b'READY' not in bytes.fromhex(answer)
        talker = run_agent('talker')
        talker.connect(address, alias='out')
        talker.send('out', 'word')
        assert wait_agent_attr(agent, name='heard', value='word', timeout=LIMIT)


def said(address, *parts):
    return 'say', f'{address.host},{address.port},{"+".join(part.hex() for part in parts)}'


def address_of(uri):
    host, _, port = str(uri).rpartition('@')[2].rpartition(':')
    return SocketAddress(host, int(port))
