"""What `import osbrain` gives, what it takes from the environment, and what it leaves alone."""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import osbrain

EXPORTED = {
    'osbrain': '''
        Agent AgentAddress AgentProcess Logger NSProxy NameServer Proxy SocketAddress __version__
        config run_agent run_logger run_nameserver''',
    'osbrain.address': '''
        AgentAddress AgentAddressKind AgentAddressRole AgentAddressSerializer
        AgentAddressTransport AgentChannel AgentChannelKind SocketAddress address_to_host_port
        guess_kind''',
    'osbrain.agent': '''
        Agent AgentProcess TOPIC_SEPARATOR compose_message deserialize_message
        execute_code_after_yield run_agent serialize_message''',
    'osbrain.common': '''
        LogLevel after format_exception format_method_exception get_linger repeat
        topic_to_bytes topics_to_bytes unbound_method unique_identifier validate_handler''',
    'osbrain.helper': '''
        agent_dies attribute_match_all last_received_endswith logger_received
        regex_count_in_list sync_agent_logger wait_agent_attr wait_agent_condition
        wait_condition''',
    'osbrain.logging': 'Logger pyro_log run_logger',
    'osbrain.nameserver': '''
        NameServer NameServerProcess random_nameserver_process run_nameserver''',
    'osbrain.proxy': 'NSProxy Proxy locate_ns',
}


