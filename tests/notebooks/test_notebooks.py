"""Execute the notebooks in a real kernel, compare what they show, and see that no process outlives the kernel."""

import contextlib
import gc
import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / 'examples' / 'notebooks'
NOTEBOOKS = sorted(path.name for path in FOLDER.glob('*.ipynb'))
METADATA = {
    'kernelspec': {'display_name': 'Python 3', 'language': 'python', 'name': 'python3'},
    'language_info': {'name': 'python'},
}
MAY_FAIL = 'raises-exception'
MACHINE_PATH = re.compile(r'(?<![\w.<])/(home|root|tmp|usr|var|opt|Users|private)\b|\bipykernel_\d')

CELL_LIMIT = 60  # seconds; on an idle machine the slowest cell takes 4
END_LIMIT = 10  # seconds in which everything that a kernel has started must be gone

pytestmark = [
    # A whole notebook takes up to half a minute.
    pytest.mark.timeout(300),
    # Jupyter's clients leave sockets and event loops to the garbage collector.
    pytest.mark.filterwarnings('ignore::ResourceWarning'),
    pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning'),
]


@pytest.fixture(autouse=True)
def collected():
    """Have the garbage collected here, where its warnings are ignored, and not in somebody else's test."""
    yield
    gc.collect()


def test_all_three_are_here():
    """The notebooks that the manual promises exist."""
    assert NOTEBOOKS == ['patterns.ipynb', 'quick_start.ipynb', 'trading.ipynb']


def read(name):
    return nbformat.read(FOLDER / name, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == 'code']


# -- What is committed ----------------------------------------------------------------------------


@pytest.mark.parametrize('name', NOTEBOOKS)
def test_is_committed_as_it_was_executed_from_top_to_bottom(name):
    """Each code cell has been executed once, in order, and the notebook has kept what they showed."""
    cells = code_cells(read(name))
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell.outputs) for cell in cells) > len(cells) / 2


@pytest.mark.parametrize('name', NOTEBOOKS)
def test_says_where_it_fails(name):
    """A cell fails if it is tagged so, and only then."""
    for cell in code_cells(read(name)):
        failed = any(output.output_type == 'error' for output in cell.outputs)
        tagged = MAY_FAIL in cell.metadata.get('tags', [])
        assert failed == tagged, cell.source


@pytest.mark.parametrize('name', NOTEBOOKS)
def test_says_nothing_of_the_machine(name):
    """Neither the metadata nor the output tell when, where and by what the notebook was executed."""
    notebook = read(name)
    assert notebook.metadata == METADATA
    for cell in notebook.cells:
        assert not cell.metadata.keys() - {'tags'}
    for cell in code_cells(notebook):
        for output in cell.outputs:
            output.get('data', {}).pop('image/png', None)
        assert not MACHINE_PATH.search(json.dumps(cell.outputs)), cell.source


# -- What varies from run to run ------------------------------------------------------------------

# What is said in place of it -> where it stands. In this order.
VARYING = {
    '': r'\x1b\[[0-9;]*m',
    '[TIME]': r'\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\]',
    'ADDRESS': r"(?:(?:\b\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+\b)|\('127\.0\.0\.1', \d+\)",
    'OBJECT': r'\b0x[0-9a-f]+\b',
    'ID': r'\b(?:[0-9a-f]{32}|\d{16})\b',
    'SECONDS s': r'\b\d+(?:\.\d+)? s\b',
}
RECORD = re.compile(r'(?:DEBUG|INFO|WARNING|ERROR) \[TIME\] \((.+?)\): ')
OWN = 'the notebook'


def normal_lines(text):
    """Return the lines of *text* without what varies, tracebacks and drawn lines."""
    for instead, pattern in VARYING.items():
        text = re.sub(pattern, instead, text)
    # Which lines of the library an error has passed is not what a notebook tells; Python's versions
    # mark the places in them differently, too.
    text = re.sub(r'(?m)^\|.*\n?', '', text)
    text = re.sub(r'(?m)^Traceback \(most recent call last\):\n(?:[ \t]+.*\n)*', '', text)
    lines = (' '.join(line.split()) for line in text.splitlines())
    return [line for line in lines if re.search(r'\w', line)]


def by_source(text):
    """Map each agent, and the notebook itself, to its lines; how lines of several mix is arbitrary."""
    sources = {}
    for line in normal_lines(text):
        record = RECORD.match(line)
        sources.setdefault(record[1] if record else OWN, []).append(line)
    return sources


