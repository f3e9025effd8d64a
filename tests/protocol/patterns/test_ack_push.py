"""Acknowledged work plugged together by lists: a dispatcher, workers, and everything that they say to each other."""

import itertools
import json

import pytest

from osbrain._protocol import ack_frames
from osbrain._protocol.patterns import ack_dispatcher, ack_pull, ack_push
from osbrain._protocol.patterns.ack_pull import AckPull
from osbrain._protocol.patterns.ack_push import AckPush
from osbrain._protocol.patterns.endpoint import PeerGone, Unreadable
from osbrain._protocol.serializers import CODECS
from osbrain._protocol.work import Delivery, TaskFailure, Terms
from osbrain.errors import (
    HandlerInvalid,
    JournalFailed,
    KindUnsupported,
    LimitReached,
    MessageInvalid,
    UnknownMethod,
    WaitTimeout,
)


class Ends:
    """A dispatcher and its workers; frames go from one to the other when somebody says so."""

    def __init__(self, host, new_host, new_wire, channel, serializer='pickle', journal=None, **terms):
        self.address, self.codec = channel('ACK_PUSH', serializer), CODECS[serializer]
        self.new_host, self.new_wire, self.host = new_host, new_wire, host
        terms = Terms(**terms).checked('ACK_PUSH', of_dispatcher=True)
        self.push = AckPush(host, self.address, self.codec, new_wire(), terms, journal)
        self.workers = {}
        self.failures = []

    def worker(self, handler, prefetch=4, name='w'):
        """A worker that is connected, and has been made welcome."""
        pull = AckPull(self.new_host(), self.address.twin(), self.codec, self.new_wire(), handler, prefetch)
        identity = b'\x00id%d' % len(self.workers)
        pull.host.agent.name = f'{name}{len(self.workers)}'
        self.workers[identity] = pull
        self.push.receive([identity, b''])
        self.settle()
        return pull

    def to_workers(self):
        """Hand over what the dispatcher has said."""
        for identity, *parts in self.push.wire.emptied():
            pull = self.workers[identity]
            pull.wire.arrived.append(parts if len(parts) > 1 else parts[0])

    def work(self, pull):
        """Let one worker handle what has arrived."""
        frames = list(pull.wire.arrived)
        pull.wire.arrived.clear()
        for one in itertools.chain.from_iterable(pull.split(each) for each in frames):
            try:
                pull.receive(one)
            except (Exception, SystemExit) as error:
                self.failures.append(error)
        pull.host.end_turn()

    def to_dispatcher(self):
        for identity, pull in self.workers.items():
            for frame in pull.wire.emptied():
                self.push.receive([identity, frame])
        self.host.end_turn()

    def settle(self):
        """Until nobody has anything to say any more."""
        for _ in range(1000):
            self.to_workers()
            for pull in self.workers.values():
                self.work(pull)
            if not any(pull.wire.sent for pull in self.workers.values()):
                return
            self.to_dispatcher()
        pytest.fail('they go on for ever')


@pytest.fixture
def ends(host, new_host, new_wire, channel):
    def one(serializer='pickle', **options):
        return Ends(host, new_host, new_wire, channel, serializer, **options)

    return one


MESSAGES = {
    'pickle': {'bid': 1.5, 'of': (1, 2)},
    'cloudpickle': [1, None, b'\x80'],
    'dill': {1, 2, 3},
    'json': {'bid': [1, 2.5, None, 'x']},
    'raw': b'\x00\x80\x00*osbrain',
}


@pytest.mark.parametrize('serializer', sorted(MESSAGES))
def test_what_is_sent_is_handled_and_done(ends, serializer):
    both = ends(serializer)
    pull = both.worker('on_message')
    both.push.send(MESSAGES[serializer])
    both.push.send_many([MESSAGES[serializer]] * 3)
    both.settle()
    assert pull.host.agent.received == [MESSAGES[serializer]] * 4
    assert both.push.pending()[:2] == (0, 0)
    assert both.push.pending().done == 4


def test_large_messages_travel_beside_their_pickle_and_stay_as_they_were_when_they_were_sent(ends):
    both = ends()
    body = bytearray(100_000)
    both.push.send({'picture': body})
    body[0] = 1
    pull = both.worker('on_message')
    both.settle()
    assert pull.host.agent.received == [{'picture': bytearray(100_000)}]


def test_a_handler_may_know_which_delivery_it_is(ends):
    both = ends()
    seen = []
    both.worker(lambda agent, message, delivery: seen.append((message, delivery)))
    both.push.send_many('ab')
    both.settle()
    assert [message for message, _ in seen] == ['a', 'b']
    assert [type(delivery) for _, delivery in seen] == [Delivery] * 2
    assert [delivery.attempt for _, delivery in seen] == [1, 1]
    assert len({delivery.id for _, delivery in seen}) == 2


