"""The machinery behind one agent: what it is made of, whether it runs, and what happens when something fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from .._clock import Deadline, monotonic
from .._config import config, get_linger
from .._events import AgentEvent
from .._failures import text_of
from .._io.errors import ZMQError
from .._io.poller import Interruption
from .._protocol.patterns.endpoint import Endpoint, Unreadable
from .._protocol.requests import OpenRequests
from .._traceback import framed, traceback_of
from ..errors import OptionInvalid, OsBrainError
from . import log as _log
from .calls import MethodFailed
from .hooks import Hooks, look_for_tracer
from .loop import Loop
from .mailbox import Job, Mailbox
from .monitors import Monitors, Watching
from .outside import Outside
from .recent import RecentLines
from .registry import Registry
from .timers import Timers
from .waiting import Waits, identity_of
from .wires import Wires

# How long a handler that waits for somebody else may go on doing so once the agent was asked to shut down.
_GRACE = 0.5

_here = threading.local()


def core_of_this_thread() -> Core | None:
    """Return the core whose loop this thread runs, if it runs one."""
    return getattr(_here, 'core', None)


def core_of(agent: Any) -> Core:
    """Return the machinery of *agent*, for the rooms that run it in a process and answer calls for it."""
    core: Core = agent._Agent__core
    return core


def forget_core_of_this_thread() -> None:
    """In a child forked inside a handler: this thread runs no loop any more."""
    _here.core = None


class Interrupted(BaseException):
    """Ends a wait inside a handler because the agent is ending; not an Exception, so that handlers let it pass."""


class Lifeline(Protocol):
    """What an agent's process does for it."""

    def report(self, state: str, reason: str | None) -> None:
        """Tell the name server that the agent runs or has stopped, and why."""

    def end(self) -> None:
        """End the process without asking anybody."""

    def crashed(self, error: BaseException) -> None:
        """Note that *error* stops the agent's loop."""

    def fail(self, error: BaseException) -> None:
        """End the agent, and then its process with the exit code of a failure, which the starter is told."""

    def renew(self) -> None:
        """Have the agent started again when it has ended, which is its caller's to bring about."""

    def watch(self, callback: Callable[[AgentEvent], object]) -> Watching:
        """Have *callback* told of each event of the name server, from another thread."""

    def checkpoint(self) -> None:
        """Save the agent's state, if anybody keeps it."""

    def stand_in(self) -> tuple[Any, ...]:
        """Return what pickle writes where the agent itself is to leave its process."""


class Recall(Protocol):
    """What an agent that takes another one's place knows of the addresses which that one had."""

    def attach(self, core: Core) -> None:
        """Begin: *core* is the agent's."""

    def bound(self, key: tuple[Any, str, str], make: Callable[[Any], Endpoint]) -> Endpoint:
        """Bind by *make*, which takes the address or channel to have again (``None``: there is none)."""


def expect_recall(cls: type, recall: Recall | None) -> None:
    """Give *recall* to the next agent of class *cls* made in this thread, which needs it before its ``on_init``."""
    _here.expected = (cls, recall)


def _take_recall(agent: Any) -> Recall | None:
    cls, recall = getattr(_here, 'expected', (None, None))
    if type(agent) is not cls:
        return None
    _here.expected = (None, None)
    return recall


