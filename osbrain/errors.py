"""Every error that osbrain raises on purpose, in one tree.

Each leaf is also a subclass of what osBrain 0.6.5 raised in its place, so that old ``except`` clauses still catch it::

    OsBrainError
    ├── CallerError ................ a mistake at the call: the agent that was asked goes on
    │   ├── UnknownAlias ........... KeyError
    │   ├── UnknownTimer ........... KeyError
    │   ├── UnknownTopic ........... KeyError
    │   ├── UnknownChild ........... KeyError
    │   ├── UnknownMethod .......... AttributeError (NotExposed: seen from a proxy)
    │   ├── AttributeTaken ......... KeyError
    │   ├── NameInvalid ............ ValueError
    │   ├── AddressInvalid ......... ValueError
    │   ├── PortInvalid ............ AssertionError, TypeError, ValueError
    │   ├── ServerAddressRequired .. AssertionError, ValueError
    │   ├── NotAnAddress ........... TypeError
    │   ├── AlreadyConnected ....... NotImplementedError, AssertionError
    │   ├── KindUnsupported ........ NotImplementedError, ValueError
    │   ├── HandlerRequired ........ ValueError (ReplyHandlerRequired: for a request)
    │   ├── HandlerInvalid ......... TypeError
    │   ├── OptionInvalid .......... ValueError
    │   ├── TopicInvalid ........... TypeError, ValueError
    │   ├── MessageInvalid ......... TypeError, ValueError (Unpicklable: with a call)
    │   ├── LoggerInvalid .......... AssertionError, ValueError
    │   ├── PeriodInvalid .......... ValueError
    │   ├── RequestsFull ........... RuntimeError
    │   ├── MessageTooLarge ........ ValueError
    │   ├── JournalInvalid ......... ValueError
    │   ├── ArgumentsInvalid ....... TypeError
    │   ├── NobodyRestarts ......... RuntimeError
    │   ├── Unprotected ............ ValueError
    │   ├── SerializerForbidden .... ValueError
    │   └── CallCycle .............. RuntimeError
    ├── NotRunning ................. NotImplementedError (a RuntimeError)
    ├── YieldedTwice ............... ValueError
    ├── MessageUndecodable ......... ValueError
    ├── StartFailed ................ RuntimeError
    ├── RestartsExceeded ........... RuntimeError
    ├── JournalFailed .............. RuntimeError
    ├── KeyUnusable ................ RuntimeError
    │   └── CertificateUnusable .... RuntimeError
    ├── WaitTimeout ................ TimeoutError (ShutdownTimeout: agents are left)
    │   └── LimitReached ........... TimeoutError
    └── RemoteError ................ RuntimeError

Errors keep their facts as fields, survive pickling, and write their sentence in ``sentence()``.
"""

from __future__ import annotations

from typing import Any

from ._errors.base import OsBrainError
from ._errors.mistakes import (
    AddressInvalid,
    AlreadyConnected,
    ArgumentsInvalid,
    AttributeTaken,
    CallCycle,
    CallerError,
    HandlerInvalid,
    HandlerRequired,
    JournalInvalid,
    KindUnsupported,
    LoggerInvalid,
    MessageInvalid,
    MessageTooLarge,
    NameInvalid,
    NobodyRestarts,
    NotAnAddress,
    NotExposed,
    OptionInvalid,
    PeriodInvalid,
    PortInvalid,
    ReplyHandlerRequired,
    RequestsFull,
    SerializerForbidden,
    ServerAddressRequired,
    TopicInvalid,
    UnknownAlias,
    UnknownChild,
    UnknownMethod,
    UnknownTimer,
    UnknownTopic,
    Unpicklable,
    Unprotected,
)

__all__ = [
    'AddressInvalid',
    'AlreadyConnected',
    'ArgumentsInvalid',
    'AttributeTaken',
    'CallCycle',
    'CallerError',
    'CertificateUnusable',
    'HandlerInvalid',
    'HandlerRequired',
    'JournalFailed',
    'JournalInvalid',
    'KeyUnusable',
    'KindUnsupported',
    'LimitReached',
    'LoggerInvalid',
    'MessageInvalid',
    'MessageTooLarge',
    'MessageUndecodable',
    'NameInvalid',
    'NobodyRestarts',
    'NotAnAddress',
    'NotExposed',
    'NotRunning',
    'OptionInvalid',
    'OsBrainError',
    'PeriodInvalid',
    'PortInvalid',
    'RemoteError',
    'ReplyHandlerRequired',
    'RequestsFull',
    'RestartsExceeded',
    'SerializerForbidden',
    'ServerAddressRequired',
    'ShutdownTimeout',
    'StartFailed',
    'TopicInvalid',
    'UnknownAlias',
    'UnknownChild',
    'UnknownMethod',
    'UnknownTimer',
    'UnknownTopic',
    'Unpicklable',
    'Unprotected',
    'WaitTimeout',
    'YieldedTwice',
]


