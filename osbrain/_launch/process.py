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
from collections.abc import Callable
from typing import Any, TypeVar

from .._clock import Deadline
from .._config import start_method
from .._failures import Failure
from .._io.poller import wait_hung_up
from .._pids import in_words
from ..errors import StartFailed, WaitTimeout
from . import forkserver, spawn
from .interrupts import interrupts_held

_T = TypeVar('_T')

_started: weakref.WeakSet[LaunchedProcess] = weakref.WeakSet()

_STARTED = 'started'
_FAILED = 'failed'
# What multiprocessing.Process keeps for itself; the rest is ours and goes to the new process.
_LOCAL = frozenset({'_popen', '_sentinel', '_closed', '_parent_pid', '_parent_name', '_config', '_identity', '_target'})


class LaunchedProcess(multiprocessing.Process):
    """Starts by ``OSBRAIN_START_METHOD``; ``run`` tells its starter by :meth:`tell_started` that all is well."""

    #: In the new process: the way back to the starter.
    _back: Any = None
    #: In the starter: where the new process's words arrive.
    _ahead: Any = None

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802  (multiprocessing's name)
        method = start_method()
        if method == 'fork':
            return importlib.import_module('multiprocessing.popen_fork').Popen(process_obj)
        return (forkserver.Popen if method == 'forkserver' else spawn.Popen)(process_obj)

    def launch(self, timeout: float | None) -> Any:
        """Start the process and wait for its word; ``RuntimeError`` with what is known of the cause if none comes."""
        self.begin()
        try:
            return self.wait_for_word(timeout)
        except WaitTimeout as error:
            raise self.given_up(error) from error
        except KeyboardInterrupt:
            self.kill()
            raise

    def begin(self) -> None:
        """Start the process, whose word is yet to come; Ctrl-C comes before or after it, and so finds it complete."""
        with interrupts_held():
            self._ahead, self._back = multiprocessing.Pipe(duplex=False)
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
        if not multiprocessing.connection.wait(self.sources, Deadline(timeout).left):
            raise self.silent(timeout)
        return self.hear()

    @property
    def sources(self) -> list[Any]:
        """Of these, one is readable as soon as there is something to :meth:`hear`."""
        return [self._ahead, self.sentinel]

    def hear(self) -> Any:
        """Take what the new process has said, or how it has ended, as :meth:`wait_for_word` does."""
        try:
            if self._ahead.poll(0):
                word, value = self._ahead.recv()
                if word == _STARTED:
                    return value
                failure = Failure(*value)
                cause = failure.rebuild()
                self.join(timeout=1.0)
                raise StartFailed(_report(failure, cause), self.name) from cause
        except EOFError:
            pass
        self.join(timeout=1.0)
        raise StartFailed(f'The process ended before it was ready: {in_words(self.exitcode)}', self.name)

    def silent(self, timeout: float | None) -> WaitTimeout:
        """Return the error for a process that has said nothing for *timeout* seconds."""
        return WaitTimeout(f'process {self.pid} of {self.name!r} has not said whether it is ready', timeout)

    def given_up(self, error: WaitTimeout) -> StartFailed:
        """End a process that was waited for in vain; return the error for it."""
        multiprocessing.Process.kill(self)
        limit = "osbrain.config['START_TIMEOUT']"
        return StartFailed(f'{error}; it was ended ({limit} is the limit).', self.name)

    # -- In the new process ---------------------------------------------------------------------------------------

    def tell_started(self, value: Any) -> None:
        """Tell the starter that a stage of the start is done; whether it still listens does not matter."""
        with contextlib.suppress(OSError):
            self._back.send((_STARTED, value))

    def tell_failed(self, error: BaseException) -> None:
        """Tell the starter why the start failed."""
        with contextlib.suppress(OSError):
            self._back.send((_FAILED, tuple(Failure.of(error))))

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
        return {
            name: value for name, value in vars(self).items() if name not in _LOCAL and name not in ('_ahead', '_back')
        }


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