def test_a_repeat_has_the_same_id_and_another_attempt(ends):
    both = ends()
    seen = []
    pull = both.worker(lambda agent, message, delivery: seen.append(delivery))
    both.push.send('a')
    both.to_workers()
    both.work(pull)
    pull.wire.emptied()  # what it said was lost, and it connects again
    both.push.receive([b'\x00id0', b''])
    both.settle()
    first, second = seen
    assert first.id == second.id
    assert (first.attempt, second.attempt) == (1, 2)
    assert both.push.pending().repeats == 1


def test_a_failing_handler_is_reported_before_it_stops_its_agent_and_another_worker_gets_the_message(ends):
    both = ends()
    done = []

    def fail(agent, message):
        raise ValueError(message)

    both.worker(fail)
    both.worker(lambda agent, message: done.append(message))
    both.push.send('first')
    both.settle()
    assert [str(error) for error in both.failures] == ['first']
    assert done == ['first']


def test_a_message_that_failed_too_often_goes_to_on_failed_with_the_reason(ends, agent):
    both = ends(max_attempts=2, on_failed=lambda agent, message, failure: agent.received.append((message, failure)))
    both.worker(lambda agent, message: 1 / message)
    both.push.send_many([0, 1])
    both.settle()
    ((message, failure),) = agent.received
    assert message == 0
    assert failure == TaskFailure(failure.id, 2, 'ZeroDivisionError: division by zero')
    assert both.push.pending().failed == 1
    assert both.push.failed() == []


def test_on_failed_may_take_the_message_alone_and_be_a_method(ends, agent):
    both = ends(max_attempts=1, on_failed='on_message')
    both.worker(lambda agent, message: 1 / message)
    both.push.send(0)
    both.settle()
    assert agent.received == [0]


def test_without_on_failed_the_message_is_logged_and_kept(ends, host, monkeypatch):
    monkeypatch.setattr('osbrain._protocol.given_up.KEPT', 2)
    both = ends(max_attempts=1)
    both.worker(lambda agent, message: {}[message])
    both.push.send_many('abc')
    both.settle()
    assert [level for level, _ in host.records] == ['ERROR'] * 3
    assert "it failed once, the last time with KeyError: 'c'" in host.records[-1][1]
    assert [message for message, _ in both.push.failed()] == ['b', 'c']


def test_what_on_failed_cannot_cope_with_is_kept(ends, host):
    both = ends(max_attempts=1, on_failed=lambda agent, message: 1 / 0)
    both.worker(lambda agent, message: {}[message])
    both.push.send('a')
    with pytest.raises(ZeroDivisionError):
        both.settle()
    assert [message for message, _ in both.push.failed()] == ['a']


def test_a_message_that_a_worker_cannot_read_is_a_failure_of_the_message(ends):
    both = ends(max_attempts=2)
    both.worker('on_message')
    both.push._take_on([b'no pickle'], None)
    both.settle()
    assert [type(error) for error in both.failures] == [Unreadable, Unreadable]
    ((message, failure),) = both.push.failed()
    assert message == b'no pickle'
    assert 'no valid' in failure.error


def test_a_handler_that_ends_its_agent_has_failed(ends):
    both = ends(max_attempts=1)

    def leave(agent, message):
        raise SystemExit

    both.worker(leave)
    both.push.send('a')
    both.settle()
    assert both.push.pending().failed == 1


def test_a_message_in_which_the_agent_was_interrupted_is_handed_back_and_not_blamed(ends):
    both = ends(max_attempts=1)

    class Ended(BaseException):
        pass

    def wait(agent, message):
        raise Ended

    pull = both.worker(wait)
    both.push.send('a')
    both.to_workers()
    with pytest.raises(Ended):
        both.work(pull)
    pull.paused()
    both.to_dispatcher()
    assert both.push.pending()[:2] == (1, 0)
    assert both.push.pending().failed == 0


def test_a_worker_that_stops_hands_back_what_it_has_not_begun_and_drops_what_still_comes(ends):
    both = ends()
    pull = both.worker('on_message', prefetch=2)
    both.push.send_many('abc')
    both.to_workers()
    pull.paused()
    both.settle()
    assert pull.host.agent.received == []
    assert both.push.pending()[:2] == (3, 0)
    assert not both.push.pending().workers[0].ready
    pull.resumed()
    both.settle()
    assert pull.host.agent.received == ['a', 'b', 'c']
    assert both.push.pending().repeats == 0


