"""One source that is listened to: what arrives from it, what was missed, and whether it is still there."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from .._agent.taps import TapPlace
from .._io.ear import Ear
from .._io.poller import wait_readable
from .._protocol.observed import Reader
from .._protocol.serializers import size_of
from .._protocol.tap_frames import Copy, Direction, read
from .._remote.errors import ConnectionClosedError
from .._remote.link import Link
from ..errors import OsBrainError
from .observation import Observation, Source

# Seconds for which an agent is told that nobody listens any more; it notices by itself too.
_FAREWELL = 0.5


class Tapped:
    """The listener's end of one tap, at *place*, the end of which is told to *link*."""

    def __init__(self, source: Source, place: TapPlace, link: Link, ear: Ear) -> None:
        self.source = source
        self._place = place
        self._reader = Reader(place.framing)
        self._link = link
        self._ear = ear
        # Hangs up when the agent's process ends.
        self._line = link.idle_descriptor()
        self._last = 0
        self._count = 0
        #: How many copies were dropped on their way.
        self.missed = 0
        #: Whether nothing more will come, but for what is on its way.
        self.ended = False

    def descriptors(self) -> list[int]:
        """Return what to wait on for news of it."""
        return [self._ear.fd] if self.ended or self._line is None else [self._ear.fd, self._line]

    def look_for_end(self) -> None:
        """Find out whether the agent is still there: nothing is asked of it now, so only an end makes itself heard."""
        if not self.ended and self._line is not None and wait_readable([self._line], 0):
            self.ended = True

    def take(self, most: int) -> list[tuple[Observation, int]]:
        """Take up to *most* copies that have arrived: each message, with the bytes to settle when it is dealt with."""
        taken: list[tuple[Observation, int]] = []
        for parts in self._ear.take(most):
            copy = read(parts)
            size = size_of(parts)
            observations = self._read(copy)
            taken += [(one, 0) for one in observations[:-1]]
            if observations:
                taken.append((observations[-1], size))
            else:
                self.settle(size)
        return taken

    def settle(self, size: int) -> None:
        """Say that a copy of *size* bytes has been dealt with; 0: it was another message's too."""
        if size:
            self._ear.settle(size)

    def _read(self, copy: Copy) -> list[Observation]:
        gap = copy.number - self._last - 1
        self._last = copy.number
        self.missed += gap
        self._count += gap
        if copy.direction is Direction.END:
            self.ended = True
            return []
        arrived = time.time()
        outward = copy.direction is Direction.OUT
        seen = self._reader.messages_in(copy.frames, outward)
        shares = _shares(size_of(copy.frames), len(seen))
        observations = []
        for message, size in zip(seen, shares, strict=True):
            self._count += 1
            where = 'out' if outward else 'in'
            facts = (self._count, where, copy.when, arrived, message.topic, message.what, message.body, size)
            observations.append(Observation(self.source, *facts))
        return observations

    def finish(self, seconds: float) -> None:
        """Have the agent, which may take *seconds*, say its last word on this: nothing comes after it."""
        if not self.ended:
            try:
                self._link.call('tap_end', self._place.number, True, timeout=max(_FAREWELL, seconds))
            except (OsBrainError, ConnectionClosedError):
                self.ended = True

    def close(self) -> None:
        """Listen no more."""
        if not self.ended:
            with contextlib.suppress(OsBrainError, ConnectionClosedError):
                self._link.tell('tap_end', self._place.number, timeout=_FAREWELL)
        elif isinstance(self._place.address.address, Path):
            # An agent that was killed has left it behind.
            with contextlib.suppress(OSError):
                self._place.address.address.unlink()
        self._link.release()
        self._ear.close()
        if self._line is not None:
            os.close(self._line)
            self._line = None


def _shares(size: int, count: int) -> list[int]:
    """Divide *size* into *count* parts that are as equal as can be."""
    return [size * (number + 1) // count - size * number // count for number in range(count)]
