"""How agents come to life: what travels to the new process, when it is there, how a start fails."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import Pyro4
import pytest

from osbrain import Agent, AgentProcess, NSProxy, Proxy, SocketAddress, run_agent, run_nameserver
from osbrain.helper import agent_dies, wait_agent_attr, wait_condition
from tests.ports import free_port

START_METHODS = ('fork', 'forkserver', 'spawn')
HAND_OVERS = [None] + [pytest.param(method, marks=pytest.mark.new) for method in START_METHODS]


@pytest.fixture(params=HAND_OVERS)
def start_method(request, monkeypatch):
    """Each way of starting processes, and the default; ask for it before the name server."""
    if request.param:
        monkeypatch.setenv('OSBRAIN_START_METHOD', request.param)
    return request.param


@contextmanager
def lasts(least, most):
    """The block takes from *least* to *most* seconds."""
    start = time.monotonic()
    yield
    assert least <= time.monotonic() - start <= most


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def taken():
    """A socket that listens, as a context manager."""
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(1)
    return listener


def is_alive(pid):
    """Tell whether there is such a process; a zombie has ended."""
    try:
        stat = Path('/proc/%d/stat' % pid).read_text()
        return stat.rpartition(')')[2].split()[0] not in 'ZX'
    except FileNotFoundError:
        return False


def run_script(folder, text, **env):
    """Run *text* as a program of its own; return its standard output as lines, and the rest."""
    script = folder / 'program.py'
    script.write_text(textwrap.dedent(text))
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=dict(os.environ, **env),
    )
    return done.stdout.splitlines(), done


# AgentProcess


def test_an_agent_process_knows_its_arguments_before_it_starts():
    process = AgentProcess('a0', nsaddr='127.0.0.1:1', addr='127.0.0.1:1234', attributes={'x': 1})
    assert (process.name, process.port, process.attributes) == ('a0', 1234, {'x': 1})
    assert str(process.nsaddr) == '127.0.0.1:1'
    assert isinstance(process, multiprocessing.process.BaseProcess)
    assert process.daemon is False and not process.is_alive()


@pytest.mark.parametrize('addr', ['127.0.0.1:http', '127.0.0.1:', 1.234, b'127.0.0.1:1'])
def test_a_malformed_address_fails_in_the_constructor(addr):
    with pytest.raises(ValueError):
        AgentProcess('a0', addr=addr)


def test_start_returns_the_name_of_an_agent_that_is_there_but_does_not_run(nsproxy):
    """It is registered and answers what need not run; it can be run once somebody asks for it."""
    process = AgentProcess('a0')
    assert process.start() == 'a0'
    assert process.is_alive() and nsproxy.agents() == ['a0']
    agent = Proxy('a0')
    assert agent.is_running() is False and agent.get_attr('_running') is False
    assert agent.unsafe.ping() == 'pong' and agent.get_attr('name') == 'a0'
    assert agent.unsafe.execute_as_function(os.getpid) == process.pid
    for call in (agent.safe.ping, lambda: agent.safe.set_attr(x=1)):
        with pytest.raises(RuntimeError, match='Agent must be running'):
            call()
    agent.run()
    agent.wait_for_running()
    assert agent.safe.ping() == 'pong' and agent.is_running() and agent.get_attr('_running') is True
    agent.shutdown()
    process.join(5)
    assert not process.is_alive() and process.exitcode == 0 and nsproxy.agents() == []


def test_start_may_be_called_from_a_thread(nsproxy):
    names = []
    starters = [threading.Thread(target=lambda: names.append(AgentProcess().start())) for _ in range(3)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join(10)
    assert len(set(names)) == 3 and sorted(nsproxy.agents()) == sorted(names)


@pytest.mark.parametrize('form', [lambda port: SocketAddress('127.0.0.1', port), '127.0.0.1:{}'.format])
def test_the_address_fixes_where_the_agent_listens(nsproxy, form):
    """Its host is that of its tcp sockets too; the port is free again once the agent has gone."""
    port = free_port()
    for _ in range(2):
        agent = run_agent('a0', addr=form(port), transport='tcp')
        assert nsproxy.list()['a0'].endswith('@127.0.0.1:%d' % port)
        assert agent.get_attr('_host') == '127.0.0.1'
        assert agent.bind('PUSH').address.host == '127.0.0.1'
        agent.shutdown()
        assert agent_dies('a0', nsproxy)


def test_without_an_address_agents_listen_on_ports_of_their_own(nsproxy):
    for name in ('a0', 'a1'):
        run_agent(name)
    uris = [nsproxy.lookup(name) for name in ('a0', 'a1')]
    assert uris[0].port != uris[1].port
    assert all(socket.gethostbyname(uri.host) == '127.0.0.1' for uri in uris)


# run_agent


def test_run_agent_returns_a_proxy_to_a_running_agent(nsproxy):
    """Its arguments may be given by position; the mode of the proxy is the one asked for."""

    class Base(Agent):
        def hello(self):
            return 'hello from %s' % self.name

    agent = run_agent('a0', nsproxy.addr(), '127.0.0.1:%d' % free_port(), Base)
    assert isinstance(agent, Proxy) and agent.is_running() and agent.hello() == 'hello from a0'
    assert run_agent('a1', str(nsproxy.addr()), safe=False)._default_safe is False
    named = run_agent(
        name='a2',
        nsaddr=None,
        addr=None,
        base=Base,
        serializer='json',
        transport='tcp',
        safe=True,
        attributes={'x': 1},
    )
    address = named.bind('PUSH')
    assert (address.serializer, address.transport, named.get_attr('x')) == ('json', 'tcp', 1)
    assert (named.get_attr('_serializer'), named.get_attr('_transport')) == ('json', 'tcp')


def test_agents_without_a_name_get_one(nsproxy):
    """A unique text, in the attribute and in the name server alike."""
    agents = [run_agent() for _ in range(3)]
    names = [agent.get_attr('name') for agent in agents]
    assert all(isinstance(name, str) and name for name in names)
    assert sorted(names) == sorted(nsproxy.agents()) and len(set(names)) == 3
    assert len({agent.get_attr('_uuid') for agent in agents}) == 3


def test_the_order_of_events_at_a_start(nsproxy):
    """Attributes, on_init in the new process, registration, before_loop."""

    class Base(Agent):
        def on_init(self):
            self.events = [('on_init', os.getpid(), self.x, NSProxy().agents(), self.is_running())]
            self.address = self.bind('PUSH', alias='out')

        def before_loop(self):
            self.events.append(('before_loop', os.getpid(), self.x, NSProxy().agents(), self.is_running()))

    agent = run_agent('a0', base=Base, attributes={'x': 1})
    pid = agent.execute_as_function(os.getpid)
    assert pid != os.getpid()
    assert agent.get_attr('events') == [
        ('on_init', pid, 1, [], False),
        ('before_loop', pid, 1, ['a0'], True),
    ]
    assert agent.addr('out') == agent.get_attr('address')


def test_a_run_that_starts_late_is_waited_for(nsproxy):
    class Late(Agent):
        @Pyro4.oneway
        def run(self):
            time.sleep(1)
            super().run()

    with lasts(1, 3):
        agent = run_agent('a0', base=Late)
    assert agent.is_running() and agent.ping() == 'pong'


def test_a_run_that_never_starts_is_a_timeout_and_the_process_lives_on(nsproxy):
    class Never(Agent):
        @Pyro4.oneway
        def run(self):
            pass

    with lasts(3, 8), pytest.raises(TimeoutError, match='Timed out while waiting for the agent to be running'):
        run_agent('a0', base=Never)
    assert nsproxy.agents() == ['a0']
    assert Proxy('a0').unsafe.ping() == 'pong' and not Proxy('a0').is_running()


@pytest.mark.new
def test_an_overridden_run_need_not_be_declared_one_way(nsproxy):
    class Plain(Agent):
        def run(self):
            self.ran = True
            super().run()

    with lasts(0, 2):
        agent = run_agent('a0', base=Plain)
    assert agent.get_attr('ran') is True and agent.ping() == 'pong'


def test_a_program_may_change_the_size_of_the_thread_pool(nsproxy, monkeypatch):
    monkeypatch.setattr(Pyro4.config, 'THREADPOOL_SIZE', 4)
    agents = [run_agent('a%d' % number, attributes={'received': []}) for number in range(3)]
    address = agents[0].bind('PULL', handler=lambda agent, message: agent.received.append(message))
    for agent in agents[1:]:
        agent.connect(address, alias='out')
        agent.send('out', 'x')
    assert wait_agent_attr(agents[0], value=['x', 'x'])


# What travels


def module_level(agent):
    return 'module level, %s' % agent.name


def test_attributes_and_bases_full_of_lambdas_and_closures_travel(start_method, nsproxy):
    """A base may be defined in a function and close over anything; so may attributes."""
    offset, table = 10, {'double': lambda value: 2 * value}

    class Parent(Agent):
        plus = staticmethod(lambda value: value + offset)

        def double(self, value):
            return table['double'](value)

    class Child(Parent):
        def on_init(self):
            self.seen = [
                self.plus(self.start),
                self.double(self.start),
                self.action(self.start),
                Child.__name__,
            ]
            self.bind(
                'PULL',
                alias='in',
                handler=lambda agent, message: agent.seen.append(table['double'](message)),
            )

        def double(self, value):
            return super().double(value) + offset

    attributes = {
        'start': 1,
        'action': lambda value: value - offset,
        'helpers': [module_level, table],
    }
    agent = run_agent('a0', base=Child, attributes=attributes)
    assert agent.get_attr('seen') == [11, 12, -9, 'Child']
    assert agent.double(5) == 20 and agent.plus(1) == 11
    assert agent.execute_as_method(lambda self: self.helpers[0](self)) == 'module level, a0'
    assert agent.execute_as_method(lambda self: self.helpers[1]['double'](4)) == 8
    agent.set_method(late=lambda self, value: table['double'](value) + offset)
    assert agent.late(1) == 12
    sender = run_agent('a1')
    sender.connect(agent.addr('in'), alias='out')
    sender.send('out', 21)
    assert wait_agent_attr(agent, 'seen', endswith=[42])


def test_agents_run_agents_from_inside_a_handler(start_method, nsproxy):
    """A child process of an agent's is an agent like any other."""

    class Parent(Agent):
        def on_init(self):
            self.bind('REP', alias='orders', handler='obey')

        def obey(self, name):
            agent = run_agent(name, base=type(self))
            return agent.execute_as_function(os.getpid), os.getpid(), agent.addr('orders')

    first = run_agent('first', base=Parent)
    customer = run_agent('customer')
    orders, pids = first.addr('orders'), set()
    for generation in ('second', 'third'):
        customer.connect(orders, alias=generation)
        child, parent, orders = customer.send_recv(generation, generation)
        assert child != parent
        pids |= {child, parent}
    assert len(pids) == 3 and set(nsproxy.agents()) == {'first', 'second', 'third', 'customer'}
    assert Proxy('third').ping() == 'pong' and customer.send_recv('second', 'fourth')
    assert Proxy('fourth').is_running()


