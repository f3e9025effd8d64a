"""State goes into a file wholly or not at all, and comes back only if it is whole."""

import os
import stat
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from osbrain import Agent
from osbrain._agent.core import core_of
from osbrain._rewiring import checkpoints
from osbrain._rewiring.checkpoints import Checkpoints, read, write


class Counter(Agent):
    def on_init(self):
        self.count = 0

    def save_state(self):
        return {'count': self.count}

    def load_state(self, state):
        self.count = state['count']


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'folder' / 'state'


@pytest.fixture
def keep(path):
    """Make what keeps an agent's state; *path* is a file that somebody has chosen if *lasting*."""

    def one(agent, period=None, lasting=False):
        return Checkpoints(core_of(agent), path, period, lasting)

    return one


@pytest.fixture
def counter():
    agent = Counter('counter')
    agent.count = 3
    return agent


def files(folder):
    return sorted(one.name for one in folder.iterdir())


def test_state_comes_back(keep, counter):
    keep(counter).save()
    other = Counter('other')
    keep(other).load()
    assert other.count == 3


def test_the_folder_and_the_file_are_the_owners_alone(keep, counter, path):
    keep(counter).save()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert files(path.parent) == ['state']


def test_state_may_hold_code_of_the_scripts(keep, counter):
    counter.count = lambda: 4
    keep(counter).save()
    other = Counter('other')
    keep(other).load()
    assert other.count() == 4


def test_without_a_file_an_agent_begins_as_it_is(keep, counter):
    keep(counter).load()
    assert counter.count == 3
    assert counter.counters()['errors'] == 0


def test_an_agent_can_have_its_state_saved_at_a_moment_of_its_own(keep, counter):
    counter.checkpoint()  # nobody keeps it, and nothing happens
    kept = keep(counter)
    core_of(counter).lifeline = SimpleNamespace(checkpoint=kept.save)
    counter.checkpoint()
    other = Counter('other')
    keep(other).load()
    assert other.count == 3


def test_agents_without_state_write_nothing(keep, path):
    agent = Agent('plain')
    keep(agent).load()
    keep(agent).save()
    assert not path.parent.exists()


class TestSaving:
    @pytest.fixture
    def saved(self, keep, counter):
        keep(counter).save()
        counter.count = 4
        return keep(counter)

    def assert_failed(self, agent, text, path, capsys):
        assert agent.counters()['errors'] == 1
        printed = capsys.readouterr().err
        assert f"The state of agent 'counter' could not be saved; what was saved before is left as it was. ({text}" in (
            printed
        )
        assert files(path.parent) == ['state']
        other = Counter('other')
        Checkpoints(core_of(other), path, None, lasting=False).load()
        assert other.count == 3

    def test_a_state_that_cannot_be_made(self, saved, counter, path, capsys):
        def fail():
            raise ValueError('not now')

        counter.save_state = fail
        saved.save()
        self.assert_failed(counter, 'not now', path, capsys)

    def test_a_state_that_cannot_be_pickled(self, saved, counter, path, capsys):
        counter.count = threading.Lock()
        saved.save()
        self.assert_failed(counter, 'the state', path, capsys)

    def test_a_full_disk(self, saved, counter, path, capsys, monkeypatch):
        def full(descriptor):
            raise OSError(28, 'No space left on device')

        monkeypatch.setattr(checkpoints.os, 'fsync', full)
        saved.save()
        self.assert_failed(counter, '[Errno 28]', path, capsys)

    def test_an_interruption_leaves_nothing_half_done(self, saved, path, monkeypatch):
        def interrupted(descriptor):
            raise KeyboardInterrupt

        monkeypatch.setattr(checkpoints.os, 'fsync', interrupted)
        with pytest.raises(KeyboardInterrupt):
            saved.save()
        assert files(path.parent) == ['state']

    def test_a_folder_that_another_agent_removes_meanwhile_is_made_again(self, path, monkeypatch):
        opened, tries = os.open, []

        def removed_first(where, *args):
            if not tries:
                tries.append(Path(where).parent.rmdir())
            return opened(where, *args)

        monkeypatch.setattr(checkpoints.os, 'open', removed_first)
        write(path, b'data', own_folder=True)
        assert read(path) == b'data'

    def test_a_folder_that_somebody_has_chosen_is_not_made(self, path):
        with pytest.raises(FileNotFoundError):
            write(path, b'data', own_folder=False)

    def test_nobody_left_to_use_it_means_no_file(self, saved, counter, path):
        saved.forsake()
        saved.save()
        assert not path.parent.exists()

    def test_a_chosen_file_is_kept_whoever_is_left(self, keep, counter, path):
        path.parent.mkdir()
        kept = keep(counter, lasting=True)
        kept.forsake()
        kept.save()
        assert path.exists()