class NotRunning(OsBrainError, NotImplementedError):
    """The agent's loop does not run, so nothing can be executed safely in it."""

    def __init__(self, agent: str = '', reason: str | None = None) -> None:
        super().__init__(agent, reason)
        self.agent, self.reason = agent, reason

    def sentence(self) -> str:
        why = f': {self.reason}' if self.reason else ''
        return f'Agent must be running to safely execute methods! Agent {self.agent!r} is not{why}'


class YieldedTwice(OsBrainError, ValueError):
    """A reply handler may yield once: the reply."""

    def sentence(self) -> str:
        return 'Reply handler yielded more than once!'


class MessageUndecodable(OsBrainError, ValueError):
    """Bytes arrived that the socket's serializer cannot read."""

    def __init__(self, serializer: str, why: str) -> None:
        super().__init__(serializer, why)
        self.serializer, self.why = serializer, why

    def sentence(self) -> str:
        return f'a message is no valid {self.serializer!r}: {self.why}'


class StartFailed(OsBrainError, RuntimeError):
    """A process could not be started, or ended before it was ready; ``report`` says what is known of the cause."""

    def __init__(self, report: str, name: str = '') -> None:
        super().__init__(report, name)
        self.report, self.name = report, name

    def sentence(self) -> str:
        rule = '=' * 60
        return f'An error occurred while creating the daemon!\n{rule}\n{self.report}\n{rule}'


class RestartsExceeded(OsBrainError, RuntimeError):
    """A supervisor has given up: its children died too often; ``report`` says how *child* did the last time."""

    def __init__(self, supervisor: str, child: str, max_restarts: int, within: float, report: str) -> None:
        super().__init__(supervisor, child, max_restarts, within, report)
        self.supervisor, self.child, self.report = supervisor, child, report
        self.max_restarts, self.within = max_restarts, within

    def sentence(self) -> str:
        who = 'It' if self.supervisor == self.child else f'Supervisor {self.supervisor!r}'
        return (
            f'{who} has been given up: {self.child!r} died again when max_restarts={self.max_restarts} '
            f'within={self.within:g} s were used up. The last time:\n{self.report}'
        )


class WaitTimeout(OsBrainError, TimeoutError):
    """A wait was over before what it waited for had come."""

    def __init__(self, what: str, seconds: float | None = None) -> None:
        super().__init__(what, seconds)
        self.what, self.seconds = what, seconds

    def sentence(self) -> str:
        return self.what if self.seconds is None else f'{self.what} (waited {self.seconds:g} s)'


class ShutdownTimeout(WaitTimeout):
    """Agents were still there when the time for shutting down was over."""

    def __init__(self, left: tuple[str, ...], seconds: float) -> None:
        super().__init__(f'Chances are {list(left)} were not shutdown after {seconds} s!', seconds)
        self.left = left

    def sentence(self) -> str:
        return self.what


class LimitReached(WaitTimeout):
    """As much acknowledged work is not done yet as ``limit=`` allows; ``taken`` of ``of`` messages were taken on."""

    def __init__(self, alias: Any, limit: int, taken: int = 0, of: int = 1, seconds: float | None = None) -> None:
        super().__init__(f'{limit} messages of {alias!r} are not done yet', seconds)
        self.args = (alias, limit, taken, of, seconds)
        self.alias, self.limit, self.taken, self.of = alias, limit, taken, of

    def sentence(self) -> str:
        part = f'; {self.taken} of {self.of} were taken on' if self.of > 1 else ''
        waited = f' (waited {self.seconds:g} s)' if self.seconds else ''
        return f'{self.what}, which is its limit{part}{waited}'


class JournalFailed(OsBrainError, RuntimeError):
    """The journal could not be written: what was to be sent was not taken on."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path, self.why = path, why

    def sentence(self) -> str:
        return f'the journal {self.path} could not be written: {self.why}'


class KeyUnusable(OsBrainError, RuntimeError):
    """The file of the cluster's key cannot be used; *mend* says which command helps."""

    def __init__(self, path: str, problem: str, mend: str) -> None:
        super().__init__(path, problem, mend)
        self.path, self.problem, self.mend = path, problem, mend

    def sentence(self) -> str:
        return f'the key file {self.path} cannot be used: {self.problem}; {self.mend}'


class CertificateUnusable(KeyUnusable):
    """A certificate, or the key that belongs to it, cannot be used; *mend* says which command helps."""

    def sentence(self) -> str:
        return f'the certificate file {self.path} cannot be used: {self.problem}; {self.mend}'


class RemoteError(OsBrainError, RuntimeError):
    """Stands in for another process's exception that cannot be rebuilt here; names its type and keeps its traceback."""

    def __init__(self, type_name: str, text: str, traceback: str = '') -> None:
        super().__init__(type_name, text, traceback)
        self.type_name, self.text, self.traceback = type_name, text, traceback

    def sentence(self) -> str:
        return f'{self.type_name}: {self.text}' + (f'\n{self.traceback}' if self.traceback else '')


# The names under which people know them, wherever they are defined.
for _name in __all__:
    globals()[_name].__module__ = __name__