@pytest.fixture
def fresh():
    """Run code in a fresh interpreter whose folders are all new; return its variable `result`."""
    # Socket paths are limited to 107 bytes: tmp_path is too long for them.
    root = tempfile.TemporaryDirectory(prefix='p')
    folders = {name: Path(root.name, name) for name in ('home', 'run', 'tmp', 'cwd')}
    for folder in folders.values():
        folder.mkdir()

    def run(code, **env):
        variables = {name: value for name, value in os.environ.items() if not name.startswith(('OSBRAIN', 'PYRO'))}
        variables.update(HOME=str(folders['home']), TMPDIR=str(folders['tmp']), PYTHONDONTWRITEBYTECODE='1')
        variables['XDG_RUNTIME_DIR'] = str(folders['run'])
        variables.update(env)
        done = subprocess.run(
            [sys.executable, '-c', code + '\nimport json\nprint(json.dumps(result))'],
            env={name: value for name, value in variables.items() if value is not None},
            cwd=str(folders['cwd']),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        assert done.stderr == ''
        return json.loads(done.stdout)

    run.folders = folders
    with root:
        yield run


CONFIG = '''
import osbrain
result = {key: str(value) if key == 'IPC_DIR' else value for key, value in osbrain.config.items()}
'''


def test_every_module_has_its_names():
    for module, names in EXPORTED.items():
        for name in names.split():
            assert hasattr(importlib.import_module(module), name), '%s.%s' % (module, name)
    assert isinstance(osbrain.__version__, str) and osbrain.__version__[0].isdigit()


def test_the_package_and_its_modules_show_the_same_objects():
    for name in EXPORTED['osbrain'].split():
        for module, names in EXPORTED.items():
            if name in names.split():
                assert getattr(importlib.import_module(module), name) is getattr(osbrain, name)


def test_submodules_come_with_the_package(fresh):
    code = 'import osbrain\nresult = [name for name in %r if hasattr(osbrain, name)]'
    names = ['address', 'agent', 'common', 'logging', 'nameserver', 'proxy']
    assert fresh(code % names) == names


def test_config_defaults(fresh):
    folder = fresh.folders['run'] / '.osbrain_ipc'
    assert (
        fresh(CONFIG).items()
        >= {
            'SAFE': True,
            'SERIALIZER': 'pickle',
            'LINGER': 1.0,
            'TRANSPORT': 'ipc',
            'IPC_DIR': str(folder),
        }.items()
    )
    assert fresh(CONFIG, XDG_RUNTIME_DIR=None)['IPC_DIR'] == str(fresh.folders['home'] / '.osbrain_ipc')


def test_config_is_a_dict_with_a_path_in_it():
    assert isinstance(osbrain.config, dict)
    assert type(osbrain.config['LINGER']) is float
    assert isinstance(osbrain.config['IPC_DIR'], Path)


@pytest.mark.parametrize(
    'variable, text, key, value',
    [
        ('OSBRAIN_DEFAULT_SAFE', 'false', 'SAFE', False),
        ('OSBRAIN_DEFAULT_SAFE', 'False', 'SAFE', True),
        ('OSBRAIN_DEFAULT_SAFE', '0', 'SAFE', True),
        ('OSBRAIN_DEFAULT_SAFE', '', 'SAFE', True),
        ('OSBRAIN_DEFAULT_SERIALIZER', 'json', 'SERIALIZER', 'json'),
        ('OSBRAIN_DEFAULT_LINGER', '2', 'LINGER', 2.0),
        ('OSBRAIN_DEFAULT_LINGER', '-.5', 'LINGER', -0.5),
        ('OSBRAIN_DEFAULT_TRANSPORT', 'tcp', 'TRANSPORT', 'tcp'),
    ],
)
def test_the_environment_sets_defaults(fresh, variable, text, key, value):
    changed, plain = fresh(CONFIG, **{variable: text}), fresh(CONFIG)
    assert changed[key] == value and type(changed[key]) is type(value)
    del changed[key], plain[key]
    assert changed == plain


def test_a_linger_that_is_no_number_fails_the_import(fresh):
    with pytest.raises(RuntimeError, match=r'ValueError.*soon'):
        fresh('import osbrain', OSBRAIN_DEFAULT_LINGER='soon')


def test_config_is_read_when_it_is_used(fresh):
    """What a program assigns after the import decides about the next bind and the next close."""
    code = '''
import osbrain
from osbrain.common import get_linger
from pathlib import Path
agent, result = osbrain.Agent(), []
for serializer, transport in [('json', 'inproc'), ('dill', 'tcp'), ('raw', 'ipc')]:
    osbrain.config.update(SERIALIZER=serializer, TRANSPORT=transport, IPC_DIR=Path.cwd())
    address = agent.bind('PUSH')
    result += [[address.serializer, address.transport]]
result += [address.address.parent == Path.cwd(), address.address.exists()]
agent.close_all()
osbrain.config['LINGER'] = 0.25
result += [get_linger()]
'''
    assert fresh(code) == [['json', 'inproc'], ['dill', 'tcp'], ['raw', 'ipc'], True, True, 250]


def test_the_folder_for_ipc_is_there_for_the_first_bind(fresh):
    code = '''
import osbrain
agent = osbrain.Agent()
address = agent.bind('PUSH', transport='ipc').address
result = [str(address.parent), address.exists()]
agent.close_all()
result += [address.exists()]
'''
    runtime = fresh.folders['run'] / 'deeper' / 'down'
    assert fresh(code, XDG_RUNTIME_DIR=str(runtime)) == [str(runtime / '.osbrain_ipc'), True, False]


@pytest.mark.new
def test_the_folder_for_ipc_is_its_owners_alone(fresh):
    fresh('''
import os, osbrain
os.umask(0)
agent = osbrain.Agent()
agent.bind('PUSH', transport='ipc')
agent.close_all()
result = None
''')
    assert (fresh.folders['run'] / '.osbrain_ipc').stat().st_mode & 0o777 == 0o700


def test_import_sets_what_programs_expect_of_pyro(fresh):
    code = '''
import osbrain, Pyro4
config = Pyro4.config
result = dict(
    serializer=config.SERIALIZER, accepted=sorted(config.SERIALIZERS_ACCEPTED),
    server=config.SERVERTYPE,
    expose=config.REQUIRE_EXPOSE, timeout=config.COMMTIMEOUT, detailed=config.DETAILED_TRACEBACK)
'''
    result = fresh(code)
    assert {'pickle', 'cloudpickle', 'dill'} <= set(result.pop('accepted'))
    assert result == {
        'serializer': 'cloudpickle',
        'server': 'thread',
        'expose': False,
        'timeout': 0,
        'detailed': True,
    }


def test_import_leaves_the_environment_alone(fresh):
    code = 'import os\nbefore = dict(os.environ)\nimport osbrain\nresult = dict(os.environ) == before'
    assert fresh(code) is True


@pytest.mark.new
def test_import_creates_no_file_and_starts_no_thread(fresh):
    """Nor does it touch how the program treats signals and failures."""
    code = '''
import os, signal, sys, threading
signals = {number: signal.getsignal(number) for number in signal.valid_signals()}
hooks = sys.excepthook, threading.excepthook, os.getcwd()
import osbrain
result = [
    threading.active_count(),
    len(os.listdir('/proc/self/task')) if os.path.isdir('/proc/self/task') else 1,
    signals == {number: signal.getsignal(number) for number in signal.valid_signals()},
    hooks == (sys.excepthook, threading.excepthook, os.getcwd()),
]
'''
    assert fresh(code) == [1, 1, True, True]
    assert [path for folder in fresh.folders.values() for path in folder.rglob('*')] == []


@pytest.mark.new
def test_packages_of_extras_are_imported_when_they_are_used(fresh):
    """Not even the command line, which has verbs for them, and the doors behind those."""
    code = '''
import sys
import osbrain, osbrain.cli, osbrain.recording
result = sorted({'mcap', 'zstandard', 'lz4', 'cryptography'} & set(sys.modules))
'''
    assert fresh(code) == []
