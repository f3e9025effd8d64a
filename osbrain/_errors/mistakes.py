"""Mistakes of whoever made a call: the agent that was asked goes on."""

from __future__ import annotations

from typing import Any

from .base import OsBrainError


class CallerError(OsBrainError):
    """A mistake of whoever made the call; the agent that was asked is unharmed."""


class UnknownAlias(CallerError, KeyError):
    """No open socket has this alias or address."""

    def __init__(self, alias: Any, agent: str = '', known: tuple[str, ...] = ()) -> None:
        super().__init__(alias, agent, known)
        self.alias, self.agent, self.known = alias, agent, known

    def sentence(self) -> str:
        have = ', '.join(sorted(self.known)) or 'none'
        return f'agent {self.agent!r} has no socket {self.alias!r} (open: {have})'


class UnknownTimer(CallerError, KeyError):
    """No timer has this identifier."""

    def __init__(self, timer: Any, agent: str = '') -> None:
        super().__init__(timer, agent)
        self.timer, self.agent = timer, agent

    def sentence(self) -> str:
        return f'agent {self.agent!r} has no timer {self.timer!r}'


class UnknownTopic(CallerError, KeyError):
    """The topic was never subscribed."""

    def __init__(self, topic: bytes, alias: Any = '') -> None:
        super().__init__(topic, alias)
        self.topic, self.alias = topic, alias

    def sentence(self) -> str:
        return f'socket {self.alias!r} is not subscribed to {self.topic!r}'


class UnknownChild(CallerError, KeyError):
    """The supervisor has no child of this name."""

    def __init__(self, name: Any, supervisor: str = '', known: tuple[str, ...] = ()) -> None:
        super().__init__(name, supervisor, known)
        self.name, self.supervisor, self.known = name, supervisor, known

    def sentence(self) -> str:
        have = ', '.join(self.known) or 'none'
        return f'supervisor {self.supervisor!r} has no child {self.name!r} (children: {have})'


class UnknownMethod(CallerError, AttributeError):
    """The agent has no attribute or method of this name."""

    def __init__(self, agent: str, attribute: str) -> None:
        super().__init__(agent, attribute)
        self.agent, self.attribute = agent, attribute

    def sentence(self) -> str:
        return f'agent {self.agent!r} object has no attribute {self.attribute!r}'


class ArgumentsInvalid(CallerError, TypeError):
    """The method of the agent does not take these arguments; nothing of it has run."""

    def __init__(self, agent: str, method: str, signature: str, why: str) -> None:
        super().__init__(agent, method, signature, why)
        self.agent, self.method, self.signature, self.why = agent, method, signature, why

    def sentence(self) -> str:
        return f'{self.method}{self.signature} of agent {self.agent!r} cannot be called so: {self.why}'


class NobodyRestarts(CallerError, RuntimeError):
    """An agent is to be started again whose starter does not do that, or is not there any more."""

    def __init__(self, agent: str) -> None:
        super().__init__(agent)
        self.agent = agent

    def sentence(self) -> str:
        return (
            f'nobody would start agent {self.agent!r} again: it was started without restart= and without a supervisor, '
            'or the program that would do it has ended; shut it down and run the program again that starts it'
        )


class NotExposed(UnknownMethod):
    """The proxy's agent shows no attribute or method of this name."""

    def sentence(self) -> str:
        return f'remote agent {self.agent!r} has no exposed attribute or method {self.attribute!r}'


class AttributeTaken(CallerError, KeyError):
    """An initial attribute would replace something that the agent already has."""

    def sentence(self) -> str:
        return f'Agent already has "{self.args[0]}" attribute!'


class NameInvalid(CallerError, ValueError):
    """An agent's name must be a text that the name server can keep."""

    def __init__(self, name: Any, why: str) -> None:
        super().__init__(name, why)
        self.name, self.why = name, why

    def sentence(self) -> str:
        return f'{self.name!r} cannot be the name of an agent: {self.why}'


class AddressInvalid(CallerError, ValueError):
    """The text or object is no address."""

    def __init__(self, address: Any, why: str) -> None:
        super().__init__(address, why)
        self.address, self.why = address, why

    def sentence(self) -> str:
        return f'{self.why}: {self.address!r}'


class PortInvalid(AddressInvalid, AssertionError, TypeError):
    """A port must be a whole number."""

    def __init__(self, port: Any) -> None:
        super().__init__(port, 'Incorrect parameter port, expecting type int')


class ServerAddressRequired(CallerError, AssertionError, ValueError):
    """Clients connect to servers: the address given is a client's."""

    def sentence(self) -> str:
        return f'A server address must be provided (one that bind() returned), not {self.args[0]!r}'


class NotAnAddress(CallerError, TypeError):
    """What was given to connect to is no address."""

    def __init__(self, value: Any) -> None:
        super().__init__(repr(value))
        self.value = repr(value)

    def sentence(self) -> str:
        return f'{self.value} is no address: pass what bind() returned, or addr(alias) of the other agent'


class AlreadyConnected(CallerError, NotImplementedError, AssertionError):
    """A second handler for a connection that exists has no defined meaning."""

    def __init__(self, address: Any, agent: str = '') -> None:
        super().__init__(address, agent)
        self.address, self.agent = address, agent

    def sentence(self) -> str:
        return (
            f'Undefined behavior! Agent {self.agent!r} is already connected to {self.address!r}: '
            'close that socket first, or use subscribe() to change topics'
        )


class KindUnsupported(CallerError, NotImplementedError, ValueError):
    """The operation does not apply to sockets or channels of this kind."""

    def __init__(self, kind: Any, what: str) -> None:
        super().__init__(kind, what)
        self.kind, self.what = kind, what

    def sentence(self) -> str:
        return f'{self.what}: {self.kind}'