def test_a_base_defined_in_the_main_module_travels(tmp_path):
    """With a guard around what only the program itself is to do."""
    out, done = run_script(
        tmp_path,
        '''
        from osbrain import Agent, run_agent, run_nameserver

        SECRET = ['main']

        class Base(Agent):
            def reveal(self):
                return SECRET + [self.action(20)]

        if __name__ == '__main__':
            ns = run_nameserver()
            factor = 2
            agent = run_agent('a0', base=Base, attributes={'action': lambda value: factor * value})
            print('RESULT', agent.reveal())
            ns.shutdown()
        ''',
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in out if line.startswith('RESULT')] == ["RESULT ['main', 40]"]


UNGUARDED = '''
    import os
    from osbrain import Agent, Logger, run_agent, run_logger, run_nameserver

    print('MAIN', flush=True)
    with open('runs', 'a') as runs:
        runs.write('x')

    class Greeter(Agent):
        def greet(self, name):
            print('HELLO %s' % name, flush=True)
            return os.getpid()

    ns = run_nameserver()
    agent = run_agent('a0', base=Greeter)
    other = run_agent('a1')
    agent.set_method(double=lambda self, value: 2 * value)
    print('RESULT', agent.greet('world') != os.getpid(), agent.double(21), flush=True)
    agent.log_info('logged')
    ns.shutdown()
    print('END', flush=True)
'''