def digest(cell):
    """Return what a cell shows, for comparison with another run."""
    streams = {'stdout': '', 'stderr': ''}
    rest = []
    for output in cell.outputs:
        if output.output_type == 'stream':
            streams[output.name] += output.text
        elif output.output_type == 'error':
            rest.append(('error', output.ename, normal_lines(output.evalue)))
        else:
            text = normal_lines(output.data.get('text/plain', ''))
            rest.append((output.output_type, sorted(output.data), text))
    return {name: by_source(text) for name, text in streams.items()}, rest


def test_what_varies_is_left_out():
    """Moments, addresses, identifiers, durations and tracebacks do not count in a comparison."""
    first = (
        'INFO [2024-01-01 10:00:00.123456] (a): at 127.0.0.1:1234 after 0.5 s\n'
        'mine\x1b[0m\n|Traceback\n|  File "x"\n'
        'Traceback (most recent call last):\n  File "x"\n    f()\nOSError: b\n'
    )
    second = (
        'mine\n|Traceback\nOSError: b\n'
        'INFO [2025-01-01 10:00:00] (a): at 127.0.0.1:99 after 11 s\n'
    )
    assert by_source(first) == by_source(second)
    assert by_source(first) == {
        'a': ['INFO [TIME] (a): at ADDRESS after SECONDS s'],
        OWN: ['mine', 'OSError: b'],
    }
    assert by_source('other\n') != by_source('mine\n')


# -- Kernels --------------------------------------------------------------------------------------


@pytest.fixture
def environment(tmp_path):
    """The environment of a kernel: nobody's start-up files, nobody's history."""
    # A kernel that finds a variable of pytest's does not look at what its descriptors are given.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith('PYTEST')}
    return {**inherited, 'IPYTHONDIR': str(tmp_path / 'ipython')}


@pytest.fixture
def connection(tmp_path_factory):
    """Arguments that make a kernel manager talk over a file.

    With tcp a port is chosen by the manager and bound by the kernel a moment later, and agents of
    the tests that run beside may take it in between.
    """
    # The path of a unix socket must be short, and tmp_path is not.
    folder = Path(os.environ['XDG_RUNTIME_DIR'], f'kernel{time.monotonic_ns()}')
    folder.mkdir()
    return {
        'kernel_name': 'python3',
        'transport': 'ipc',
        'connection_file': str(folder / 'k.json'),
    }


class Kernel:
    """A running kernel and what its cells show."""

    def __init__(self, connection, environment, folder=FOLDER):
        self.manager = KernelManager(**connection)
        self.manager.start_kernel(env=environment, cwd=str(folder))
        self.client = None
        self.connect()

    def connect(self):
        """Talk to the kernel, which is new or was restarted."""
        self.disconnect()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=CELL_LIMIT)

    def disconnect(self):
        if self.client is not None:
            self.client.stop_channels()

    @property
    def process(self):
        return psutil.Process(self.manager.provisioner.pid)

    def started(self):
        """Everything that the kernel has started and that lives."""
        return self.process.children(recursive=True)

    def run(self, source, may_fail=False):
        """Execute a cell; return its text output and the name of the error it has raised."""
        text, errors = [], []

        def show(message):
            content = message['content']
            if message['msg_type'] == 'stream':
                text.append(content['text'])
            elif message['msg_type'] == 'execute_result':
                text.append(content['data']['text/plain'])
            elif message['msg_type'] == 'error':
                errors.append(content['ename'])

        reply = self.client.execute_interactive(source, timeout=CELL_LIMIT, output_hook=show)
        failed = reply['content']['status'] == 'error'
        assert may_fail or not failed, reply['content']
        return ''.join(text), reply['content'].get('ename')


@pytest.fixture
def kernel(connection, environment):
    """A kernel, ended after the test."""
    kernel = Kernel(connection, environment)
    yield kernel
    kernel.disconnect()
    kernel.manager.shutdown_kernel(now=True)
    # The manager ends whole process groups by signals: nobody is left to remove the files of sockets.
    for file in ipc_files():
        file.unlink(missing_ok=True)


def ipc_files():
    return list((Path(os.environ['XDG_RUNTIME_DIR']) / '.osbrain_ipc').glob('*'))


def assert_gone(processes):
    """All of *processes* end within END_LIMIT seconds."""
    _, alive = psutil.wait_procs(processes, timeout=END_LIMIT)
    left = []
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                left.append(process.cmdline())
                process.kill()
    assert not left


# -- The notebooks, executed ----------------------------------------------------------------------