class Core:
    """Everything an agent consists of, behind its public surface."""

    def __init__(self, agent: Any, name: str, uuid: bytes) -> None:
        self.agent = agent
        self.name = name
        self.made = monotonic()
        self.endpoints = Registry(name)
        self.requests = OpenRequests()
        self.mailbox = Mailbox(name)
        self.timers = Timers(name, self.mailbox.ring)
        self.loop = Loop(self, self.mailbox, self.timers)
        self.waits = Waits(identity_of(name, uuid))
        self.lifeline: Lifeline | None = None
        #: What the agent wants to know of others, once it wants to know anything.
        self.monitors: Monitors | None = None
        #: Who is told what the agent does, once somebody is.
        self.hooks: Hooks | None = None
        self.on_error: str = checked_policy(config['ON_ERROR'])
        #: What was logged lately, for whoever looks in from outside.
        self.recent = RecentLines()
        self.counters: dict[str, int] = {'errors': 0, 'undecodable': 0}
        self.running = False
        self.has_run = False
        #: What made the loop stop, if it was a failure.
        self.crash: BaseException | None = None
        self.begun = False
        self.changed = threading.Condition()
        self.reason: str | None = None
        #: Set when the agent was asked to shut down; until then its loop may be started again.
        self.ending = False
        #: Why it ends, if it was not asked to shut down.
        self.why_ending: str | None = None
        self.drain = 0.0
        #: Set when whoever runs the whole system wants the agent to end; nobody starts it again then.
        self.ordered = False
        #: What the agent owns beside its sockets; closed with them.
        self.belongings: list[Callable[[], None]] = []
        self._grace: Deadline | None = None
        self.wires = Wires(self, self.loop.touched, self._interruption)
        self.outside = Outside(self.loop, self._interruption, lambda: not self.running or core_of_this_thread() is self)
        self.recall = _take_recall(agent)
        if self.recall is not None:
            self.recall.attach(self)

    # -- Waiting inside a handler ---------------------------------------------------------------------------------

    def _interruption(self) -> Interruption | None:
        """Return what may end a wait: in the loop's thread, what other threads want of it meanwhile."""
        return self if core_of_this_thread() is self else None

    @property
    def fd(self) -> int:
        """Readable when :meth:`serve` has something to do."""
        return self.mailbox.bell.fd

    def silence(self) -> None:
        """Make :attr:`fd` unreadable again."""
        self.mailbox.bell.silence()

    def serve(self) -> float | None:
        """During a wait inside a handler: answer what cannot wait, and end the wait if the agent is to end."""
        while (job := self.mailbox.next_job(urgent=True)) is not None:
            self.run_job(job)
        if not self.ending or self._grace is None:
            return None
        if self._grace.expired:
            raise Interrupted
        return self._grace.left

    # -- Running --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run the loop in this thread until it is told to stop, crashes, or the agent shuts down."""
        if self.running:
            raise OptionInvalid('run()', self.name, 'called on an agent that is not running yet')
        self.loop.keep_alive = not self.ending
        _here.core = self
        self.mailbox.open()
        self.has_run, self.crash = True, None
        self._set_running(True, None)
        try:
            self._begin()
            for endpoint in self.endpoints.endpoints():
                endpoint.resumed()
            self.loop.run()
            if self.ending and self.drain:
                self.loop.drain(self.drain)
        except (Interrupted, KeyboardInterrupt):
            self.end()
        except SystemExit:
            if not self.begun:
                raise
            self.end()
        finally:
            for endpoint in self.endpoints.endpoints():
                endpoint.paused()
            _here.core = None
            # What ran meanwhile may have stopped it already; mypy cannot know.
            if bool(self.running):
                self._stopped('it was shut down' if self.ending else 'it was stopped')

    def _begin(self) -> None:
        """Let the agent prepare itself in its loop's thread; only then it counts as started."""
        self.begun = False
        if self.monitors is not None:
            self.monitors.begin()
        if self.hooks is not None:
            self.hooks.before_run()
        self.agent.before_loop()
        look_for_tracer(self)
        self.begun = True
        if self.lifeline is not None:
            self.lifeline.report('running', None)

    def stop(self) -> None:
        """End the loop after what it is doing now."""
        self.loop.keep_alive = False
        self.mailbox.ring()

    def end(self) -> None:
        """As :meth:`stop`, for good: a handler that waits for somebody else is waited for no longer than a moment."""
        self._grace = Deadline(_GRACE)
        self.ending = True
        self.stop()

    def _stopped(self, reason: str) -> None:
        self.loop.keep_alive = False
        self._set_running(False, reason)
        self.mailbox.close(reason)

    def _set_running(self, running: bool, reason: str | None) -> None:
        with self.changed:
            self.running, self.reason = running, reason
            self.changed.notify_all()
        if self.hooks is not None and reason is not None:
            self.hooks.after_run(reason)
        if self.lifeline is not None and not running and not self.ending:
            self.lifeline.report('stopped', reason)

    def wait_for_running(self, seconds: float | None) -> bool:
        """Whether the loop runs within *seconds*."""
        with self.changed:
            return self.changed.wait_for(lambda: self.running and self.loop.keep_alive, Deadline(seconds).left)

    def idle(self) -> None:
        """Nothing happened for a poll timeout."""
        self.agent.idle()

    def poll_seconds(self) -> float:
        """Return the agent's poll timeout in seconds; the agent may change it at any time."""
        return float(self.agent._poll_timeout) / 1000

    # -- What the loop runs ---------------------------------------------------------------------------------------

    def guarded(self, action: Callable[..., Any], *args: Any) -> None:
        """Run *action*; what it raises crashes the agent, or is logged and counted, but never goes further."""
        try:
            action(*args)
        except BaseException as error:
            self.raised(error, getattr(action, '__self__', None))
        look_for_tracer(self)

    def raised(self, error: BaseException, by: Any) -> None:
        """Deal with *error*, which is being handled and was raised while *by*, an endpoint perhaps, was served."""
        if isinstance(error, Unreadable):
            self.counters['undecodable'] += 1
            if isinstance(by, Endpoint):
                by.undecodable += 1
            self.log('ERROR', _ignored(by, self.name, error))
        elif isinstance(error, Exception):
            if isinstance(by, Endpoint):
                by.errors += 1
            self.failed(error)
        elif isinstance(error, (SystemExit, KeyboardInterrupt, Interrupted)):
            self.end()
        else:
            raise error

    def run_job(self, job: Job) -> None:
        """Run one call of another thread; it gets the outcome, the agent its share of it."""
        before, self.waits.job = self.waits.job, job.waiting
        try:
            result = job.action()
        except MethodFailed as failure:
            if not failure.callers_mistake:
                self.failed(failure.error)
            job.finish(error=failure)
        except Exception as error:
            self.failed(error)
            job.finish(error=error)
        except BaseException as error:
            job.finish(error=MethodFailed(error, f'the agent was ended by {type(error).__name__}', False))
            self.end()
            if isinstance(error, Interrupted):
                raise
        else:
            job.finish(result)
        finally:
            self.waits.job = before
            look_for_tracer(self)

    def failed(self, error: BaseException) -> None:
        """Something inside the agent's own code failed, and is being handled: crash, or go on if that is the policy."""
        self.counters['errors'] += 1
        text = f'An exception occurred while running! ({text_of(error)})\n{framed(traceback_of(error))}'
        if self.on_error == 'continue':
            self.log('ERROR', text)
            return
        self.timers.clear()
        self.crash = error
        if self.lifeline is not None:
            self.lifeline.crashed(error)
        self._stopped(f'{type(error).__name__}: {text_of(error)}')
        self.log('ERROR', text)

    # -- What endpoints ask for (osbrain._protocol.patterns.endpoint.Host) ------------------------------------------

    def start_wait(self, seconds: float, action: Callable[[], Any]) -> Callable[[], None]:
        """Run *action* in the loop after *seconds*, without a timer that anybody sees."""
        return self.timers.wait(seconds, action)

    def at_turn_end(self, action: Callable[[], None], endpoint: Endpoint | None = None) -> None:
        """Run *action* in the loop when the messages that are there have been handled; its time is the *endpoint*'s."""
        self.loop.at_turn_end(action, endpoint)

    def warn(self, text: str) -> None:
        """Log a warning."""
        self.log('WARNING', text)

    def log(self, level: str, message: Any, logger: Any = '_logger') -> None:
        """Log one record; an error is printed at least, whatever is wrong with the logger."""
        message = f'{message}'
        self.recent.add(level, message)
        try:
            _log.log(self.name, level, message, self.endpoints.get(logger))
        except (OsBrainError, ZMQError) as error:
            if level == 'ERROR':
                _log.log(self.name, level, f'{message}\n(and its logger could not be told: {error})', None)
            else:
                raise

    # -- Ending ---------------------------------------------------------------------------------------------------

    def close(self, linger: float | None = None) -> None:
        """Close every socket; what was sent may go on for *linger* seconds."""
        if self.monitors is not None:
            self.monitors.end()
        self.timers.clear()
        while self.belongings:
            self.belongings.pop()()
        for endpoint in self.endpoints.endpoints():
            self.close_endpoint(endpoint, get_linger(linger))
        if self.hooks is not None:
            self.hooks.end()
        self.outside.close()

    def close_endpoint(self, endpoint: Any, linger: int) -> None:
        """Close one endpoint and forget its names."""
        if self.hooks is not None:
            self.hooks.closed(endpoint)
        endpoint.closing()
        self.endpoints.forget(endpoint)
        for wire in endpoint.wires:
            self.loop.forget(wire)
            wire.close(linger)

    def remove_files(self) -> None:
        """Remove the files of ipc sockets without touching the sockets, which another thread may be using."""
        for endpoint in self.endpoints.endpoints():
            for wire in endpoint.wires:
                wire.remove_file()  # type: ignore[attr-defined]


def _ignored(endpoint: Any, agent: str, error: Unreadable) -> str:
    """Say on which socket of *agent* a message was ignored, why, and what is known of its sender."""
    address: Any = getattr(endpoint, 'address', None)
    connected = address is not None and getattr(address, 'role', 'server') == 'client'
    sender = address.twin() if connected else f'a peer of {address}'
    return f'Message ignored on socket {getattr(endpoint, "alias", "?")!r} of agent {agent!r}, from {sender}: {error}'


def checked_policy(policy: Any) -> str:
    """Check *policy*, which says what a failing handler does to its agent, and return it."""
    if policy not in ('stop', 'continue'):
        raise OptionInvalid('on_error', policy, "'stop' or 'continue'")
    return str(policy)
