"""How each fault is done to the system, and how it is seen that the system has got over it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import zmq

from osbrain import AgentEvent, NSProxy
from osbrain.errors import NotRunning, OsBrainError
from osbrain.helper import wait_condition
from osbrain.nameserver import NameServerProcess
from osbrain.proxy import NotAnswering, UnknownName, Unreachable

from .ledger import Ledger
from .schedule import Fault, Strike
from .system import System

#: Seconds that a worker is stopped: sometimes shorter than its tasks are waited for, sometimes longer.
STOPPED = (0.3, 1.5)
#: Seconds that the dispatcher has no descriptor to spare.
STARVED = 0.3
#: Seconds after which something that has not recovered never will.
PATIENCE = 20.0

# What no peer of ours would send: nothing, much, more frames than there are, a damaged pickle.
GARBAGE: tuple[list[bytes], ...] = (
    [b''],
    [b'', b'', b''],
    [b'\x00' * 5],
    [b'\xff' * 70_000],
    [b'\x80\x05cos\nsystem'],
    [b'x'] * 40,
    [b'\x00*osbrain'],
    [b'\x00+osbrain'],
)


class Striker:
    """Strikes a system; runs in the process that started it."""

    def __init__(self, system: System, nameserver: NameServerProcess, ledger: Ledger) -> None:
        self._system = system
        self._nameserver = nameserver
        self._ledger = ledger
        self._killed: dict[str, float] = {}
        self._stopped: set[int] = set()
        self._threads: list[threading.Thread] = []
        self._context = zmq.Context()
        self.dispatcher_killed_at: float | None = None
        self._how: dict[Fault, Callable[[Strike], bool]] = {
            Fault.WORKER_KILLED: self._kill_worker,
            Fault.WORKER_STOPPED: self._stop_worker,
            Fault.DISPATCHER_KILLED: self._kill_dispatcher,
            Fault.NAME_SERVER_KILLED: self._kill_nameserver,
            Fault.QUEUE_FILLED: self._fill_queue,
            Fault.DESCRIPTORS_EXHAUSTED: self._exhaust_descriptors,
            Fault.FRAMES_CORRUPT: self._send_garbage,
        }

    def strike(self, strike: Strike) -> None:
        """Do one fault; one that finds nobody to hit is not counted."""
        try:
            if self._how[strike.fault](strike):
                self._ledger.struck(strike.fault)
        except (Unreachable, NotAnswering, NotRunning, UnknownName, OSError):
            pass  # What it was to hit is down already: another fault was quicker.
        except Exception as error:
            self._ledger.trouble(f'{strike.fault.value}: {type(error).__name__}: {error}')

    def heard(self, event: AgentEvent) -> None:
        """Take in what the name server tells: a worker that runs again has recovered."""
        at = self._killed.pop(event.name, None) if event.kind == 'running' else None
        if at is not None:
            self._ledger.recovered(Fault.WORKER_KILLED, time.monotonic() - at)

    def end(self) -> None:
        """Let everything go on that was stopped, and wait until it does."""
        for thread in self._threads:
            thread.join(PATIENCE)
        self._context.destroy(0)

    # -- Processes --------------------------------------------------------------------------------------------------

    def _worker(self, strike: Strike) -> tuple[str, int] | None:
        running = [
            (child.name, child.pid)
            for child in self._system.supervisor.which_children()
            if child.state == 'running' and child.pid and child.pid not in self._stopped
        ]
        return running[int(strike.victim * len(running))] if running else None

    def _kill_worker(self, strike: Strike) -> bool:
        victim = self._worker(strike)
        if victim is None:
            return False
        name, pid = victim
        self._killed[name] = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        return True

    def _stop_worker(self, strike: Strike) -> bool:
        victim = self._worker(strike)
        if victim is None:
            return False
        _, pid = victim
        self._stopped.add(pid)
        os.kill(pid, signal.SIGSTOP)
        self._later(STOPPED[int(strike.victim * 1000) % len(STOPPED)], lambda: self._go_on(pid))
        return True

    def _go_on(self, pid: int) -> None:
        self._stopped.discard(pid)
        os.kill(pid, signal.SIGCONT)

    def _kill_dispatcher(self, strike: Strike) -> bool:
        found: list[int] = []

        def there() -> bool:
            with contextlib.suppress(OsBrainError):  # it is just coming back from another fault
                found.append(self._system.dispatcher.unsafe.process_id())
            return bool(found)

        if not wait_condition(there, timeout=PATIENCE):
            raise OsBrainError(f'the dispatcher was not there for {PATIENCE:g} s')
        self.dispatcher_killed_at = time.monotonic()
        os.kill(found[0], signal.SIGKILL)
        return True

    def dispatcher_works(self) -> None:
        """Told by whoever hands tasks in: the dispatcher has taken some."""
        at, self.dispatcher_killed_at = self.dispatcher_killed_at, None
        if at is not None:
            self._ledger.recovered(Fault.DISPATCHER_KILLED, time.monotonic() - at)

    def _kill_nameserver(self, strike: Strike) -> bool:
        addr, pid = self._nameserver.addr, self._nameserver.pid
        os.kill(pid or 0, signal.SIGKILL)
        at = time.monotonic()
        self._nameserver.join()
        self._nameserver = NameServerProcess(addr)
        self._nameserver.start()
        self._later(0, lambda: self._wait_for_names(addr, at))
        return True

    def _wait_for_names(self, addr: Any, at: float) -> None:
        wanted = {'sink', 'dispatcher', 'supervisor'}  # workers come and go

        def known() -> bool:
            with contextlib.suppress(OsBrainError, OSError), NSProxy(addr, timeout=0) as ns:
                return wanted <= set(ns.agents())
            return False

        if wait_condition(known, timeout=PATIENCE):
            self._ledger.recovered(Fault.NAME_SERVER_KILLED, time.monotonic() - at)
        else:
            self._ledger.trouble(f'{PATIENCE:g} s after its start, a new name server did not know everybody')

    # -- Resources and bytes ----------------------------------------------------------------------------------------

    def _fill_queue(self, strike: Strike) -> bool:
        return bool(self._system.dispatcher.overfill())

    def _exhaust_descriptors(self, strike: Strike) -> bool:
        self._system.dispatcher.starve(STARVED)
        return True

    def _send_garbage(self, strike: Strike) -> bool:
        frames = GARBAGE[int(strike.victim * len(GARBAGE))]
        chance = random.Random(strike.victim)  # noqa: S311  (garbage is no secret)
        for place in self._system.places:
            socket = self._context.socket(zmq.DEALER)
            try:
                socket.connect(place)
                socket.send_multipart([*frames, chance.randbytes(64)], flags=zmq.NOBLOCK)
            finally:
                socket.close(100)
        return True

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        def act() -> None:
            threading.Event().wait(seconds)
            with contextlib.suppress(OSError):  # it was killed meanwhile
                action()

        thread = threading.Thread(target=act, name='faults-later', daemon=True)
        self._threads.append(thread)
        thread.start()
