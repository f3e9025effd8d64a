"""What can be said of a batch of agents before any process exists, and how many are under way at a time."""

import os

import pytest

from osbrain import _batch as batch
from osbrain import run_agents
from osbrain.errors import NameInvalid, OptionInvalid, OsBrainError, StartFailed

NOBODY = '127.0.0.1:9'


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process or writes a file: looking for them takes longer than the tests."""


@pytest.fixture(autouse=True)
def nobody_is_asked(monkeypatch):
    """Each mistake is found before the name server is looked for."""

    def refuse(*args):
        pytest.fail('the name server was asked')

    monkeypatch.setattr(batch, 'refuse_taken_names', refuse)


@pytest.mark.parametrize('specs', ['abc', b'abc', {'name': 'a'}, 5, None])
def test_what_is_no_list_of_specs_is_refused(specs):
    with pytest.raises(OptionInvalid, match='several names or dictionaries'):
        run_agents(specs, NOBODY)


@pytest.mark.parametrize('spec', [5, None, ('a', 'b'), b'a', object])
def test_a_spec_that_is_neither_name_nor_dictionary_is_named_by_its_place(spec):
    with pytest.raises(OptionInvalid, match=r'^specs\[1\] must be a name or a dictionary'):
        run_agents(['a', spec], NOBODY)


@pytest.mark.parametrize('keyword', ['bass', 'nsaddr', 5])
def test_an_unknown_keyword_is_named_with_those_there_are(keyword):
    """The name server is one for the whole batch."""
    with pytest.raises(OptionInvalid) as caught:
        run_agents([{'name': 'a'}, {keyword: 1}], NOBODY)
    assert str(caught.value) == (
        'each key of specs[1] must be one of name, addr, base, serializer, transport, safe, attributes, on_error, '
        f'advertise, restart, max_restarts, within, checkpoint, state, security, not {keyword!r}'
    )


@pytest.mark.parametrize(
    'spec, error, text',
    [
        ('Pyro.NameServer', NameInvalid, 'this is the name server itself'),
        ({'name': 5}, NameInvalid, '5 cannot be the name of an agent'),
        ({'on_error': 'ignore'}, OptionInvalid, "'stop' or 'continue', not 'ignore'"),
        ({'addr': 1.5}, ValueError, 'Unsupported address type float'),
        ({'addr': 'host:99999'}, ValueError, 'A port is a number'),
        ({'serializer': 'xml'}, ValueError, 'Invalid serializer type'),
        ({'transport': 'udp'}, ValueError, 'Invalid address transport'),
    ],
)
def test_what_run_agent_refuses_is_refused_with_its_place(spec, error, text):
    with pytest.raises(OsBrainError) as caught:
        run_agents(['a', 'b', spec], NOBODY)
    assert isinstance(caught.value, error)
    assert text in str(caught.value) and str(caught.value).endswith('(specs[2])')


def test_two_equal_names_are_refused():
    with pytest.raises(NameInvalid, match=r"'b' cannot be .*: specs\[1\] and specs\[3\] both ask for it"):
        run_agents(['a', 'b', '', {'name': 'b'}, {}], NOBODY)


def test_progress_has_to_be_callable():
    with pytest.raises(OptionInvalid, match='progress must be a callable'):
        run_agents(['a'], NOBODY, progress=[])


def test_an_empty_batch_is_done_at_once():
    told = []
    assert run_agents(iter(()), NOBODY, lambda *numbers: told.append(numbers)) == []
    assert told == [(0, 0)]


def test_a_batch_needs_to_know_where_the_name_server_is(monkeypatch):
    monkeypatch.delenv('OSBRAIN_NAMESERVER_ADDRESS', raising=False)
    with pytest.raises(ValueError, match='No name server'):
        run_agents(['a'])


class Process:
    """As one of an agent, in this process: the test says what it says."""

    alive = set()
    most = 0

    def __init__(self, name):
        self.agent_name = self.name = name
        self.uri = ''
        self.pid = None
        self.words = []
        self.log = []

    def begin(self):
        self.sentinel, self.end = os.pipe()
        self.ahead, self.back = os.pipe()
        self.pid = 123_456_789
        Process.alive.add(self)
        self.say((self.name, f'uri of {self.name}'))
        self.say('it runs')

    def say(self, word):
        self.words.append(word)
        os.write(self.back, b'.')

    @property
    def sources(self):
        return [self.ahead, self.sentinel]

    def hear(self):
        Process.most = max(Process.most, len([one for one in Process.alive if one.words]))
        os.read(self.ahead, 1)
        word = self.words.pop(0)
        if isinstance(word, Exception):
            self.gone()
            raise word
        if not self.uri:
            self.name, self.uri = word
        return word

    def interrupt(self):
        self.log.append('interrupted')

    def gone(self):
        Process.alive.discard(self)
        os.close(self.end)

    def is_alive(self):
        return self in Process.alive

    def close(self):
        for descriptor in (self.sentinel, self.ahead, self.back):
            os.close(descriptor)


class Failing(Process):
    """Its start fails."""

    def say(self, word):
        super().say(StartFailed(f'{self.name} has no teeth', self.name))


@pytest.fixture
def start(monkeypatch):
    """Start a batch of such processes, two at a time; return the error and what was told of the progress."""
    begun = []
    monkeypatch.setattr(batch, '_PER_CORE', 1)
    monkeypatch.setattr(batch, '_cores', lambda: 2)
    monkeypatch.setattr(batch, 'free_names', lambda processes, address: None)
    monkeypatch.setattr(batch._Start, 'end', lambda self: self.process.gone())
    monkeypatch.setattr(Process, 'force_end', lambda self: None, raising=False)
    monkeypatch.setattr(Process, 'join', lambda self, timeout: None, raising=False)
    monkeypatch.setattr(Process, 'most', 0)

    def run(processes):
        told = []
        starts = [batch._Start(f'specs[{index}]', process, None) for index, process in enumerate(processes)]
        begun.extend(processes)
        try:
            batch._Batch(starts, None, lambda *numbers: told.append(numbers)).run()
        except StartFailed as error:
            return error, told
        return None, told

    yield run
    for process in begun:
        if process.pid:
            if process.is_alive():
                process.gone()
            process.close()


def test_only_some_are_under_way_at_a_time(start):
    processes = [Process(f'a{number}') for number in range(9)]
    error, told = start(processes)
    assert error is None and told == [(number, 9) for number in range(10)]
    assert Process.most == 2
    assert [process.uri for process in processes] == [f'uri of a{number}' for number in range(9)]


def test_after_a_failure_nobody_else_is_started_and_nobody_is_left(start):
    processes = [Process('a0'), Process('a1'), Failing('a2'), *(Process(f'b{number}') for number in range(5))]
    error, told = start(processes)
    assert error.name == 'a2' and "Of 8 agents, 'a2' could not be started; none is left.\na2 has no teeth" in str(error)
    assert told[-1][0] < 3
    assert not Process.alive
    assert not any(process.pid for process in processes[-3:])


def test_the_first_failure_is_told_with_the_number_of_the_others(start):
    error, _ = start([Failing('a0'), Failing('a1'), Process('a2')])
    assert "Of 3 agents, 'a0' could not be started, and 1 more; none is left.\na0 has no teeth" in str(error)
    assert error.__cause__.name == 'a0'


def test_an_agent_without_a_name_is_named_by_its_place(start):
    error, _ = start([Process('a0'), Failing('')])
    assert error.name == 'specs[1]' and "'specs[1]' could not be started" in str(error)