def test_a_worker_that_closes_is_forgotten(ends):
    both = ends()
    both.worker('on_message').closing()
    both.settle()
    assert both.push.pending().workers == ()


@pytest.fixture
def clock(monkeypatch):
    """A clock that both ends read."""

    class Clock:
        now = 1000.0

        def __call__(self):
            return self.now

    made = Clock()
    monkeypatch.setattr(ack_push, 'monotonic', made)
    monkeypatch.setattr(ack_dispatcher, 'monotonic', made)
    monkeypatch.setattr(ack_pull, 'monotonic', made)
    return made


def test_work_of_a_worker_that_does_not_answer_goes_to_another_one(ends, host, clock):
    both = ends(ack_wait=5.0)
    silent, other = both.worker('on_message'), None
    both.push.send_many('ab')
    (wait,) = host.waits
    assert wait.seconds == 5.0
    both.to_workers()
    kept = list(silent.wire.arrived)
    silent.wire.arrived.clear()
    other = both.worker('on_message')
    clock.now += 5.0
    wait.action()
    both.to_workers()
    both.work(other)
    both.to_dispatcher()
    assert 'has not answered within 5 s' in host.warnings[0]
    both.settle()
    assert sorted(other.host.agent.received) == ['a', 'b']
    # It wakes up: it has been told to say hello again, after which nothing of what it had counts.
    silent.wire.arrived.extendleft(reversed(kept))
    both.settle()
    assert both.push.pending().done == 2
    assert [worker.ready for worker in both.push.pending().workers] == [True, True]


def test_a_worker_that_knows_that_it_is_late_drops_what_it_still_has(ends, clock):
    both = ends(ack_wait=5.0)

    def oversleep(agent, message):
        agent.received.append(message)
        clock.now += 6.0

    pull = both.worker(oversleep)
    both.push.send_many('abc')
    both.to_workers()
    both.work(pull)
    assert pull.host.agent.received == ['a']
    kinds = [frame[:1] for frame in pull.wire.sent]
    assert kinds == [ack_frames.DONE, ack_frames.HELLO]


def test_a_lost_timer_is_set_again(ends, host, clock):
    both = ends(ack_wait=5.0)
    both.worker('on_message')
    both.push.send('a')
    clock.now += 100.0
    both.push.send('b')
    assert len(host.waits) == 2


def test_a_dispatcher_that_runs_again_looks_for_who_is_late(ends, host, clock):
    both = ends(ack_wait=5.0)
    both.worker('on_message')
    both.push.send('a')
    both.push.resumed()
    first, second = host.waits
    assert (first.stopped, second.stopped) == (True, False)


def test_acknowledgements_of_trivial_handlers_travel_together(ends):
    both = ends()
    pull = both.worker('on_message', prefetch=8)
    both.push.send_many(range(8))
    both.to_workers()
    both.work(pull)
    assert 1 <= len(pull.wire.sent) <= 3


def test_what_cannot_be_said_is_said_later(ends):
    both = ends()
    pull = both.worker('on_message')
    both.push.send('a')
    both.to_workers()
    send, pull.wire.send = pull.wire.send, lambda frames, timeout=None: (_ for _ in ()).throw(WaitTimeout('nobody'))
    both.work(pull)
    pull.wire.send = send
    both.push.receive([b'\x00id0', b''])
    both.settle()
    assert both.push.pending().done == 1
    assert pull.host.agent.received == ['a']


def test_acknowledgements_for_another_dispatcher_say_nothing_here(ends):
    both = ends()
    both.push.send('a')
    (number,) = both.push._dispatch.tasks
    both.push.receive([b'\x00x', ack_frames.done(bytes(8), [number])])
    assert both.push.pending().done == 0


def test_a_worker_that_cannot_be_reached_is_forgotten_and_its_work_goes_to_others(ends):
    both = ends()
    both.worker('on_message')
    send = both.push.wire.send

    def gone(frames, timeout=None):
        if frames[0] == b'\x00id0':
            raise PeerGone
        send(frames, timeout)

    both.push.wire.send = gone
    both.push.send('a')
    assert both.push.pending()[:3] == (1, 0, ())
    other = both.worker('on_message')
    both.settle()
    assert other.host.agent.received == ['a']


def hello(name='w0', pid=123456, **facts):
    greeting = ack_frames.Greeting(name, 1, name, pid, 5, ack_dispatcher.space(), 2)._replace(**facts)
    return ack_frames.hello(greeting)


