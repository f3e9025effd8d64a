"""The check that runs after every test must itself be shown to find what it looks for."""

import os
from pathlib import Path

pytest_plugins = ['pytester']

CONFTEST = Path(__file__).parents[1] / 'conftest.py'

HEADER = '''
import multiprocessing, os, subprocess, sys, tempfile, time
from pathlib import Path

def note(pid):
    Path('pids').open('a').write('%d\\n' % pid)

def sleeper(code='import time; time.sleep(60)', **kwargs):
    child = subprocess.Popen([sys.executable, '-c', code], **kwargs)
    note(child.pid)
    return child
'''


def lives(pid):
    """Tell whether there is such a process; a zombie has ended."""
    try:
        return Path('/proc/%d/stat' % pid).read_text().rpartition(')')[2].split()[0] not in 'ZX'
    except FileNotFoundError:
        return False


def run(pytester, body):
    """Run tests beside the real conftest, with less patience; return the result and noted ids."""
    pytester.makeconftest(CONFTEST.read_text() + '\nGRACE = 1.5\n')
    pytester.makepyfile(HEADER + body)
    result = pytester.runpytest_subprocess('-p', 'no:cacheprovider')
    pids = pytester.path / 'pids'
    return result, [int(line) for line in pids.read_text().split()] if pids.exists() else []


def test_a_test_that_leaves_something_fails_and_it_is_removed(pytester):
    """Children, a forked orphan, an IPC file, a temporary folder: all found, named, removed."""
    result, pids = run(
        pytester,
        '''
        def test_child():
            sleeper()

        def test_orphan_of_a_fork():
            if os.fork() == 0:
                if os.fork() == 0:
                    note(os.getpid())
                    time.sleep(60)
                os._exit(0)
            while not Path('pids').read_text().count('\\n') == 2:
                time.sleep(0.01)

        def test_stopped_child():
            os.kill(sleeper().pid, 19)

        def test_ipc_file():
            folder = Path(os.environ['XDG_RUNTIME_DIR'], '.osbrain_ipc')
            folder.mkdir()
            (folder / 'abc').touch()

        def test_temporary_folder():
            tempfile.mkdtemp(prefix='osbrain')

        def test_nothing_is_left_of_the_former_ones():
            assert not list(Path(tempfile.gettempdir()).glob('osbrain*'))
    '''.replace('\n        ', '\n'),
    )
    result.assert_outcomes(passed=6, errors=5)
    result.stdout.fnmatch_lines(['*the test left processes: {%d: *' % pids[0]])
    result.stdout.fnmatch_lines(['*the test left files: *.osbrain_ipc/abc*'])
    assert len(pids) == 3
    assert not [pid for pid in pids if lives(pid)]


def test_what_is_on_its_way_out_or_meant_to_stay_is_no_leak(pytester):
    """What ends soon, a zombie, a resource tracker and this worker's fork server are left alone."""
    result, _ = run(
        pytester,
        '''
        def test_ends_soon():
            sleeper('import time; time.sleep(0.3)')

        def test_zombie():
            if os.fork() == 0:
                os._exit(0)

        def test_resource_tracker():
            from multiprocessing import resource_tracker
            resource_tracker.ensure_running()

        def test_fork_server():
            global server
            code = 'import sys; sys.stdin.read()  # osbrain forkserver'
            server = sleeper(code, stdin=subprocess.PIPE)

        def test_fork_server_was_left_alone():
            assert server.poll() is None
    '''.replace('\n        ', '\n'),
    )
    result.assert_outcomes(passed=5)


def test_what_the_fork_server_forks_is_no_fork_server(pytester):
    """A left agent has the command line of its fork server, and is found all the same."""
    result, pids = run(
        pytester,
        '''
        def test_agent():
            server = sleeper(
                'import os, sys, time\\n'
                'pid = os.fork()\\n'
                'pid or time.sleep(60)\\n'
                'print(pid, flush=True)\\n'
                'sys.stdin.read()  # osbrain forkserver',
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            note(int(server.stdout.readline()))
    '''.replace('\n        ', '\n'),
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(['*the test left processes: {%d: *' % pids[1]])
    assert not lives(pids[1])


def test_the_worker_has_its_own_short_folders():
    """Two workers never share a folder, and socket paths stay below the limit of 107 bytes."""
    runtime, temporary = Path(os.environ['XDG_RUNTIME_DIR']), Path(os.environ['TMPDIR'])
    assert runtime.is_dir() and temporary.is_dir() and runtime.parent == temporary.parent
    assert os.environ['OSBRAIN_TEST_WORKER'] == runtime.parent.name
    assert len(str(runtime / '.osbrain_ipc' / ('0' * 32))) < 80
