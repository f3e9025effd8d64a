"""A process that tells its starter how its start went; the base of agents' and name servers' processes."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import multiprocessing.connection
import os
import select
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

from .._clock import Deadline
from .._config import start_method
from .._failures import Failure
from .._io.poller import wait_hung_up
from .._pids import in_words
from ..errors import StartFailed, WaitTimeout
from . import forkserver, spawn
from .interrupts import interrupts_held
from .words import Ear, framed, say

_T = TypeVar('_T')

_started: weakref.WeakSet[LaunchedProcess] = weakref.WeakSet()

_STARTED = 'started'
_FAILED = 'failed'
_ORDERED = 'ordered'
_PLANNED = 'planned'
_NOTED = 'noted'
# Notes that are taken in one go, so that one process that notes much keeps nobody from hearing the others.
_AT_ONCE = 1_000
# How long a word may wait for a starter that has stopped listening.
_PATIENCE = 1.0
# What multiprocessing.Process keeps for itself; the rest is ours and goes to the new process.
_LOCAL = frozenset({'_popen', '_sentinel', '_closed', '_parent_pid', '_parent_name', '_config', '_identity', '_target'})
_ENDS = ('_ahead', '_back', '_ear', '_unsaid', '_saying')


class LaunchedProcess(multiprocessing.Process):
    """Starts by ``OSBRAIN_START_METHOD``; ``run`` tells its starter by :meth:`tell_started` that all is well."""

    #: In the new process: the way back to the starter.
    _back: Any = None
    #: In the starter: where the new process's words arrive.
    _ahead: Any = None
    #: In the starter: whether the process has said that it ends because whoever runs the whole system wants it to.
    ordered = False
    #: Whether it was to end so that it is started again.
    planned = False
    _ear: Ear | None = None
    #: In the new process: what is left of a word that the starter did not take in.
    _unsaid = b''
    # Words are whole, whichever threads say them. One that is forked must not inherit what another thread has locked.
    _saying = threading.Lock()

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802  (multiprocessing's name)
        method = start_method()
        if method == 'fork':
            return importlib.import_module('multiprocessing.popen_fork').Popen(process_obj)
        return (forkserver.Popen if method == 'forkserver' else spawn.Popen)(process_obj)

    def launch(self, timeout: float | None) -> Any:
        """Start the process and wait for its word; ``RuntimeError`` with what is known of the cause if none comes."""
        try:
            # In here: an interrupt that was held acts as soon as the process is there.
            self.begin()
            return self.wait_for_word(timeout)
        except WaitTimeout as error:
            raise self.given_up(error) from error
        except KeyboardInterrupt:
            if self.pid:
                self.kill()
            raise

    def begin(self) -> None:
        """Start the process, whose word is yet to come; Ctrl-C comes before or after it, and so finds it complete."""
        with interrupts_held():
            self._ahead, self._back = multiprocessing.Pipe(duplex=False)
            self._ear, self._saying = Ear(self._ahead), threading.Lock()
            _started.add(self)
            try:
                multiprocessing.Process.start(self)
            except BaseException:
                self._ahead.close()
                raise
            finally:
                self._back.close()
                self._back = None

    def wait_for_word(self, timeout: float | None) -> Any:
        """Return what the new process says next; :class:`~osbrain.errors.StartFailed` if it failed or ended instead."""
        deadline = Deadline(timeout)
        while multiprocessing.connection.wait(self.sources, deadline.left):
            word = self.hear()
            if word is not None:
                return word
        raise self.silent(timeout)

    @property
    def sources(self) -> list[Any]:
        """Of these, one is readable as soon as there is something to :meth:`hear`."""
        return [self._ahead, self.sentinel]

    def hear(self) -> Any:
        """Take what the new process has said, or how it has ended, as :meth:`wait_for_word` does.

        ``None`` if that was nothing about its start: notes, which are taken in, or what its end is to mean.
        """
        # Asked first: what it said before its end is there then.
        has_ended = bool(multiprocessing.connection.wait([self.sentinel], 0))
        notes = 0
        with contextlib.suppress(EOFError):
            for word, value in self._words(_AT_ONCE):
                if word == _STARTED:
                    return value
                if word == _FAILED:
                    self._raise_failure(Failure(*value))
                if word == _ORDERED:
                    self.ordered = True
                elif word == _PLANNED:
                    self.planned = True
                else:
                    self.noted(value)
                notes += 1
            if notes == _AT_ONCE or not has_ended:
                return None
        self.join(timeout=1.0)
        raise StartFailed(f'The process ended before it was ready: {self.how_it_ended}', self.name)

    @property
    def how_it_ended(self) -> str:
        """Its exit code in words."""
        return in_words(self.exitcode)

    def force_end(self) -> None:
        """End the process at once, whatever it is doing."""
        multiprocessing.Process.kill(self)

    def _words(self, most: int) -> Iterator[tuple[str, Any]]:
        while most and self._ear is not None and (said := self._ear.next_word()) is not None:
            yield said
            most -= 1

    def _raise_failure(self, failure: Failure) -> NoReturn:
        cause = failure.rebuild()
        self.join(timeout=1.0)
        raise StartFailed(_report(failure, cause), self.name) from cause

    def noted(self, note: Any) -> None:
        """Take in what the new process wants to be remembered."""

    def catch_up(self) -> None:
        """Take in what a process that has ended had noted and nobody has heard."""
        with contextlib.suppress(EOFError):
            for word, value in self._words(-1):
                if word == _NOTED:
                    self.noted(value)

    def silent(self, timeout: float | None) -> WaitTimeout:
        """Return the error for a process that has said nothing for *timeout* seconds."""
        return WaitTimeout(f'process {self.pid} of {self.name!r} has not said whether it is ready', timeout)

    def given_up(self, error: WaitTimeout) -> StartFailed:
        """End a process that was waited for in vain; return the error for it."""
        self.force_end()
        limit = "osbrain.config['START_TIMEOUT']"
        return StartFailed(f'{error}; it was ended ({limit} is the limit).', self.name)

    # -- In the new process ---------------------------------------------------------------------------------------

    def tell_started(self, value: Any) -> None:
        """Tell the starter that a stage of the start is done; whether it still listens does not matter."""
        self._say(_STARTED, value)

    def tell_failed(self, error: BaseException) -> None:
        """Tell the starter why the start failed."""
        self._say(_FAILED, tuple(Failure.of(error)))

    def tell_noted(self, note: Any, seconds: float) -> bool:
        """Have the starter remember *note*; whether there was room for it on the way there within *seconds*."""
        return self._say(_NOTED, note, seconds)

    def _say(self, word: str, value: Any, seconds: float = _PATIENCE) -> bool:
        with self._saying, contextlib.suppress(OSError):
            # The rest of a word comes before the next one.
            self._unsaid = say(self._back, self._unsaid, seconds)
            if self._unsaid:
                return False
            whole = framed((word, value))
            rest = say(self._back, whole, seconds)
            if len(rest) < len(whole):
                self._unsaid = rest
            return not rest
        return True

    def tell_ordered(self) -> None:
        """Tell the starter that the end that is to come is wanted by whoever runs the whole system."""
        self._say(_ORDERED, None)

    def tell_planned(self) -> bool:
        """Tell the starter that this process ends to be started again, however it ends; whether one is there."""
        gone = hasattr(select, 'poll') and wait_hung_up([self.starter], 0)
        return not gone and self._say(_PLANNED, None)

    def guarded(self, stage: Callable[[], _T]) -> _T:
        """Run one stage of the start; if it fails, tell the starter and end the process, without noise of its own."""
        try:
            return stage()
        except BaseException as error:
            self.tell_failed(error)
            code = error.code if isinstance(error, SystemExit) else 1
            raise SystemExit(code if isinstance(code, int) and code else 1) from None

    @property
    def starter(self) -> int:
        """A descriptor that hangs up when the process that started this one has ended, however it did."""
        # The starter keeps the reading end of the pipe open as long as it lives: without it, the pipe is broken.
        return int(self._back.fileno())

    def when_starter_is_gone(self, act: Callable[[], None]) -> None:
        """Call *act* from a thread once the process that started this one has ended, however it did."""

        def watch() -> None:
            wait_hung_up([self.starter], None)
            act()

        if hasattr(select, 'poll'):
            threading.Thread(target=watch, name='osbrain-starter', daemon=True).start()

    def state(self) -> dict[str, Any]:
        """Return what the new process has to know of this one."""
        return {name: value for name, value in vars(self).items() if name not in _LOCAL and name not in _ENDS}


def _report(failure: Failure, cause: BaseException) -> str:
    """Write the new process's traceback; an error of ours is also called by the name under which programs know it."""
    known = next(cls for cls in type(cause).__mro__ if not cls.__module__.startswith('osbrain.'))
    also = '' if known in (type(cause), Exception) else f'({known.__name__}: {failure.text})'
    return f'{failure.traceback.rstrip()}\n{also}'.rstrip()


def _let_go() -> None:
    """In a forked child: it is not the starter of its parent's processes, and must not look as if it were."""
    for process in list(_started):
        if process._ahead is not None:
            process._ahead.close()


if hasattr(os, 'register_at_fork'):
    os.register_at_fork(after_in_child=_let_go)