class TestLoading:
    @pytest.fixture
    def whole(self, keep, counter, path):
        keep(counter).save()
        return path.read_bytes()

    def damage(self, how, whole):
        return {
            'empty': b'',
            'cut off': whole[:-1],
            'one bit': whole[:-1] + bytes([whole[-1] ^ 1]),
            'no mark': whole[20:],
            'something else': b'hello\n',
        }[how]

    @pytest.mark.parametrize('how', ['empty', 'cut off', 'one bit', 'no mark', 'something else'])
    def test_what_is_damaged_is_kept_aside_and_the_agent_begins_without(self, keep, whole, path, how, capsys):
        path.write_bytes(self.damage(how, whole))
        other = Counter('other')
        keep(other).load()
        assert other.count == 0
        assert other.counters()['errors'] == 1
        printed = capsys.readouterr().err
        aside = path.with_name('state.unreadable')
        assert "The state of agent 'other' could not be loaded, and it begins without" in printed
        assert f'the file is kept as {aside}' in printed
        assert files(path.parent) == ['state.unreadable']
        assert aside.read_bytes() == self.damage(how, whole)

    def test_what_others_may_have_written_is_not_loaded(self, keep, whole, path, capsys):
        path.chmod(0o622)
        other = Counter('other')
        keep(other).load()
        assert other.count == 0
        assert 'is not trusted, because other users may write it (mode 0622)' in capsys.readouterr().err
        assert files(path.parent) == ['state.unreadable']

    def test_what_the_agent_does_not_take_is_kept_aside_too(self, keep, whole, path, capsys):
        class Changed(Counter):
            def load_state(self, state):
                self.count = state['number']

        other = Changed('other')
        keep(other).load()
        assert other.counters()['errors'] == 1
        assert "('number')" in capsys.readouterr().err
        assert files(path.parent) == ['state.unreadable']

    def test_what_cannot_be_unpickled_is_kept_aside_too(self, keep, counter, path):
        path.parent.mkdir()
        write(path, b'no pickle', own_folder=False)
        keep(counter).load()
        assert counter.counters()['errors'] == 1
        assert files(path.parent) == ['state.unreadable']


class TestCheckpoints:
    def test_state_is_saved_again_and_again_between_messages(self, keep, counter, path, running, until):
        kept = keep(counter, period=0.01)
        with running(counter):
            counter.safe_call('execute_as_method', lambda agent: kept.begin())
            for number in range(3):
                counter.count = 10 + number
                until(lambda: counter.safe_call('ping') and path.exists())
                other = Counter('other')
                keep(other).load()
                assert other.count >= 10 + number - 1
                path.unlink()
        assert counter.list_timers() == []

    def test_beginning_again_does_not_double_it(self, keep, counter):
        kept = keep(counter, period=1000)
        for _ in range(3):
            kept.begin()
        assert len(core_of(counter).timers._heap) == 1

    def test_a_checkpoint_that_fails_does_not_end_them(self, keep, counter, running, until, capsys):
        def fail():
            raise ValueError('not now')

        counter.save_state = fail
        kept = keep(counter, period=0.001)
        with running(counter):
            counter.safe_call('execute_as_method', lambda agent: kept.begin())
            until(lambda: counter.safe_call('ping') and counter.counters()['errors'] >= 3)
            assert counter.is_running()
        capsys.readouterr()
