"""What an agent can do with its sockets: open, connect, send, receive, subscribe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._config import get_linger
from .._protocol.patterns.ack_push import AckPush
from .._protocol.patterns.pub_sub import Pub, Sub
from .._protocol.requests import NOBODY, WayBack
from .._protocol.timerheap import checked_seconds
from .._protocol.work import Pending, TaskFailure, Terms
from ..address import AgentAddress, AgentChannel
from ..errors import KindUnsupported, OptionInvalid
from . import wiring
from .core import Core, core_of_this_thread
from .joining import wait_live

#: The two in-process addresses that every running agent has; calls of other threads go through the mailbox instead.
LOOPBACKS = ('loopback', '_loopback_safe')


# Can be gone through, but whoever passes one has a single message in mind.
_SINGLE = (str, bytes, bytearray, memoryview, Mapping)


class Sockets:
    """The part of :class:`osbrain.Agent` that sends and receives."""

    _Agent__core: Core

    def bind(
        self,
        kind: str,
        alias: Any = None,
        handler: Any = None,
        addr: Any = None,
        transport: str | None = None,
        serializer: str | None = None,
        advertise: str | None = None,
        hwm: int | None = None,
        conflate: bool = False,
        batch: bool = False,
        limit: int | None = None,
        ack_wait: float | None = None,
        max_attempts: int | None = None,
        on_failed: Any = None,
        journal: Any = None,
        security: str | None = None,
    ) -> AgentAddress | AgentChannel:
        """Open a server socket (or channel) and return its address, for others to connect to.

        Parameters
        ----------
        kind : str
            ``PUSH``, ``PULL``, ``REQ``, ``REP``, ``PUB``, ``SUB``, or the channels ``ASYNC_REP``, ``SYNC_PUB`` and
            ``ACK_PUSH``.
        alias : str
            Name for the socket inside this agent. Bound anew, it names the new socket; the old one is known by its
            address only, and closed once several of its kind are there and nobody is connected to it.
        handler
            What to call with each message: function of agent and message, method, its name. Kinds that receive need
            one; ``PULL`` takes a list of them, ``SUB`` a dictionary from topic to handler.
        addr
            tcp: host, ``host:port`` or an address (a free port is chosen without one); ipc, inproc: a name.
        transport, serializer : str
            ``tcp``, ``ipc``, ``inproc``; ``pickle``, ``cloudpickle``, ``dill``, ``json``, ``msgpack``, ``raw``.
        advertise : str
            tcp: the host to write into the address, where others reach this machine by another one than was bound.
        hwm : int
            High-water mark: messages that wait for each connection before :meth:`send` waits (``PUB``: drops), and as
            many that have arrived; 0 is no limit, ``None`` ZeroMQ's default of 1,000.
        conflate : bool
            ``PUSH``, ``PULL``, ``SUB``: keep only the newest message; a subscriber the newest of each topic.
        batch : bool
            ``PULL``, ``SUB``: call handlers with a list of all messages that are there; see :func:`osbrain.batched`.
        limit, ack_wait, max_attempts, on_failed, journal
            ``ACK_PUSH``: messages that may be not done yet before :meth:`send` waits (no limit); seconds that a worker
            may take for one (60); how often one may fail (5); what to call with one that was given up, and, if it takes
            it, the :class:`osbrain.TaskFailure` (else see :meth:`failed`); a file that keeps them (none).
        security : str
            ``'curve'``: only who has the cluster's key can talk to the socket; ``'none'``: whoever reaches it. By
            default the agent's, then ``config['SECURITY']``, then the rule (:doc:`/security`).

        Errors: ``ValueError`` for an unknown kind, transport, serializer, option or a missing handler, ``TypeError``
        for a handler of no accepted form, ``zmq.ZMQError`` for an address that cannot be had. Nothing is bound then.

        """
        place = (addr, transport, serializer, advertise, security)
        terms = Terms(limit, ack_wait, max_attempts, on_failed, journal)
        return wiring.bind(self._Agent__core, kind, alias, handler, place, (hwm, conflate, batch), terms)

    def connect(
        self,
        server: AgentAddress | AgentChannel,
        alias: Any = None,
        handler: Any = None,
        ready: float | None = None,
        hwm: int | None = None,
        conflate: bool = False,
        batch: bool = False,
        prefetch: int | None = None,
        security: str | None = None,
    ) -> AgentAddress | AgentChannel:
        """Connect to what another agent (or this one) has bound; returns the client's address or channel.

        A subscriber returns when its subscription is live, or after ``config['CONNECT_WAIT']`` seconds, as the
        publisher may come later. With *ready* (seconds) it is an error (``TimeoutError``) if nobody is there by then.
        *hwm*, *conflate* and *batch* are as in :meth:`bind`, for this end. *prefetch* is for workers of an
        ``ACK_PUSH``: how many messages one may hold that it has not acknowledged (16 by default). *security* is as in
        :meth:`bind`, for addresses that do not say how they are protected; those that ``bind`` made do.
        """
        terms = Terms(prefetch=prefetch)
        flow = (hwm, conflate, batch)
        return wiring.connect(self._Agent__core, server, alias, handler, ready, flow, terms, security)

    def addr(self, alias: Any) -> AgentAddress | AgentChannel:
        """Return the address or channel that *alias* stands for; ``KeyError`` if there is none."""
        if alias in LOOPBACKS:
            return AgentAddress('inproc', alias, 'REP', 'server', 'pickle')
        return self._Agent__core.endpoints.find(alias).address

    def has_socket(self, alias: Any) -> bool:
        """Whether *alias* (or an address) names an open socket."""
        if self._Agent__core.endpoints.names(alias):
            return True
        name = alias.address if isinstance(alias, AgentAddress) else alias
        return self._Agent__core.has_run and name in LOOPBACKS and alias in (name, self.addr(name))

    def close(self, alias: Any, linger: float | None = None) -> None:
        """Close a socket (all sockets of a channel) and forget every name of it.

        What was sent but not delivered goes on for *linger* seconds in the background: ``config['LINGER']`` by default,
        negative for ever, 0 not at all.
        """
        self._Agent__core.close_endpoint(self._Agent__core.endpoints.find(alias), get_linger(linger))

    def close_all(self, linger: float | None = None) -> None:
        """Close every socket that was bound or connected; *linger* as in :meth:`close`."""
        for endpoint in self._Agent__core.endpoints.endpoints():
            self._Agent__core.close_endpoint(endpoint, get_linger(linger))

    def send(
        self,
        address: Any,
        message: Any,
        topic: Any = None,
        handler: Any = None,
        wait: float | None = None,
        on_error: Any = None,
        timeout: float | None = None,
    ) -> None:
        """Send *message* on the socket that *address* names.

        Parameters
        ----------
        address
            Alias, address or channel.
        message
            Anything that the socket's serializer can express.
        topic : str or bytes
            For publishers.
        handler, wait, on_error
            For requests on channels: what to call with the reply; seconds to wait for it; what to call (with the agent
            and, if it takes it, the error) when none came in time or the other end failed.
        timeout : float
            Seconds to wait while nobody takes the message (``config['SEND_TIMEOUT']`` by default, negative for ever);
            then ``TimeoutError``.

        """
        try:
            endpoint = self._Agent__core.endpoints[address]
        except TypeError:  # what cannot be a key is an unknown alias too
            endpoint = self._Agent__core.endpoints.find(address)
        way_back = NOBODY if handler is wait is on_error is None else WayBack(handler, wait, on_error)
        endpoint.send(message, topic, way_back, timeout)

    def send_many(
        self,
        address: Any,
        messages: Iterable[Any],
        topic: Any = None,
        handler: Any = None,
        wait: float | None = None,
        on_error: Any = None,
        timeout: float | None = None,
    ) -> None:
        """Send each of *messages* in order, as :meth:`send` does, at a fraction of the price.

        They are written in one go and travel in one frame (4,096 at most), and are single messages again before any
        handler sees them. For ``PUSH``, ``PUB`` and ``ASYNC_REP``, where each is a request with a reply of its own.
        With ``json`` and ``raw``, which other programs read, each message has its own frame, and so have those with
        large buffers.

        All of them are written before the first is sent: one that the serializer cannot express is an error
        (``TypeError``, it names the item's index), and none is sent. The other parameters are as in :meth:`send`.
        """
        if isinstance(messages, _SINGLE) or not isinstance(messages, Iterable):
            raise OptionInvalid('messages', messages, 'a list of messages, or something else to take them from')
        endpoint = self._Agent__core.endpoints.find(address)
        endpoint.send_many(messages, topic, WayBack(handler, wait, on_error), timeout)

    def recv(self, address: Any, timeout: float | None = None) -> Any:
        """Wait for one message on a ``REQ`` socket and return it; the replier's error is raised here.

        *timeout* in seconds (``config['RECV_TIMEOUT']`` by default, negative for ever), then ``TimeoutError``; after
        that the socket can be used again, and a late answer is dropped.
        """
        return self._Agent__core.endpoints.find(address).recv(timeout)

    def send_recv(self, address: Any, message: Any, timeout: float | None = None) -> Any:
        """Send *message* and wait for the answer; *timeout* in seconds, as in :meth:`recv`."""
        self.send(address, message, timeout=timeout)
        return self.recv(address, timeout)

    def subscribe(self, alias: Any, handler: Any, exact: bool = False) -> None:
        """Add topics to a subscriber: a dictionary from topic to handler, or one handler for everything.

        A topic matches every message whose topic begins with it; with *exact*, only messages of this very topic.
        Returns when the subscription is live, or after ``config['CONNECT_WAIT']`` seconds, as :meth:`connect` does;
        called beside the agent's loop (``unsafe``), and on a socket that is bound, at once.
        """
        endpoint = self.__subscriber(alias)
        if endpoint.subscribe(handler, exact):
            wait_live(self._Agent__core, endpoint)

    def unsubscribe(self, alias: Any, topic: Any) -> None:
        """Drop a topic (text, bytes, or a list of them) of a subscriber; ``KeyError`` if it is not subscribed."""
        self.__subscriber(alias).unsubscribe(topic)

    def __subscriber(self, alias: Any) -> Sub:
        endpoint = self._Agent__core.endpoints.find(alias)
        if not isinstance(endpoint, Sub):
            raise KindUnsupported(endpoint.address.kind, f'Socket {alias!r} is no subscriber but of kind')
        return endpoint

    def pending(self, alias: Any) -> Pending:
        """Tell what an ``ACK_PUSH`` has to do, which worker has how much of it, and what has been done."""
        return self.__dispatcher(alias).pending()

    def failed(self, alias: Any) -> list[tuple[Any, TaskFailure]]:
        """Return what an ``ACK_PUSH`` has given up and no ``on_failed`` took: messages, each with the reason.

        The latest comes last; the latest 1,000 are kept.
        """
        return self.__dispatcher(alias).failed()

    def __dispatcher(self, alias: Any) -> AckPush:
        endpoint = self._Agent__core.endpoints.find(alias)
        if not isinstance(endpoint, AckPush):
            raise KindUnsupported(endpoint.address.kind, f'Socket {alias!r} is no dispatcher but of kind')
        return endpoint

    def subscribers(self, alias: Any) -> int:
        """How many subscribers a publisher has now.

        Of subscribers that are no agents only topics are known: as many count as have the most common one.
        """
        return self.__publisher(alias).subscribers()

    def wait_for_subscribers(self, alias: Any, n: int = 1, wait: float = 10.0) -> int:
        """Wait until a publisher has *n* subscribers, and return how many it has.

        ``TimeoutError`` after *wait* seconds. Called through a proxy, the agent goes on with its work meanwhile; called
        by the agent itself, it handles nothing else until then.
        """
        if isinstance(n, bool) or not isinstance(n, int) or n < 0:
            raise OptionInvalid('n', n, 'a number of subscribers')
        core = self._Agent__core
        in_loop = not core.running or core_of_this_thread() is core
        return self.__publisher(alias).wait_for_subscribers(n, checked_seconds(wait, 'wait'), in_loop)

    def __publisher(self, alias: Any) -> Pub:
        endpoint = self._Agent__core.endpoints.find(alias)
        if not isinstance(endpoint, Pub):
            raise KindUnsupported(endpoint.address.kind, f'Socket {alias!r} is no publisher but of kind')
        return endpoint
