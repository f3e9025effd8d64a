"""Words reach the starter whole, and nobody waits for long where it does not listen."""

import contextlib
import multiprocessing
import os
import threading

import pytest

from osbrain._launch import words
from osbrain._launch.process import LaunchedProcess
from osbrain._launch.words import Ear, framed, say
from osbrain.errors import StartFailed, WaitTimeout


@pytest.fixture
def pipe():
    ahead, back = multiprocessing.Pipe(duplex=False)
    yield ahead, back
    ahead.close()
    back.close()


@pytest.mark.parametrize('word', ['hello', ('noted', b'x' * 60_000), None])
def test_a_word_arrives_as_multiprocessing_would_send_it(pipe, word):
    ahead, back = pipe
    assert say(back, framed(word), 1.0) == b''
    assert ahead.recv() == word


def test_what_is_larger_than_the_pipe_arrives_while_somebody_listens(pipe):
    ahead, back = pipe
    heard = []
    listener = threading.Thread(target=lambda: heard.append(ahead.recv()))
    listener.start()
    word = os.urandom(1 << 20)
    assert say(back, framed(word), 5.0) == b''
    listener.join()
    assert heard == [word]


def test_what_there_is_no_room_for_is_returned(pipe):
    ahead, back = pipe
    word = b'x' * (1 << 20)
    rest = say(back, framed(word), 0.0)
    assert 0 < len(rest) < len(framed(word))
    got = [os.read(ahead.fileno(), 1 << 20)]
    while rest:
        rest = say(back, rest, 0.0)
        got.append(os.read(ahead.fileno(), 1 << 20))
    assert b''.join(got) == framed(word)


class TestEar:
    @pytest.mark.parametrize('word', ['', 'hello', ('noted', b'x' * 60_000), [1, None]])
    def test_it_hears_what_multiprocessing_sends(self, pipe, word):
        ahead, back = pipe
        back.send(word)
        back.send('next')
        ear = Ear(ahead)
        assert [ear.next_word(), ear.next_word(), ear.next_word()] == [word, 'next', None]

    def test_it_waits_for_no_word_that_has_only_begun(self, pipe):
        ahead, back = pipe
        ear, data = Ear(ahead), framed('hello')
        for byte in data[:-1]:
            os.write(back.fileno(), bytes([byte]))
            assert ear.next_word() is None
        os.write(back.fileno(), data[-1:])
        assert ear.next_word() == 'hello'

    def test_a_word_too_long_for_the_short_number_has_a_long_one(self, pipe, monkeypatch):
        monkeypatch.setattr(words, '_LONGEST', 3)
        ahead, back = pipe
        data = framed('hello')
        os.write(back.fileno(), data)
        assert Ear(ahead).next_word() == 'hello'
        os.write(back.fileno(), data)
        assert ahead.recv() == 'hello'

    def test_it_knows_the_end(self, pipe):
        ahead, back = pipe
        back.send('last')
        back.close()
        ear = Ear(ahead)
        assert ear.next_word() == 'last'
        with pytest.raises(EOFError):
            ear.next_word()


class Listening(LaunchedProcess):
    """Both ends in one process: what is said is heard here."""

    def __init__(self, pipe):
        super().__init__()
        self._ahead, self._back = pipe
        self._ear = Ear(self._ahead)
        self.notes = []
        # Readable when the process has ended, which it never does here.
        self._silence = os.pipe()

    @property
    def sentinel(self):
        return self._silence[0]

    def noted(self, note):
        self.notes.append(note)

    def join(self, timeout=None):
        pass

    exitcode = 7


@pytest.fixture
def process(pipe):
    made = Listening(pipe)
    yield made
    for end in made._silence:
        os.close(end)


def test_notes_are_taken_in_and_no_word_for_those_who_wait(process):
    process.tell_noted(1, 1.0)
    process.tell_noted(2, 1.0)
    assert process.hear() is None
    process.tell_noted(3, 1.0)
    process.tell_started('up')
    assert process.hear() == 'up'
    assert process.notes == [1, 2, 3]


def test_who_waits_for_a_word_waits_on_through_notes(process):
    process.tell_noted(1, 1.0)
    with pytest.raises(WaitTimeout):
        process.wait_for_word(0.05)
    process.tell_noted(2, 1.0)
    process.tell_started('up')
    assert process.wait_for_word(1) == 'up'
    assert process.notes == [1, 2]


def test_how_it_ended_is_heard_after_all_notes(process, pipe):
    process.tell_noted(1, 1.0)
    pipe[1].close()
    with pytest.raises(StartFailed, match='exit code 7'):
        process.hear()
    assert process.notes == [1]


def test_a_process_that_notes_without_end_does_not_keep_its_starter(process):
    for number in range(1_500):
        assert process.tell_noted(number, 0.0)
    assert process.hear() is None
    assert 1 <= len(process.notes) < 1_500
    assert process.hear() is None
    assert len(process.notes) == 1_500


def test_a_failure_comes_after_the_notes_before_it(process):
    process.tell_noted(1, 1.0)
    process.tell_failed(ValueError('no'))
    with pytest.raises(StartFailed, match='no'):
        process.hear()
    assert process.notes == [1]


def test_a_note_without_room_is_dropped_whole_and_those_after_it_are_whole(process):
    told = []
    while process.tell_noted(len(told), 0.0):
        told.append(len(told))
    process.catch_up()
    assert process.tell_noted('found', 0.0)
    process.catch_up()
    assert process.notes == [*told, 'found']


def test_half_a_note_is_finished_before_the_next_one(process):
    large = b'x' * (1 << 17)
    assert not process.tell_noted(large, 0.0)
    process.catch_up()  # there is room again, but the note is not whole yet
    assert process.notes == []
    assert not process.tell_noted('next', 0.0)  # what is left of the first one fills the pipe once more
    process.catch_up()
    assert process.tell_noted('next', 5.0)
    process.catch_up()
    assert process.notes == [large, 'next']


def test_a_starter_that_is_gone_does_not_matter(process, pipe):
    pipe[0].close()
    assert process.tell_noted(1, 1.0)
    process.tell_started('up')


def test_what_is_left_of_a_dead_process_is_taken_in(process, pipe):
    process.tell_noted(1, 1.0)
    os.write(pipe[1].fileno(), framed(('noted', 2))[:-3])  # killed in the middle of a word
    pipe[1].close()
    process.catch_up()
    assert process.notes == [1]
    with contextlib.suppress(StartFailed):
        process.hear()


def test_a_process_that_never_began_has_said_nothing():
    LaunchedProcess().catch_up()
