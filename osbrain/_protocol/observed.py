"""What is in frames that went through a socket, for whoever looks on from outside: its messages, each in one piece."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from . import ack_frames
from .batches import is_batch, read
from .in_band import in_band
from .requests import ID_LENGTH, OK, STATUS_END
from .serializers import CODECS, ERROR_REPLY, TOPIC_SEPARATOR, Frames, head, unprefixed
from .tap_frames import Framing
from .topics import LIVE, SUBSCRIBED, UNSUBSCRIBED
from .trace_context import without_context

MESSAGE, REQUEST, REPLY, FAILURE, TASK = 'message', 'request', 'reply', 'failure', 'task'

# Every request on a SYNC_PUB begins with the topic under which its sender hears the reply: an identifier.
_REQUESTER = 32


class Seen(NamedTuple):
    """One message: what it was to those who exchanged it, and its bytes as serialised."""

    what: str
    body: bytes
    topic: bytes = b''


class Reader:
    """Reads what goes through one socket."""

    def __init__(self, framing: Framing) -> None:
        self._codec = CODECS[framing.serializer].in_band()
        self._prefix = framing.prefix
        self._outward, self._inward = _WAYS[framing.kind]

    def messages_in(self, frames: Frames, outward: bool) -> list[Seen]:
        """Return the messages in *frames*, which went out of the socket or came in.

        What sockets of ours say to each other beside is nobody's message. Frames that cannot be read are one: whoever
        gets to decode it will say what is wrong with it.
        """
        try:
            seen = (self._outward if outward else self._inward)(self, frames)
        except Exception:
            return [Seen(MESSAGE, frames if isinstance(frames, bytes) else b''.join(frames))]
        # Which trace a message belonged to stays behind: sent again, it would belong to another one.
        return [one._replace(body=without_context(one.body)) for one in seen] if self._codec.contexts else seen

    def _nothing(self, frames: Frames) -> list[Seen]:
        return []

    def _messages(self, frames: Frames, what: str = MESSAGE, topic: bytes = b'') -> list[Seen]:
        """Return the message in *frames*, or each message of a batch."""
        codec = self._codec
        if not is_batch(frames, codec):
            return [Seen(what, in_band(frames), topic)]
        items, read_already = read(codec, frames)
        bodies: list[Any] = [codec.dump(item) for item in items] if read_already else items
        if not all(type(body) is bytes for body in bodies):
            raise ValueError('a batch of something else than messages')
        return [Seen(what, body, topic) for body in bodies]

    # -- Publishers and subscribers -----------------------------------------------------------------------------------

    def _publications(self, frames: Frames) -> list[Seen]:
        main = head(frames)
        if main.startswith(LIVE):
            return []
        start = len(self._prefix)
        if not self._codec.separator:
            # Nothing tells where the topic ends.
            return [Seen(MESSAGE, in_band(unprefixed(start, frames)))]
        end = main.index(TOPIC_SEPARATOR, start)
        return self._messages(unprefixed(end + 1, frames), MESSAGE, main[start:end])

    # -- Requests and replies -----------------------------------------------------------------------------------------

    def _request(self, frames: Frames) -> list[Seen]:
        return [Seen(REQUEST, in_band(frames))]

    def _reply(self, frames: Frames) -> list[Seen]:
        if isinstance(frames, bytes) and frames.endswith(ERROR_REPLY):
            return [Seen(FAILURE, frames[: -len(ERROR_REPLY)])]
        return [Seen(REPLY, in_band(frames))]

    def _requests_by_number(self, frames: Frames) -> list[Seen]:
        if is_batch(frames, self._codec):
            # The number of requests, and the identifier of each, are as wide as an identifier.
            return self._messages(frames[ID_LENGTH * (1 + int(frames[:ID_LENGTH])) :], REQUEST)
        return [Seen(REQUEST, in_band(unprefixed(ID_LENGTH, frames)))]

    def _reply_by_number(self, frames: Frames) -> list[Seen]:
        what = REPLY if head(frames)[ID_LENGTH:STATUS_END] == OK else FAILURE
        return [Seen(what, in_band(unprefixed(STATUS_END, frames)))]

    def _enveloped_requests(self, frames: Frames) -> list[Seen]:
        return self._requests_by_number(_unenveloped(frames))

    def _enveloped_reply(self, frames: Frames) -> list[Seen]:
        return self._reply_by_number(_unenveloped(frames))

    def _requests_beside(self, frames: Frames) -> list[Seen]:
        # At the publisher, subscriptions arrive too; an identifier begins with neither of these bytes.
        if head(frames)[:1] in (SUBSCRIBED, UNSUBSCRIBED):
            return []
        return self._requests_by_number(unprefixed(_REQUESTER, frames))

    def _publications_and_replies(self, frames: Frames) -> list[Seen]:
        if head(frames).startswith((self._prefix, LIVE)):
            return self._publications(frames)
        return self._reply_by_number(unprefixed(_REQUESTER, frames))

    # -- Acknowledged work --------------------------------------------------------------------------------------------

    def _tasks(self, frames: Frames) -> list[Seen]:
        """Return tasks, which go to workers; the rest is between the two ends."""
        kind = head(frames)[:1]
        if kind == ack_frames.TASKS:
            return [Seen(TASK, body) for _, _, body in ack_frames.read_tasks(head(frames))]
        return [Seen(TASK, in_band(unprefixed(ack_frames.TASK_LENGTH, frames)))] if kind == ack_frames.TASK else []

    def _enveloped_tasks(self, frames: Frames) -> list[Seen]:
        return self._tasks(_unenveloped(frames))


def _unenveloped(frames: Any) -> Frames:
    """*frames* without the identity of the one at the other end."""
    rest: list[Any] = frames[1:]
    return rest if len(rest) > 1 else rest[0]


_Read = Callable[[Reader, Frames], list[Seen]]

# Kind of socket or channel -> what goes out, and what comes in.
_WAYS: dict[str, tuple[_Read, _Read]] = {
    'PUSH': (Reader._messages, Reader._messages),
    'PULL': (Reader._messages, Reader._messages),
    'PUB': (Reader._publications, Reader._nothing),
    'SUB': (Reader._nothing, Reader._publications),
    'REQ': (Reader._request, Reader._reply),
    'REP': (Reader._reply, Reader._request),
    'ASYNC_REQ': (Reader._requests_by_number, Reader._reply_by_number),
    'ASYNC_REP': (Reader._enveloped_reply, Reader._enveloped_requests),
    'SYNC_PUB': (Reader._publications_and_replies, Reader._requests_beside),
    'SYNC_SUB': (Reader._requests_beside, Reader._publications_and_replies),
    'ACK_PUSH': (Reader._enveloped_tasks, Reader._nothing),
    'ACK_PULL': (Reader._nothing, Reader._tasks),
}
