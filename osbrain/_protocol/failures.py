"""A failure as a reply: rebuilt at the other end where the serializer may carry code, in words where it may not."""

from __future__ import annotations

import json
import pickle

from .._failures import Failure
from ..errors import MessageUndecodable, RemoteError
from .serializers import Codec

_IN_WORDS = ('raw', 'json', 'msgpack')


def dump_failure(codec: Codec, error: BaseException) -> bytes:
    """*error* as bytes that :func:`load_failure` reads."""
    failure = Failure.of(error)
    if codec.name in _IN_WORDS:
        return json.dumps(failure[1:]).encode()
    return pickle.dumps(tuple(failure))


def load_failure(codec: Codec, data: bytes) -> BaseException:
    """Return the exception that happened at the other end; it says so itself if it cannot be read."""
    try:
        if codec.name in _IN_WORDS:
            return RemoteError(*json.loads(data.decode()))
        failure = Failure(*pickle.loads(data))
    except Exception as problem:
        return MessageUndecodable(codec.name, f'an error came back, but it cannot be read ({problem})')
    return failure.rebuild()