def cleaned(notebook):
    """Take what tells of this machine and this moment out of an executed *notebook*."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in code_cells(notebook):
        cell.metadata.pop('execution', None)
        for output in cell.outputs:
            if output.output_type == 'stream':
                output.text = without_paths(output.text)
            elif output.output_type == 'error':
                output.evalue = without_paths(output.evalue)
                output.traceback = [without_paths(text) for text in output.traceback]
    return notebook


def without_paths(text):
    """Name cells and files as everybody knows them."""
    text = re.sub(r'[^\s"]*/ipykernel_\d+/\d+\.py', '<cell>', text)
    text = re.sub(r'[^\s"(]*/\.osbrain_ipc/', '~/.osbrain_ipc/', text)
    for folder in (ROOT, sys.prefix, sys.base_prefix):
        text = text.replace(f'{folder}{os.sep}', '')
    return text


@pytest.mark.parametrize('name', NOTEBOOKS)
def test_shows_what_is_committed(name, connection, environment, refresh):
    """From top to bottom, in a new kernel, each cell shows and raises what the notebook has of it."""
    committed, fresh = read(name), read(name)
    client = NotebookClient(
        fresh,
        km=AsyncKernelManager(**connection),
        timeout=CELL_LIMIT,
        allow_errors=True,
        record_timing=False,
        coalesce_streams=True,
        resources={'metadata': {'path': str(FOLDER)}},
    )
    client.owns_km = True  # so that it ends the kernel too
    client.execute(env=environment)
    fresh = cleaned(fresh)
    if refresh:
        nbformat.write(fresh, FOLDER / name)
        return
    for cell, before in zip(code_cells(fresh), code_cells(committed)):
        assert digest(cell) == digest(before), cell.source


@pytest.mark.parametrize('name', NOTEBOOKS)
def test_restarting_in_the_middle_leaves_no_process(name, kernel):
    """A restart ends the agents that the cells so far have started; then the cells run again."""
    first = []
    for cell in code_cells(read(name)):
        kernel.run(cell.source, may_fail=MAY_FAIL in cell.metadata.get('tags', []))
        first.append(cell)
        if len(kernel.started()) >= 4:  # the fork server, the name server and two agents
            break
    else:
        pytest.fail('no two agents at a time')
    before = [kernel.process, *kernel.started()]
    kernel.manager.restart_kernel()
    assert_gone(before)
    kernel.connect()
    for cell in first:
        kernel.run(cell.source, may_fail=MAY_FAIL in cell.metadata.get('tags', []))
    assert len(kernel.started()) >= 4


# -- What people do in notebooks ------------------------------------------------------------------

START = '''
import os, time
from osbrain import Agent, run_agent, run_nameserver

class Parent(Agent):
    def have_child(self):
        run_agent('child')

    def doze(self):
        time.sleep(600)

ns = run_nameserver()
parent = run_agent('parent', base=Parent)
parent.have_child()
busy = run_agent('busy', base=Parent)
busy.after(0, 'doze')
'''
STARTED = 5  # the fork server, the name server, three agents


@pytest.mark.parametrize(
    'end',
    [
        lambda kernel: kernel.manager.shutdown_kernel(),
        lambda kernel: kernel.manager.shutdown_kernel(now=True),
        lambda kernel: kernel.manager.restart_kernel(),
        lambda kernel: kernel.manager.restart_kernel(now=True),
        lambda kernel: kernel.process.send_signal(signal.SIGKILL),
        lambda kernel: kernel.process.send_signal(signal.SIGTERM),
    ],
    ids=['shutdown', 'shutdown-now', 'restart', 'restart-now', 'killed', 'terminated'],
)
def test_no_process_outlives_its_kernel(end, kernel):
    """However a kernel ends, what was started in it ends too: also a busy agent, and an agent's agents."""
    kernel.run(START)
    processes = [kernel.process, *kernel.started()]
    assert len(processes) == 1 + STARTED
    end(kernel)
    assert_gone(processes)


def test_shutting_down_is_not_held_up(kernel):
    """A kernel whose agents were shut down ends as soon as it is asked to."""
    kernel.run(START + '\nbusy.kill()\nns.shutdown()')
    began = time.monotonic()
    kernel.manager.shutdown_kernel()
    # After 2.5 seconds the manager loses its patience and sends signals.
    assert time.monotonic() - began < 2


def interrupt_when(kernel, condition):
    """Interrupt *kernel*, as the stop button does, once *condition* is true."""

    def watch():
        deadline = time.monotonic() + CELL_LIMIT
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.05)
        kernel.manager.interrupt_kernel()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.mark.parametrize('body', ['time.sleep(600)', 'parent.doze()'])
