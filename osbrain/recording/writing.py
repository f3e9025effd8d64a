"""Recordings, written: in chunks that are whole on the disk a second later, whatever becomes of whoever writes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .._clock import Deadline
from ..errors import OptionInvalid, RecordingFailed
from .extra import container
from .listening import Observation, Source
from .tracks import SCHEMAS, Track

#: Seconds for which a message waits, at most, to be written with others: so much is lost when the recorder is killed.
PATIENCE = 1.0
# So many channels have one topic each; MCAP numbers channels with two bytes.
_MOST_TRACKS = 10_000
_NUMBERS = 1 << 32


class Tape:
    """A new recording, to which observations are added until it is closed.

    :class:`~osbrain.errors.OptionInvalid` if there is a file already that is not to be overwritten, ``OSError`` if
    none can be made there, :class:`~osbrain.errors.RecordingFailed` as soon as no more can be written.
    """

    def __init__(self, path: str | Path, overwrite: bool = False) -> None:
        new_writer = container().new_writer
        self.path = Path(path)
        try:
            self._stream = self.path.open('wb' if overwrite else 'xb')
        except FileExistsError:
            raise OptionInvalid('path', str(path), 'a file that is not there yet (or to be overwritten)') from None
        self.messages = 0
        #: Of the messages as they were serialised.
        self.bytes = 0
        self._schemas: dict[str, int] = {}
        self._channels: dict[tuple[Source, str, str, bytes | None], tuple[int, Track]] = {}
        self._due: Deadline | None = None
        self._last = 0
        self._write(lambda: self._begin(new_writer))

    def _begin(self, new_writer: Callable[[Any], Any]) -> None:
        self._writer = new_writer(self._stream)
        self._stream.flush()

    @property
    def patience(self) -> float | None:
        """Seconds until :meth:`flush` is due; ``None``: there is nothing to be written."""
        return None if self._due is None else self._due.left

    def add(self, observation: Observation) -> None:
        """Add one message; it is written within :data:`PATIENCE` seconds if :meth:`keep_up` is called by then."""
        number, track = self._channel(observation)
        # File and clock go forward together, whatever somebody does to the clock: so readers may rely on the order.
        self._last = max(self._last, _nanoseconds(observation.arrived))
        data = track.with_topic(observation.topic, observation.body)
        self._write(
            lambda: self._writer.add_message(
                number,
                log_time=self._last,
                publish_time=_nanoseconds(observation.when),
                sequence=observation.number % _NUMBERS,
                data=data,
            )
        )
        self.messages += 1
        self.bytes += len(observation.body)
        if self._due is None:
            self._due = Deadline(PATIENCE)

    def keep_up(self) -> None:
        """Write what has waited for its time."""
        if self._due is not None and self._due.expired:
            self.flush()

    def flush(self) -> None:
        """Write all that was added: from now on it is there even if this process is killed."""
        self._due = None
        self._write(self._writer.flush)

    def close(self) -> None:
        """Write the index, and all that is left, to the disk."""
        if self._stream.closed:
            return
        try:
            self._write(self._finish)
        finally:
            self._stream.close()

    def _finish(self) -> None:
        self._writer.finish()
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def _write(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except OSError as error:
            # What is in the buffer is given up, and the file ends where the disk was full: it can be read up to there.
            with contextlib.suppress(OSError):
                self._stream.close()
            raise RecordingFailed(str(self.path), error.strerror or str(error)) from error

    def _channel(self, observation: Observation) -> tuple[int, Track]:
        source, direction, what = observation.source, observation.direction, observation.what
        found = self._channels.get((source, direction, what, observation.topic))
        if found is not None:
            return found
        topic = observation.topic if len(self._channels) < _MOST_TRACKS else None
        key = source, direction, what, topic
        if key not in self._channels:
            self._channels[key] = self._new_channel(Track(*source, direction, what, topic))
        return self._channels[key]

    def _new_channel(self, track: Track) -> tuple[int, Track]:
        serializer = track.serializer
        if serializer not in self._schemas:
            name = f'osbrain.{serializer}'
            self._schemas[serializer] = self._writer.register_schema(name, *SCHEMAS[serializer])
        return self._writer.register_channel(track.title, serializer, self._schemas[serializer], track.metadata), track


def _nanoseconds(seconds: float) -> int:
    return max(0, round(seconds * 1e9))
