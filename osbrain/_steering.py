"""What a person does to one agent of a running system, from a shell or a page; every wait has a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from ._clock import Deadline
from ._pids import kill as kill_process
from ._remote.addresses import nameserver_address
from ._remote.agent_link import AgentLink
from ._remote.errors import NotAnswering, UnknownName, Unreachable
from ._remote.link import Link, nameserver_link
from ._remote.rendering import Rendered
from ._remote.status import AgentStatus, here
from .errors import NobodyRestarts, NotExposed, OptionInvalid, UnknownMethod, WaitTimeout

# Seconds that the name server may take for an answer, and an agent to take in that it is to end.
_ANSWER = 3.0
_CONTACT = 1.0
# Of the time for an end: when who is still there is killed, and when its process is. As NSProxy.shutdown_agents.
_KILL_AT = 0.5
_END_AT = 0.75

# Seconds that the name server has to see the end of an agent that does not answer because it has ended.
_SEE = 0.3

_KILLED = 'it was killed'

#: What the name server says of an agent; ``None``: nobody has the name.
Entry = AgentStatus | None


class _Reached(NamedTuple):
    """One agent, and the name server that knows it."""

    ns: Link
    record: AgentStatus
    link: AgentLink

    def entry(self) -> Entry:
        """Return who has the name now."""
        known: dict[str, AgentStatus] = self.ns.call('unsafe', 'status', (), {}, timeout=_ANSWER)
        return known.get(self.record.name)

    def wait_until(self, holds: Callable[[Entry], bool], deadline: Deadline) -> bool:
        """Whether what the name server says of the name is as wanted before *deadline*."""
        log, newest = '', 0
        while True:
            seconds = deadline.left_or(_ANSWER)
            # The first question, about no log, is answered at once.
            news = self.ns.call('unsafe', 'events', (log, newest, seconds), {}, timeout=seconds + _ANSWER)
            log, newest = news.log, news.newest
            if holds(self.entry()):
                return True
            if deadline.expired:
                return False

    def ended(self, deadline: Deadline) -> bool:
        """Whether the agent gives its name back before *deadline*."""
        return self.wait_until(lambda entry: entry is None or entry.uri != self.record.uri, deadline)

    def order(self, *operation: Any) -> bool:
        """Call an operation that ends the agent, and no other one that has its name since; whether it took it in."""
        link = Link(self.record.uri, self.link.who)
        try:
            link.call(*operation, timeout=_CONTACT)
        except (Unreachable, NotAnswering):
            return False
        finally:
            link.release()
        return True

    def end_process(self) -> None:
        """End the process from outside; :class:`NotAnswering` if it is another machine's."""
        record = self.record
        if not here(record):
            raise NotAnswering(
                f'{self.link.who}, process {record.pid} of {record.host or "another machine"},', _CONTACT
            )
        # Its name first: it has not died by itself.
        self.ns.call('unsafe', 'remove_at', (record.name, record.uri, _KILLED), {}, timeout=_ANSWER)
        kill_process(record.pid, record.pid_started)


@contextmanager
def _reached(nsaddr: Any, name: str) -> Iterator[_Reached]:
    address = nameserver_address(nsaddr)
    ns = nameserver_link(address)
    link = None
    try:
        record = ns.call('unsafe', 'status', (), {}, timeout=_ANSWER).get(name)
        if record is None:
            raise UnknownName(name, str(address))
        link = AgentLink(name, record.uri, address)
        yield _Reached(ns, record, link)
    finally:
        ns.release()
        if link is not None:
            link.release()


def call(
    nsaddr: Any,
    name: str,
    method: str,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    timeout: float = 10.0,
    safe: bool = True,
) -> Rendered:
    """Call *method* of the agent *name* and return its result as text, JSON if it is that.

    *safe*: in the agent's loop, between messages. Errors: ``UnknownName``, ``UnknownMethod``, ``ArgumentsInvalid``,
    ``NotRunning``, ``AgentGone``, ``NotAnswering`` after *timeout* seconds (the call may still be carried out then), or
    what the method raises.
    """
    with _reached(nsaddr, name) as agent:
        answer: Rendered = agent.link.call('call', method, tuple(args), dict(kwargs or {}), safe, timeout=timeout)
        return answer


def set_attribute(nsaddr: Any, name: str, attribute: str, value: Any, timeout: float = 10.0, new: bool = False) -> None:
    """Set an attribute that the agent *name* has; *new*: also one that it has not.

    Errors as for :func:`call`; ``OptionInvalid`` if it is a method, ``UnknownMethod`` if there is none.
    """
    with _reached(nsaddr, name) as agent:
        if attribute.startswith('_'):
            raise NotExposed(name, attribute)
        kind = agent.link.call('kind_of', attribute, timeout=timeout)
        if kind == 'method':
            raise OptionInvalid(attribute, 'a method', f'an attribute of agent {name!r}')
        if not kind and not new:
            raise UnknownMethod(name, attribute)
        # As through a proxy, so that an agent that is started again has it again.
        agent.link.call('call', 'set_attr', (), {attribute: value}, True, timeout=timeout)


def stop(nsaddr: Any, name: str, timeout: float = 10.0) -> bool:
    """End the loop of the agent *name*, whose process stays; whether it ran until now.

    ``WaitTimeout`` if it is busy for longer than *timeout* seconds: it stops when it is done with what it does.
    """
    with _reached(nsaddr, name) as agent:
        ran, stopped = agent.link.call('stop', timeout, timeout=timeout + _CONTACT)
        if not stopped:
            raise WaitTimeout(f'agent {name!r} is busy and stops as soon as it is done with what it does', timeout)
        return bool(ran)


def kill(nsaddr: Any, name: str, timeout: float = 10.0) -> bool:
    """End the agent *name* at once, whatever it is doing; whether its process had to be ended from outside.

    Nobody starts it again, unless its process had to be ended: to a supervisor that is a death like any other.
    ``NotAnswering`` if that cannot be done from this machine.
    """
    with _reached(nsaddr, name) as agent:
        heard = agent.order('kill')
        if agent.ended(Deadline(timeout * _KILL_AT if heard else _SEE)):
            return False
        agent.end_process()
        return True


def restart(nsaddr: Any, name: str, timeout: float = 10.0) -> bool:
    """End the agent *name* so that whoever started it starts it again; whether it had to be killed for that.

    It comes back as it does after a death, with its addresses, its connections and its state, but this is none: it does
    not count as a failure. ``NobodyRestarts`` if it was started without ``restart=`` and has no supervisor;
    ``WaitTimeout`` if it does not run again within *timeout* seconds.
    """
    deadline = Deadline(timeout)
    with _reached(nsaddr, name) as agent:
        if not agent.record.supervised:
            raise NobodyRestarts(name)
        heard = agent.order('renew')
        killed = not agent.ended(Deadline(timeout * _KILL_AT if heard else _SEE))
        if killed:
            # Not the operation of that name: after it, nobody would start the agent again.
            heard = heard and agent.order('unsafe', 'kill', (), {})
            if not agent.ended(Deadline(timeout * (_END_AT - _KILL_AT) if heard else 0.0)):
                agent.end_process()
        uri = agent.record.uri
        if not agent.wait_until(lambda entry: _runs(entry, uri), deadline):
            raise WaitTimeout(f'agent {name!r} has ended, but does not run again', timeout)
        return killed


def _runs(entry: Entry, other_than: str) -> bool:
    return entry is not None and entry.uri != other_than and entry.state == 'running'
