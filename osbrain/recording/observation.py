"""One message that was seen on its way, from which socket, when, and in which direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from .._protocol.failures import load_failure
from .._protocol.observed import FAILURE
from .._protocol.serializers import CODECS
from .._security.policy import EXECUTING, pickle_allowed
from ..errors import SerializerForbidden


class Source(NamedTuple):
    """A socket or channel of an agent."""

    agent: str
    alias: str
    #: ``'PUSH'``, ``'SUB'``, ``'ASYNC_REP'`` …
    kind: str
    serializer: str


@dataclass(frozen=True)
class Observation:
    """One message that an agent has sent, or taken."""

    source: Source
    #: Of the source's messages, beginning with 1; where numbers are left out, something was missed.
    number: int
    #: ``'out'`` or ``'in'``.
    direction: str
    #: When the agent has sent or taken it, in seconds since the epoch, by the clock of its machine.
    when: float
    #: When it was seen here, likewise, by the clock of this machine.
    arrived: float
    #: Of publications; empty for others, and for serializer ``raw``, where it cannot be told from the message.
    topic: bytes
    #: ``'message'``, ``'request'``, ``'reply'``, ``'failure'`` (a reply that says what went wrong) or ``'task'``.
    what: str
    #: The message as its serializer has written it, in one piece.
    body: bytes
    #: Bytes on the wire. Messages that travelled together have equal shares.
    size: int

    def message(self) -> Any:
        """Return the message itself; of a failure, the exception.

        :class:`~osbrain.errors.MessageUndecodable` if it cannot be read here, as when it needs a class that this
        process does not know; :class:`~osbrain.errors.SerializerForbidden` if reading it might run code, where
        ``OSBRAIN_ALLOW_PICKLE`` is off.
        """
        serializer = self.source.serializer
        if serializer in EXECUTING and not pickle_allowed():
            raise SerializerForbidden(serializer)
        codec = CODECS[serializer]
        return load_failure(codec, self.body) if self.what == FAILURE else codec.load(self.body)