@pytest.mark.parametrize('method', HAND_OVERS)
def test_a_script_without_a_guard_works_and_runs_once(tmp_path, method):
    """Its main module runs once; what its agents print and log comes out of its own output."""
    tmp_path.joinpath('cwd').mkdir()
    script = 'import os\nos.chdir(%r)\n' % str(tmp_path / 'cwd') + textwrap.dedent(UNGUARDED)
    out, done = run_script(tmp_path, script, **({'OSBRAIN_START_METHOD': method} if method else {}))
    assert done.returncode == 0, done.stderr
    words = [line for line in out if line.split(' ')[0] in ('MAIN', 'RESULT', 'HELLO', 'END')]
    assert words == ['MAIN', 'HELLO world', 'RESULT True 42', 'END']
    assert [line.endswith('(a0): logged') for line in out if line.startswith('INFO ')] == [True]
    assert (tmp_path / 'cwd' / 'runs').read_text() == 'x'
    assert 'Traceback' not in done.stderr


@pytest.mark.new
@pytest.mark.parametrize('method', START_METHODS)
def test_agents_print_where_their_starter_prints(tmp_path, method):
    """Also when the starter's standard output was redirected after the first agent was started."""
    out, done = run_script(
        tmp_path,
        '''
        import os, sys
        from osbrain import run_agent, run_nameserver

        def speak(agent, word):
            print(word, flush=True)
            print(word.lower(), file=sys.stderr, flush=True)

        if __name__ == '__main__':
            ns = run_nameserver()
            run_agent('a0').execute_as_method(speak, 'FIRST')
            descriptor = os.open('elsewhere', os.O_WRONLY | os.O_CREAT)
            before = os.dup(1)
            os.dup2(descriptor, 1)
            run_agent('a1').execute_as_method(speak, 'SECOND')
            os.dup2(before, 1)
            run_agent('a2').execute_as_method(speak, 'THIRD')
            ns.shutdown()
        '''.replace("'elsewhere'", repr(str(tmp_path / 'elsewhere'))),
        OSBRAIN_START_METHOD=method,
    )
    assert done.returncode == 0, done.stderr
    assert out == ['FIRST', 'THIRD']
    assert done.stderr.split() == ['first', 'second', 'third']
    assert (tmp_path / 'elsewhere').read_text() == 'SECOND\n'


