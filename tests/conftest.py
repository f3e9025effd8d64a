"""Give each test worker folders of its own, and see that no test leaves a process or a file."""

import atexit
import contextlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest

# Every process that a test starts can be told from the rest of the machine by one of two things
# that it inherits: this environment variable if it was started by exec, the open file MARK_FILE if
# it was only forked (/proc/PID/environ shows the environment of the last exec, so that a forked
# child does not show the variable).
MARK = 'OSBRAIN_TEST_WORKER'
GRACE = 5.0  # seconds that a process on its way out, and the file it removes, may still take


def _own_folders():
    """Send what this worker's tests write to a new folder; return it."""
    # pytest keeps its own folders for failed tests where it always does.
    os.environ.setdefault('PYTEST_DEBUG_TEMPROOT', tempfile.gettempdir())
    # A unix socket path may have 107 bytes: stay near the root. The controller of xdist has
    # a folder of its own; nesting the workers' into it would only make them longer.
    root = Path(tempfile.mkdtemp(prefix='ob', dir='/tmp' if Path('/tmp').is_dir() else None))
    for variable, folder in (
        ('XDG_RUNTIME_DIR', root / 'run'),
        ('XDG_CONFIG_HOME', root / 'config'),
        ('TMPDIR', root / 'tmp'),
    ):
        folder.mkdir(mode=0o700)
        os.environ[variable] = str(folder)
    # Whoever runs the tests has a key, and perhaps settings, of their own.
    for variable in ('OSBRAIN_KEY_FILE', 'OSBRAIN_SECURITY', 'OSBRAIN_ALLOW_PICKLE'):
        os.environ.pop(variable, None)
    tempfile.tempdir = None
    os.environ[MARK] = root.name
    return root


def _hear_signals():
    """Undo what ``nohup`` and jobs in the background of a script pass on to every process of the tests."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


_hear_signals()

# At import: osbrain reads XDG_RUNTIME_DIR when it is imported, which other conftest files do.
ROOT = _own_folders()
WORKER = os.getpid()
MARK_FILE = ROOT / 'mark'
_mark = MARK_FILE.open('w')


# Not pytest_unconfigure alone: that is left out when another conftest cannot be imported.
@atexit.register
def pytest_unconfigure():
    """Remove the folders, once, and in no process that was forked from this one."""
    if os.getpid() == WORKER:
        _mark.close()
        shutil.rmtree(ROOT, ignore_errors=True)


def pytest_configure(config):
    config.addinivalue_line('markers', 'new: differs from osBrain 0.6.5 on purpose')


def wait_for(condition):
    """Look at *condition* until it is true or GRACE seconds are over; return its last value."""
    deadline = time.monotonic() + GRACE
    value = condition()
    while not value and time.monotonic() < deadline:
        time.sleep(0.02)
        value = condition()
    return value


def _is_ours(process):
    if f'{MARK}={ROOT.name}'.encode() in (process / 'environ').read_bytes().split(b'\0'):
        return True
    mark = str(MARK_FILE)
    for descriptor in (process / 'fd').iterdir():
        try:
            if str(descriptor.readlink()) == mark:
                return True
        except OSError:  # closed since it was listed
            continue
    return False


def _may_stay(cmdline, state, parent):
    """Tell zombies, multiprocessing's resource tracker and this worker's own fork server."""
    if state in 'ZX' or 'multiprocessing.resource_tracker' in cmdline:
        return True
    # What the fork server forks has the same command line, so that the parent has to decide.
    return 'osbrain' in cmdline and 'forkserver' in cmdline and parent == os.getpid()


def descendants():
    """Map the id of each living process that tests of this worker started to its command line."""
    found = {}
    for process in Path('/proc').glob('[0-9]*'):
        if process.name == str(os.getpid()):
            continue
        try:
            if not _is_ours(process):
                continue
            state, parent = (process / 'stat').read_text().rpartition(')')[2].split()[:2]
            cmdline = (process / 'cmdline').read_bytes().replace(b'\0', b' ').decode(errors='replace')
        except OSError:  # somebody else's, or gone since it was listed
            continue
        if not _may_stay(cmdline, state, int(parent)):
            found[int(process.name)] = cmdline.strip()
    return found


def written():
    """Paths of this worker's IPC files and of what osbrain put among the temporary files."""
    ipc = Path(os.environ['XDG_RUNTIME_DIR'], '.osbrain_ipc').rglob('*')
    return {*ipc, *Path(tempfile.gettempdir()).glob('osbrain*')}


def _end(processes):
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not processes.keys() & descendants().keys())


def _remove(paths):
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.is_symlink() or path.exists():
            path.unlink()


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Fail a test after which there are processes or files that were not there before it."""
    folder, temporary = os.environ['XDG_RUNTIME_DIR'], tempfile.gettempdir()
    processes_before, paths_before = descendants().keys(), written()
    yield
    assert (os.environ['XDG_RUNTIME_DIR'], tempfile.gettempdir()) == (folder, temporary)

    def left():
        return {pid: line for pid, line in descendants().items() if pid not in processes_before}

    wait_for(lambda: not left() and not written() - paths_before)
    processes, paths = left(), written() - paths_before
    _end(processes)
    _remove(paths)
    assert not processes, f'the test left processes: {processes}'
    assert not paths, f'the test left files: {sorted(map(str, paths))}'