def test_the_end_of_a_worker_on_the_same_machine_is_noticed(ends, host):
    both = ends()
    both.push.receive([b'\x00x', hello()])
    both.push.send('a')
    (died,) = host.watched_processes.values()
    died()
    assert both.push.pending()[:3] == (1, 0, ())
    assert 'has died' in host.warnings[0]
    assert host.watched_processes == {}


def test_nonsense_that_has_arrived_when_a_worker_ends_is_an_error_like_any_other_and_what_follows_is_read(ends, host):
    both = ends()
    both.push.receive([b'\x00x', hello()])
    both.push.wire.arrived.extend([[b'stranger', b'X'], [b'\x00y', hello('w1', pid=654321)]])
    died, *_ = host.watched_processes.values()
    died()
    ((error, by),) = host.errors
    assert isinstance(error, Unreadable) and by is both.push
    assert [worker.name for worker in both.push.pending().workers] == ['w1']


def test_workers_of_this_process_and_of_other_machines_are_not_watched(ends, host):
    both = ends()
    both.worker('on_message')
    both.push.receive([b'\x00x', hello(space='elsewhere')])
    assert host.watched_processes == {}
    assert len(both.push.pending().workers) == 2


def test_a_worker_that_has_died_since_it_said_hello_is_not_taken_on(ends, host):
    both = ends()

    def gone(*args):
        raise ProcessLookupError

    host.watch_process = gone
    both.push.receive([b'\x00x', hello()])
    assert both.push.pending().workers == ()


# -- Backpressure ---------------------------------------------------------------------------------------------------


def test_send_raises_at_once_where_that_was_asked_for(ends):
    both = ends(limit=2)
    both.push.send_many('ab')
    with pytest.raises(LimitReached, match=r'2 messages of .* are not done yet, which is its limit$') as caught:
        both.push.send('c', timeout=0)
    assert (caught.value.limit, caught.value.taken) == (2, 0)
    assert both.host.patience == []


def test_what_finds_room_is_taken_on_and_the_error_says_how_many(ends):
    both = ends(limit=3)
    with pytest.raises(LimitReached, match='3 of 5 were taken on'):
        both.push.send_many('abcde', timeout=0)
    assert both.push.pending().waiting == 3


def test_send_waits_for_room_and_reads_what_workers_say_meanwhile(ends, host):
    both = ends(limit=2)
    pull = both.worker('on_message')

    def meanwhile():
        both.to_workers()
        both.work(pull)
        both.push.wire.arrived.extend([b'\x00id0', frame] for frame in pull.wire.emptied())

    host.while_waiting = meanwhile
    both.push.send_many(range(7), timeout=60)
    both.settle()
    assert pull.host.agent.received == list(range(7))


def test_a_wait_for_room_is_over_when_its_time_is(ends, host):
    both = ends(limit=1)
    both.push.send('a')
    with pytest.raises(TimeoutError, match=r'waited 0\.02 s'):
        both.push.send('b', timeout=0.02)
    assert all(seconds <= 0.02 for seconds in host.patience)


def test_a_socket_that_is_closed_meanwhile_ends_the_wait(ends, host):
    both = ends(limit=1)
    both.push.send('a')
    host.while_waiting = both.push.wire.close
    with pytest.raises(WaitTimeout, match='closed'):
        both.push.send('b')


# -- A journal ------------------------------------------------------------------------------------------------------


class Book:
    """A journal in memory."""

    origin = bytes(8)
    first_number = 1 << 40

    def __init__(self, kept=()):
        self.there = list(kept)
        self.written, self.notes, self.gone = [], [], []
        self.broken = self.closed = False

    def kept(self):
        return self.there

    def add(self, first, bodies):
        if self.broken:
            raise JournalFailed('path', 'disk full')
        self.written.append((first, bodies))

    def done(self, numbers):
        self.gone += numbers

    def note(self, *facts):
        self.notes.append(facts)

    def flush(self):
        if self.broken:
            raise JournalFailed('path', 'disk full')

    def close(self):
        self.closed = True


def test_tasks_are_written_down_together_and_struck_out_when_they_are_done(ends):
    book = Book()
    both = ends(journal=book)
    both.push.send_many('ab')
    ((first, bodies),) = book.written
    assert (first, len(bodies)) == (book.first_number + 1, 2)
    both.worker('on_message')
    both.settle()
    assert book.gone == [first, first + 1]


def test_what_cannot_be_written_down_is_not_taken_on(ends, host):
    book = Book()
    both = ends(journal=book)
    book.broken = True
    with pytest.raises(JournalFailed, match='disk full'):
        both.push.send('a')
    assert both.push.pending().waiting == 0
    book.broken = False
    both.push.send('b')
    book.broken = True
    both.worker('on_message')
    both.settle()
    assert both.push.pending().done == 1
    assert 'disk full' in host.warnings[0]