@pytest.mark.parametrize('how', ['-c', 'stdin', '-m'])
def test_programs_that_are_no_script_work(tmp_path, how):
    """Text given to the interpreter, by option or standard input, and modules run by name."""
    text = textwrap.dedent('''
        from osbrain import Agent, run_agent, run_nameserver

        class Own(Agent):
            def own(self):
                return 'own'

        ns = run_nameserver()
        print('RESULT', run_agent('a0', base=Own).own())
        ns.shutdown()
    ''')
    (tmp_path / 'own_program.py').write_text(text)
    arguments = {'-c': ['-c', text], 'stdin': ['-'], '-m': ['-m', 'own_program']}[how]
    done = subprocess.run(
        [sys.executable, *arguments],
        input=text if how == 'stdin' else '',
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith('RESULT')] == ['RESULT own']


# Failures


@contextmanager
def fails(*fragments, error=RuntimeError):
    """The block raises the error of a failed start, whose text has all of the fragments."""
    with pytest.raises(error) as caught:
        yield
    for fragment in fragments:
        assert fragment in str(caught.value)


def test_a_name_can_be_registered_once(nsproxy):
    """The first does not notice; once it has gone the name can be taken again at once."""
    agent = run_agent('a0', attributes={'x': 1})
    for start in (lambda: run_agent('a0'), AgentProcess('a0').start):
        with fails('An error occurred while creating the daemon!', 'NamingError', 'name already registered'):
            start()
    assert agent.get_attr('x') == 1 and nsproxy.agents() == ['a0']
    for _ in range(3):
        agent.shutdown()
        assert agent_dies('a0', nsproxy)
        agent = run_agent('a0')
    assert agent.ping() == 'pong'


def test_a_failed_start_says_why_and_leaves_nothing_behind(nsproxy):
    """Its text has the remote traceback between lines of =; the name can be used again."""

    class Broken(Agent):
        def on_init(self):
            raise LookupError('reason 42')

    class Unbuilt(Agent):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            raise LookupError('reason 43')

    with taken() as listener:
        busy = '127.0.0.1:%d' % listener.getsockname()[1]
        for kwargs, fragments in [
            ({'addr': busy}, ('OSError', 'Address already in use')),
            ({'addr': '203.0.113.1:12345'}, ('OSError',)),
            ({'attributes': {'ping': 1}}, ('KeyError', 'Agent already has "ping" attribute!')),
            ({'attributes': {'name': 'x'}}, ('KeyError', 'Agent already has "name" attribute!')),
            ({'base': Broken}, ('LookupError', 'reason 42', 'on_init')),
            ({'base': Unbuilt}, ('LookupError', 'reason 43')),
        ]:
            process = AgentProcess('a0', **kwargs)
            with lasts(0, 3), fails('An error occurred while creating the daemon!', '=====', 'Traceback', *fragments):
                process.start()
            process.join(5)
            assert not process.is_alive()
            with fails(*fragments):
                run_agent('a0', **kwargs)
            assert nsproxy.agents() == []
    assert run_agent('a0').ping() == 'pong'