def test_interrupting_a_cell_ends_the_agents(body, kernel, tmp_path):
    """The stop button interrupts the cell at once, whatever it waits for, and with it the agents."""
    kernel.run(START)
    agents = [process for process in kernel.started() if process.ppid() != kernel.process.pid]
    assert len(agents) == STARTED - 1
    mark = tmp_path / 'mark'
    thread = interrupt_when(kernel, mark.exists)
    began = time.monotonic()
    _, error = kernel.run(f'open({str(mark)!r}, "w").close()\n{body}', may_fail=True)
    thread.join()
    assert error == 'KeyboardInterrupt'
    assert time.monotonic() - began < END_LIMIT
    assert_gone(agents)
    text, _ = kernel.run(START + '\nprint(sorted(ns.agents()))\nns.shutdown()')
    assert "['busy', 'child', 'parent']" in text


def test_interrupting_a_block_ends_it_by_the_interrupt(kernel, tmp_path):
    """A cell with a name server for itself ends by the interrupt too, and by no other error."""
    mark = tmp_path / 'mark'
    thread = interrupt_when(kernel, mark.exists)
    source = f'''
import time
from osbrain import run_agent, run_nameserver

with run_nameserver():
    run_agent('a')
    open({str(mark)!r}, 'w').close()
    time.sleep(600)
'''
    _, error = kernel.run(source, may_fail=True)
    thread.join()
    assert error == 'KeyboardInterrupt'


def test_what_an_agent_says_appears_in_the_cell(kernel):
    """Prints, log and errors of agents are in the output of the cell that has them say it and waits."""
    text, _ = kernel.run('''
import sys, time
from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr

def speak(agent):
    print('a print')
    print('a complaint', file=sys.stderr)
    agent.log_info('a record')
    agent.log_error('an error')

def speak_later(agent):
    agent.log_info('a late record')
    agent.done = True

with run_nameserver():
    agent = run_agent('speaker', attributes={'done': False})
    agent.execute_as_method(speak)
    agent.after(0.5, speak_later)
    wait_agent_attr(agent, 'done', value=True)
time.sleep(0.5)
''')
    for said in ('a print', 'a complaint', '(speaker): a record', '(speaker): an error', 'a late record'):
        assert said in text


def test_running_a_cell_again(kernel):
    """A cell that starts its system by 'with' runs any number of times; a name is given once."""
    cell = "with run_nameserver():\n    print(run_agent('a').ping())"
    kernel.run('from osbrain import run_agent, run_nameserver')
    for _ in range(3):
        assert kernel.run(cell)[0].strip() == 'pong'
    kernel.run("ns = run_nameserver()\na = run_agent('a')")
    assert kernel.run("a = run_agent('a')", may_fail=True)[1] == 'StartFailed'
    assert kernel.run('a.ping()')[0] == "'pong'"


def test_definitions_of_later_cells(kernel):
    """Agents have what was defined when they started; those started later have the new definition."""
    kernel.run('''
from osbrain import Agent, run_agent, run_nameserver

ns = run_nameserver()

class Greeter(Agent):
    def greet(self):
        return f'old {word}'

word = 'first'
old = run_agent('old', base=Greeter)
''')
    kernel.run('''
word = 'second'
renamed = run_agent('renamed', base=Greeter)

class Greeter(Agent):
    def greet(self):
        return f'new {word}'

new = run_agent('new', base=Greeter)
''')
    text, _ = kernel.run('old.greet(), renamed.greet(), new.greet()')
    assert text == "('old first', 'old second', 'new second')"


def test_classes_of_cells_in_messages(kernel):
    """Messages of classes that a cell has defined before arrive as such, also with the default serializer."""
    text, _ = kernel.run('''
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple
from osbrain import run_agent, run_nameserver
from osbrain.helper import wait_agent_attr

class Order(NamedTuple):
    symbol: str

@dataclass
class Quote:
    bid: float

class Side(Enum):
    BUY = 1

with run_nameserver():
    sender, receiver = run_agent('s'), run_agent('r', attributes={'received': []})
    factor = 2
    handler = lambda agent, message: agent.received.extend([message] * factor)
    sender.connect(receiver.bind('PULL', handler=handler), alias='r')
    for message in (Order('ACME'), Quote(99.5), Side.BUY):
        sender.send('r', message)
    wait_agent_attr(receiver, 'received', length=6)
    print(receiver.received)
    print([type(one).__module__ for one in receiver.received[::2]])
    print([type(one) is kind for one, kind in zip(receiver.received[::2], (Order, Quote, Side))])
''')
    lines = text.splitlines()
    assert lines[0].startswith("[Order(symbol='ACME'), Order(symbol='ACME'), Quote(bid=99.5), ")
    assert lines[1] == "['__main__', '__main__', '__main__']"
    assert lines[2] == '[True, True, True]'