class HandlerRequired(CallerError, ValueError):
    """A receiving socket was asked for without a handler."""

    def __init__(self, kind: Any = '') -> None:
        super().__init__(kind)
        self.kind = kind

    def sentence(self) -> str:
        which = f' A {self.kind} receives messages: pass handler=...' if self.kind else ''
        return 'This socket requires a handler!' + which


class ReplyHandlerRequired(HandlerRequired):
    """A request was sent with nobody to take the reply."""

    def sentence(self) -> str:
        return f'No handler for {self.kind} request: pass handler=... (it gets the reply)'


class HandlerInvalid(CallerError, TypeError):
    """The handler is of no accepted form, or takes the wrong number of parameters."""

    def __init__(self, handler: Any, why: str = 'Unknown handler type') -> None:
        super().__init__(repr(handler), why)
        self.handler, self.why = repr(handler), why

    def sentence(self) -> str:
        return f'{self.why}: {self.handler}'


class OptionInvalid(CallerError, ValueError):
    """An argument has a value that is not among the allowed ones."""

    def __init__(self, option: str, value: Any, expected: str) -> None:
        super().__init__(option, value, expected)
        self.option, self.value, self.expected = option, value, expected

    def sentence(self) -> str:
        return f'{self.option} must be {self.expected}, not {self.value!r}'


class TopicInvalid(CallerError, TypeError, ValueError):
    """A topic must be text or bytes, without the separator byte 0x80."""

    def __init__(self, topic: Any, why: str) -> None:
        super().__init__(topic, why)
        self.topic, self.why = topic, why

    def sentence(self) -> str:
        return f'{self.topic!r} cannot be a topic: {self.why}'


class MessageInvalid(CallerError, TypeError, ValueError):
    """The serializer of the socket cannot express the message."""

    def __init__(self, serializer: str, type_name: str, why: str) -> None:
        super().__init__(serializer, type_name, why)
        self.serializer, self.type_name, self.why = serializer, type_name, why

    def sentence(self) -> str:
        return f'a message of type {self.type_name} cannot be sent with serializer {self.serializer!r}: {self.why}'


class Unpicklable(MessageInvalid):
    """What goes with a call to another process, or comes back from it, cannot be pickled."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__('cloudpickle', what, why)
        self.args = (what, why)

    def sentence(self) -> str:
        return f'{self.type_name} cannot be pickled: {self.why}'


class LoggerInvalid(CallerError, AssertionError, ValueError):
    """What was given cannot serve as logger."""

    def __init__(self, logger: Any, why: str) -> None:
        super().__init__(repr(logger), why)
        self.why = why

    def sentence(self) -> str:
        return f'{self.why} (got {self.args[0]})'


class PeriodInvalid(CallerError, ValueError):
    """Timers take periods and delays in seconds."""

    def __init__(self, period: Any, what: str) -> None:
        super().__init__(period, what)
        self.period, self.what = period, what

    def sentence(self) -> str:
        return f'{self.what} must be a number of seconds, 0 or more, not {self.period!r}'


class RequestsFull(CallerError, RuntimeError):
    """More requests are open than ``config['REQUEST_LIMIT']`` allows."""

    def __init__(self, alias: Any, limit: int) -> None:
        super().__init__(alias, limit)
        self.alias, self.limit = alias, limit

    def sentence(self) -> str:
        return (
            f'{self.limit} requests are open on {self.alias!r}: wait for replies, or raise '
            "osbrain.config['REQUEST_LIMIT'] (or drop requests that nobody answers with send(..., wait=seconds))"
        )


class MessageTooLarge(CallerError, ValueError):
    """A call, or its answer, has more bytes than ``config['MAX_MESSAGE_SIZE']`` of either end; nothing was sent."""

    def __init__(self, what: str, size: int, limit: int) -> None:
        super().__init__(what, size, limit)
        self.what, self.size, self.limit = what, size, limit

    def sentence(self) -> str:
        return (
            f"{self.what} has {self.size:,} bytes, {self.limit:,} are the most (osbrain.config['MAX_MESSAGE_SIZE'], "
            'here and at the other end): send large data in messages between agents, or raise the limit at both ends'
        )


class JournalInvalid(CallerError, ValueError):
    """The file cannot be the journal of this dispatcher; it was left as it is."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def sentence(self) -> str:
        return f'{self.path} cannot be the journal: {self.why}'


class Unprotected(CallerError, ValueError):
    """A socket was asked for that anybody could feed, with a serializer that runs code of whoever feeds it."""

    def __init__(self, serializer: str, switch: str) -> None:
        super().__init__(serializer, switch)
        self.serializer, self.switch = serializer, switch

    def sentence(self) -> str:
        return (
            f"security='none' would let anybody who reaches the socket run code here: reading {self.serializer!r} does "
            f"what the sender wrote. Choose the serializer 'raw', 'json' or 'msgpack', or leave security= out; "
            f'if strangers may run code: osbrain.config[{self.switch!r}] = True'
        )


class SerializerForbidden(CallerError, ValueError):
    """A serializer that runs code is asked for where the environment forbids them all."""

    def __init__(self, serializer: str) -> None:
        super().__init__(serializer)
        self.serializer = serializer

    def sentence(self) -> str:
        return (
            f'reading {self.serializer!r} runs what the sender wrote, which OSBRAIN_ALLOW_PICKLE=off forbids: '
            "choose the serializer 'json', 'msgpack' or 'raw'"
        )


class CallCycle(CallerError, RuntimeError):
    """Safe calls wait for each other in a circle."""

    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__(path)
        self.path = path

    def sentence(self) -> str:
        circle = ' -> '.join(self.path)
        return f'safe calls would wait for each other for ever: {circle}; make one of them .oneway or .unsafe'