def test_a_name_server_that_cannot_be_reached_is_an_error():
    address = '127.0.0.1:%d' % free_port()
    with lasts(2.9, 8), fails('TimeoutError', 'Could not locate the name server!'):
        run_agent('a0', nsaddr=address)


def die_by_exception(agent):
    raise LookupError('reason 42')


def die_by_sys_exit(agent):
    sys.exit('reason 42')


def die_by_os_exit(agent):
    os._exit(37)


def die_by_signal(agent):
    os.kill(os.getpid(), signal.SIGKILL)


def die_by_crash(agent):
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.new
@pytest.mark.parametrize('hook', ['on_init', 'before_loop'])
@pytest.mark.parametrize(
    'die, fragments',
    [
        (die_by_exception, ('LookupError', 'reason 42')),
        (die_by_sys_exit, ('reason 42',)),
        (die_by_os_exit, ('37',)),
        (die_by_signal, ('SIGKILL',)),
        (die_by_crash, ('SIGSEGV',)),
    ],
)
def test_a_child_that_dies_at_its_start_is_an_error_within_a_second(nsproxy, hook, die, fragments):
    """What is known of the cause is told; no entry stays, so that the name can be used again."""
    base = type('Mortal', (Agent,), {hook: die})
    seconds = []
    # What else the machine does can only make it take longer: of a few attempts the quickest tells.
    while min(seconds, default=2) > 1 and len(seconds) < 5:
        began = time.monotonic()
        with fails(*fragments):
            run_agent('a0', base=base)
        seconds.append(time.monotonic() - began)
        assert wait_condition(lambda: nsproxy.agents() == [], timeout=5)
    assert min(seconds) <= 1
    assert run_agent('a0').ping() == 'pong'


@pytest.mark.new
@pytest.mark.parametrize('method', START_METHODS)
def test_a_death_at_the_start_is_noticed_whatever_the_start_method(method, monkeypatch):
    monkeypatch.setenv('OSBRAIN_START_METHOD', method)
    ns = run_nameserver()
    try:
        for die, fragment in [(die_by_os_exit, '37'), (die_by_signal, 'SIGKILL')]:
            with lasts(0, 4), fails(fragment):
                run_agent('a0', base=type('Mortal', (Agent,), {'on_init': die}))
        assert ns.agents() == [] and run_agent('a0').ping() == 'pong'
    finally:
        ns.shutdown()


@pytest.mark.new
def test_attributes_that_cannot_travel_are_an_error_at_the_call(nsproxy):
    with lasts(0, 2), pytest.raises((TypeError, ValueError, RuntimeError), match=r'lock|pickle'):
        run_agent('a0', attributes={'lock': threading.Lock()})
    assert nsproxy.agents() == [] and run_agent('a0').ping() == 'pong'


class BindsThenFails(Agent):
    """Has a file of an ipc socket when its start fails."""

    def on_init(self):
        self.bind('PULL', 'in', handler=lambda agent, message: None, transport='ipc', addr='failed-start')
        raise ValueError('no')


@pytest.mark.new
def test_an_agent_whose_on_init_fails_leaves_no_file(nsproxy):
    with pytest.raises(RuntimeError, match='no'):
        run_agent('a0', base=BindsThenFails)
    folder = Path(os.environ['XDG_RUNTIME_DIR'])
    assert not list(folder.rglob('*failed-start*'))


@pytest.mark.new
def test_ctrl_c_while_an_agent_starts_ends_it(nsproxy, tmp_path):
    """In a notebook nobody else would."""
    note = tmp_path / 'pid'

    class Slow(Agent):
        def on_init(self):
            note.write_text(str(os.getpid()))
            time.sleep(60)

    def interrupt():
        wait_until(lambda: note.exists() and note.read_text())  # there before it is written
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_agent('a0', base=Slow)
    thread.join()
    wait_until(lambda: not is_alive(int(note.read_text())))
    assert wait_condition(lambda: 'a0' not in nsproxy.agents())


@pytest.mark.new
def test_ctrl_c_while_a_process_is_made_ends_it(nsproxy, monkeypatch):
    made = []
    start = multiprocessing.Process.start

    def interrupted(process):
        start(process)
        made.append(process.pid)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(multiprocessing.Process, 'start', interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_agent('a0')
    wait_until(lambda: not is_alive(made[0]))
    assert wait_condition(lambda: 'a0' not in nsproxy.agents())
