"""What a dispatcher of acknowledged work says to its workers and hears from them, and that they die or are late."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Callable
from itertools import count

from ..._clock import monotonic
from ..._ids import short_identifier
from ..._pids import space
from ...address import AgentChannel
from ...errors import WaitTimeout
from .. import ack_frames
from ..dispatch import Dispatch, Task, Worker
from ..given_up import GivenUp
from ..ledger import Journal, Ledger
from ..serializers import Codec, Frames
from ..work import TaskFailure, Terms
from .endpoint import Endpoint, Host, PeerGone, Unreadable, Wire

# A timer that has not fired so long after its time is lost: timers end with a loop that was stopped by a failure.
_LOST_TIMER = 1.0
# How many frames are read at once while somebody waits for room.
_AT_ONCE = 64


class _Peer:
    """How a worker is reached, and who it is."""

    __slots__ = ('greeting', 'identity', 'stop_watching')

    def __init__(self, identity: bytes, greeting: ack_frames.Greeting) -> None:
        self.identity, self.greeting = identity, greeting
        self.stop_watching: Callable[[], None] | None = None

    def __str__(self) -> str:
        return f'{self.greeting.name!r} (process {self.greeting.pid})'


class Dispatcher(Endpoint):
    """The dispatcher, on a ROUTER. Other threads may send, hence the lock; what arrives is read by the loop alone."""

    __slots__ = (
        '_changed',
        '_closed',
        '_dispatch',
        '_due',
        '_given_up',
        '_ledger',
        '_numbers',
        '_origin',
        '_peers',
        '_stop_timer',
    )
    polled = True
    handles = False

    def __init__(
        self, host: Host, address: AgentChannel, codec: Codec, wire: Wire, terms: Terms, journal: Journal | None = None
    ) -> None:
        super().__init__(host, address, codec, wire)
        self._dispatch = Dispatch(terms.limit, terms.ack_wait or 0.0, terms.max_attempts or 1)
        self._origin = short_identifier() if journal is None else journal.origin
        self._numbers = count(1 if journal is None else journal.first_number + 1)
        self._changed = threading.Condition(threading.RLock())
        self._ledger = Ledger(host, self._changed, journal)
        self._given_up = GivenUp(host, self.codec, terms.on_failed, self._strike)
        self._peers: dict[str, _Peer] = {}
        #: When the timer that looks for workers that do not answer is due.
        self._due: float | None = None
        self._stop_timer: Callable[[], None] | None = None
        self._closed = False
        if journal is not None:
            self._go_on(journal)

    def _go_on(self, journal: Journal) -> None:
        """Take up the tasks of an earlier process."""
        now, today = monotonic(), time.time()
        for kept in journal.kept():
            task = self._dispatch.add(kept.number, kept.body, now - max(0.0, today - kept.sent))
            # Nobody wrote down who got it for the first time, which would cost a commit a task: somebody may have.
            task.attempts = max(1, kept.attempts)
            task.failures, task.error = kept.failures, kept.error
            if kept.given_up:
                self._dispatch.give_up(task)
        self._give_up_all()

    # -- Handing out ----------------------------------------------------------------------------------------------

    def _move(self, now: float) -> None:
        """Hand out what can be, and see to what follows from it."""
        dispatch = self._dispatch
        while handed_out := dispatch.hand_out(now):
            for worker, tasks in handed_out.items():
                self._hand_over(worker, tasks, now)
        if self._due is None or now > self._due + _LOST_TIMER:
            if self._stop_timer is not None:
                self._stop_timer()
            self._due, self._stop_timer = dispatch.next_due(), None
            if self._due is not None:
                self._stop_timer = self.host.start_wait(max(0.0, self._due - now), self._on_time)

    def resumed(self) -> None:
        with self._changed:
            self._due = None
            self._move(monotonic())

    def _hand_over(self, worker: Worker, tasks: list[Task], now: float) -> None:
        peer = self._peers[worker.key]
        try:
            for frames in ack_frames.task_frames([(task.number, task.attempts, task.body) for task in tasks]):
                self._say(peer.identity, frames)
        except (PeerGone, WaitTimeout):
            self._forget(worker.key)
            self._dispatch.lost_touch(worker.key, now)

    def _say(self, identity: bytes, frames: Frames) -> None:
        self.wire.send([identity, *frames] if type(frames) is list else [identity, frames], 0)

    def _ask(self, identity: bytes, word: bytes) -> None:
        """Say one word to somebody who may have gone."""
        try:
            self._say(identity, word)
        except (PeerGone, WaitTimeout):
            return

    # -- What arrives ---------------------------------------------------------------------------------------------

    def receive(self, frames: Frames) -> None:
        if type(frames) is not list or len(frames) != 2 or type(frames[1]) is not bytes:
            raise Unreadable(self.codec.name, 'a word of a worker without an envelope')
        identity, frame = frames
        now = monotonic()
        with self._changed:
            read = _WORDS.get(frame[:1])
            if read is None:
                raise Unreadable(self.codec.name, 'nothing that a worker says')
            try:
                read(self, identity, frame, now)
            except (ValueError, TypeError, KeyError, struct.error) as error:
                raise self.unreadable(error) from error
            self._move(now)
            self._give_up_all()
            self._changed.notify_all()

    def _read_arrived(self) -> None:
        """Read all that has arrived, outside of the loop's turns."""
        more = True
        while more:
            messages, more = self.wire.take(_AT_ONCE)
            for frames in messages:
                try:
                    self.receive(frames)
                except Unreadable as error:
                    self.host.raised(error, self)

    def _on_probe(self, identity: bytes, frame: bytes, now: float) -> None:
        self._ask(identity, ack_frames.WHO)

    def _on_hello(self, identity: bytes, frame: bytes, now: float) -> None:
        greeting = ack_frames.read_hello(frame)
        peer = self._peers.get(greeting.id)
        if peer is None:
            peer = self._peers[greeting.id] = _Peer(identity, greeting)
            if not self._watch(peer):
                del self._peers[greeting.id]
                return
        peer.identity, peer.greeting = identity, greeting
        self._ask(identity, ack_frames.welcome(self._origin, greeting.hello, self._dispatch.ack_wait))
        self._dispatch.join(greeting.id, greeting.prefetch, now)

    def _watch(self, peer: _Peer) -> bool:
        """Have a worker on the same machine watched; whether it is there."""
        greeting = peer.greeting
        if greeting.pid == os.getpid() or not greeting.space or greeting.space != space():
            return True
        try:
            peer.stop_watching = self.host.outside.watch_process(
                greeting.pid, greeting.started, lambda: self._died(greeting.id)
            )
        except ProcessLookupError:
            return False
        return True

    def _on_done(self, identity: bytes, frame: bytes, now: float) -> None:
        origin, numbers = ack_frames.read_numbers(frame)
        if origin == self._origin:
            self._ledger.strike(self._dispatch.done(numbers, now))

    def _on_failed_task(self, identity: bytes, frame: bytes, now: float) -> None:
        origin, number, text = ack_frames.read_failed(frame)
        key = self._key_of(identity)
        task = self._dispatch.failed(key, number, text, now) if origin == self._origin else None
        if task is not None:
            self._ledger.note([task])

    def _on_released(self, identity: bytes, frame: bytes, now: float) -> None:
        origin, number, _ = ack_frames.read_failed(frame)
        if origin == self._origin:
            self._dispatch.released(self._key_of(identity), number, now)

    def _on_pause(self, identity: bytes, frame: bytes, now: float) -> None:
        self._dispatch.pause(self._key_of(identity), now)

    def _on_quit(self, identity: bytes, frame: bytes, now: float) -> None:
        key = self._key_of(identity)
        if key is not None:
            self._dispatch.leave(key, now)
            self._forget(key)

    def _key_of(self, identity: bytes) -> str | None:
        return next((key for key, peer in self._peers.items() if peer.identity == identity), None)

    def _forget(self, key: str) -> None:
        peer = self._peers.pop(key, None)
        if peer is not None and peer.stop_watching is not None:
            peer.stop_watching()

    # -- Workers that die, or do not answer -----------------------------------------------------------------------

    def _died(self, key: str) -> None:
        self._read_arrived()
        now = monotonic()
        with self._changed:
            peer = self._peers.get(key)
            worker = self._dispatch.workers.get(key)
            if peer is None:
                return
            if worker is not None and worker.window:
                had = len(worker.window)
                self.host.warn(f'Worker {peer} of {self.alias!r} has died: what it had ({had}) goes to others')
            self._ledger.note(self._dispatch.died(key, f'worker {peer} died', now))
            self._forget(key)
            self._move(now)
            self._give_up_all()
            self._changed.notify_all()

    def _on_time(self) -> None:
        self._due = None
        self._read_arrived()
        self._look_for_late()

    def _look_for_late(self) -> None:
        """Take away from workers that have not answered in time what they have, and have them say hello again."""
        now = monotonic()
        with self._changed:
            silent, blamed = self._dispatch.expire(now)
            for key in silent:
                peer = self._peers[key]
                self.host.warn(
                    f'Worker {peer} of {self.alias!r} has not answered within {self._dispatch.ack_wait:g} s: '
                    'what it had goes to others'
                )
                self._ask(peer.identity, ack_frames.RECALL)
            self._ledger.note(blamed)
            self._move(now)
            self._give_up_all()

    # -- What there is, and what is given up ----------------------------------------------------------------------

    def _give_up_all(self) -> None:
        for task in self._dispatch.given_up():
            failure = TaskFailure(f'{self._origin.hex()}-{task.number:x}', task.failures, task.error)
            self._given_up.take(task, failure, self.alias)

    def _strike(self, numbers: list[int]) -> None:
        with self._changed:
            self._ledger.strike(numbers)

    def _about(self, key: str) -> tuple[str, int]:
        greeting = self._peers[key].greeting
        return greeting.name, greeting.pid


_Word = Callable[[Dispatcher, bytes, bytes, float], None]

_WORDS: dict[bytes, _Word] = {
    ack_frames.PROBE: Dispatcher._on_probe,
    ack_frames.HELLO: Dispatcher._on_hello,
    ack_frames.DONE: Dispatcher._on_done,
    ack_frames.FAILED: Dispatcher._on_failed_task,
    ack_frames.RELEASED: Dispatcher._on_released,
    ack_frames.PAUSE: Dispatcher._on_pause,
    ack_frames.QUIT: Dispatcher._on_quit,
}