def kept(number, body, attempts=0, failures=0, given_up=False, error=''):
    from osbrain._io.journal import Kept

    return Kept((1 << 39) + number, 0.0, attempts, failures, given_up, error, body)


def test_a_dispatcher_goes_on_where_an_earlier_one_was(ends):
    dump = CODECS['pickle'].dump
    both = ends(journal=Book([kept(1, dump('a')), kept(2, dump('b'), 3, 1, error='x')]), max_attempts=2)
    both.push.send('c')
    seen = []
    both.worker(lambda agent, message, delivery: seen.append((message, delivery.attempt)))
    both.settle()
    assert seen == [('a', 2), ('b', 4), ('c', 1)]
    assert both.push.pending().oldest == 0


def test_what_was_given_up_before_is_there_again(ends, agent):
    before = [kept(1, CODECS['pickle'].dump('a'), 3, 2, True, 'KeyError: x')]
    both = ends(journal=Book(before))
    ((message, failure),) = both.push.failed()
    assert (message, failure.attempts, failure.error) == ('a', 2, 'KeyError: x')
    book = Book(before)
    both = ends(journal=book, on_failed='on_message')
    both.host.end_turn()
    assert agent.received == ['a']
    assert book.gone == [before[0].number]


def test_failures_are_written_down(ends):
    book = Book()
    both = ends(journal=book, max_attempts=2)
    both.worker(lambda agent, message: 1 / 0)
    both.push.send('a')
    both.settle()
    error = 'ZeroDivisionError: division by zero'
    assert [note[1:] for note in book.notes] == [(1, 1, error, False), (2, 2, error, True)]


def test_who_closes_with_work_left_is_warned_unless_it_is_in_a_journal(ends, host):
    both = ends()
    both.push.send_many('abc')
    both.push.closing()
    assert '3 messages of' in host.warnings.pop()
    book = Book()
    both = ends(journal=book)
    both.push.send('a')
    both.push.closing()
    assert host.warnings == []
    assert book.closed


# -- Nonsense -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'frames',
    [
        b'',
        b'D',
        [b'identity'],
        [b'identity', b'X'],
        [b'identity', b'D123'],
        [b'identity', b'H{}'],
        [b'identity', b'F'],
        [b'identity', b'D', b'more'],
        [b'identity', b'H' + json.dumps({'id': 1}).encode()],
    ],
    ids=repr,
)
def test_what_no_worker_says_is_unreadable(ends, frames):
    both = ends()
    both.push.send('a')
    with pytest.raises(Unreadable):
        both.push.receive(frames)
    assert both.push.pending().waiting == 1


@pytest.mark.parametrize('frames', [b'', b'X', b'T123', b'W', [b'T', b'']], ids=repr)
def test_what_no_dispatcher_says_is_unreadable(ends, frames):
    pull = ends().worker('on_message')
    with pytest.raises(Unreadable):
        pull.receive(frames)
    with pytest.raises(Unreadable):
        pull.split(b'B\x00\x00\x00\x02nonsense')
    assert pull.host.agent.received == []


@pytest.mark.parametrize('word', [b'P', b'Q', b'R' + bytes(16), b'F' + bytes(16), b'D' + bytes(16)])
def test_words_of_strangers_change_nothing(ends, word):
    both = ends()
    both.push.send('a')
    both.push.receive([b'stranger', word])
    assert both.push.pending()[:3] == (1, 0, ())


def generator(agent, message):
    yield message


async def coroutine(agent, message):
    return message


@pytest.mark.parametrize(
    'handler, error',
    [
        (1, HandlerInvalid),
        ('missing', UnknownMethod),
        (lambda: None, HandlerInvalid),
        (lambda agent, a, b, c: None, HandlerInvalid),
        (generator, HandlerInvalid),
        (coroutine, HandlerInvalid),
        (['on_message'], HandlerInvalid),
        ({'topic': 'on_message'}, HandlerInvalid),
    ],
)
def test_a_handler_of_no_accepted_form_is_refused(ends, handler, error):
    both = ends()
    with pytest.raises(error):
        both.worker(handler)
    with pytest.raises(error):
        ends(on_failed=handler)


def test_one_end_sends_and_the_other_receives(ends):
    both = ends('json')
    pull = both.worker('on_message')
    with pytest.raises(KindUnsupported):
        pull.send('x')
    with pytest.raises(KindUnsupported):
        both.push.recv()
    with pytest.raises(MessageInvalid, match='item 1'):
        both.push.send_many(['a', b'bytes'])
    assert both.push.pending().waiting == 0
