"""Recordings, read: what went through the sockets of some agents, message by message."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._agent.protection import checked_serializer
from .._protocol.failures import load_failure
from .._protocol.observed import FAILURE
from .._protocol.serializers import CODECS
from ..errors import MessageUndecodable
from .extra import container
from .tracks import Track, foreign, track_of

_CUT_OFF = (
    'it was not finished (its recorder was killed or is still at work, or this is part of a copy): '
    'what had been written until then is there'
)


@dataclass(frozen=True)
class Message:
    """One message of a :class:`Recording`."""

    track: Track
    #: As a handler gets it.
    topic: bytes
    #: The messages of a socket were numbered when they were seen: where one is missing, it did not reach the recorder.
    number: int
    #: When the agent sent or took it, by the clock of its host, in seconds since the epoch.
    when: float
    #: When it reached the recorder, by the clock there, in seconds since the epoch.
    arrived: float
    #: As it was serialised.
    data: bytes

    @property
    def agent(self) -> str:
        """The name of the agent whose socket it went through."""
        return self.track.agent

    @property
    def alias(self) -> str:
        """How that agent calls the socket."""
        return self.track.alias

    @property
    def kind(self) -> str:
        """The kind of that socket, such as ``'PUB'``."""
        return self.track.kind

    @property
    def serializer(self) -> str:
        """What makes a message of :attr:`data`."""
        return self.track.serializer

    @property
    def value(self) -> Any:
        """The message itself, read anew each time; of a failure, the exception.

        Reading ``pickle``, ``cloudpickle`` and ``dill`` does what the sender wrote, or whoever has changed the file
        since: read recordings of those alone whom you trust. :class:`~osbrain.errors.MessageUndecodable` if it cannot
        be read, or if osbrain has no such serializer; :class:`~osbrain.errors.SerializerForbidden` where
        ``OSBRAIN_ALLOW_PICKLE=off`` forbids it.
        """
        if self.serializer not in CODECS:
            raise MessageUndecodable(self.serializer, 'osbrain has no such serializer; its bytes are in .data')
        codec = CODECS[checked_serializer(self.serializer)]
        return load_failure(codec, self.data) if self.track.what == FAILURE else codec.load(self.data)


class Recording:
    """A file that ``osbrain record`` has written, or any other in the format MCAP, to be iterated over.

    All that is whole is read, in the order in which it was recorded; a ``RuntimeWarning`` tells of what is not: of a
    file that was not finished, its end, and of one that is damaged, the parts that are. Of the channels of other
    programs ``agent`` and ``alias`` are empty, and ``topic`` and ``serializer`` are what they named.

    :class:`~osbrain.errors.RecordingInvalid` if there is nothing to be read, ``OSError`` if the file cannot be opened,
    :class:`~osbrain.errors.ExtraMissing` without the package ``mcap`` (``pip install 'osbrain[mcap]'``).
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._container = container().Container(self.path)

    @property
    def trouble(self) -> str | None:
        """What is wrong with the file as a whole; ``None`` if whoever wrote it came to the end."""
        return None if self._container.complete else _CUT_OFF

    @property
    def is_ours(self) -> bool:
        """Whether osbrain has written it: else nobody knows which agents it tells of."""
        return bool(self._container.ours)

    def __iter__(self) -> Iterator[Message]:
        if self.trouble:
            self._warn(self.trouble)
        yield from self.messages(self._warn)

    def _warn(self, what: str) -> None:
        warnings.warn(f'{self.path}: {what}', RuntimeWarning, stacklevel=3)

    def messages(self, on_damage: Callable[[str], object]) -> Iterator[Message]:
        """All messages, as iterating gives them; *on_damage* is told of each damaged part, in place of a warning."""
        tracks: dict[int, Track] = {}
        for channel, found in self._container.messages(on_damage):
            track = tracks.get(channel.id)
            if track is None:
                tracks[channel.id] = track = self._track(channel)
            topic, data = track.without_topic(found.data)
            yield Message(track, topic, found.sequence, found.publish_time / 1e9, found.log_time / 1e9, data)

    def tracks(self) -> list[Track]:
        """Return what there is: each socket, topic and direction once, as far as can be read."""
        return list(dict.fromkeys(map(self._track, self._container.channels())))

    def _track(self, channel: Any) -> Track:
        if self.is_ours:
            # What is not described as it should be is nobody's.
            with contextlib.suppress(ValueError):
                return track_of(channel.metadata)
        return foreign(channel.topic, channel.message_encoding)
