"""Who is shown what goes through a wire; while there is nobody, a message costs nothing more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .._protocol.serializers import Frames


class Onlooker(Protocol):
    """Is shown frames in the thread that sends or takes them; raises nothing and waits for nobody."""

    def saw(self, frames: Frames, outward: bool) -> None:
        """Take note of *frames* that were sent (*outward*), or taken."""

    def wire_closed(self) -> None:
        """Take note that there will be no more."""


class Attended:
    """A wire, as seen by those who want to know of what goes through it: the loop, which drains it, and onlookers.

    Whoever sends asks for both at once, by one look at :attr:`attended`.
    """

    def __init__(self, touched: Callable[[Any], None]) -> None:
        self._touched = touched
        self._watched = False
        #: Whether the loop knows already that it has to look at this socket.
        self.marked = False
        self.onlookers: tuple[Onlooker, ...] = ()
        #: To be called with what has been sent; ``None`` if nobody is to know.
        self.attended: Callable[[Frames], None] | None = None

    @property
    def watched(self) -> bool:
        """Whether the loop drains this socket, and is to know of every other operation on it."""
        return self._watched

    @watched.setter
    def watched(self, value: bool) -> None:
        self._watched = value
        self._attend()

    def tell(self) -> None:
        """Have the loop look at this socket: an operation on it may have swallowed the news of a message."""
        if self._watched and not self.marked:
            self._touched(self)

    def _attend(self) -> None:
        self.attended = self._show_sent if self.onlookers else self._tell_of_sent if self._watched else None

    def _tell_of_sent(self, frames: Frames) -> None:
        # As tell() does, for the loop alone: every publication comes here.
        if not self.marked:
            self._touched(self)

    def _show_sent(self, frames: Frames) -> None:
        self.show([frames], True)
        self.tell()

    def show_to(self, *onlookers: Onlooker) -> None:
        """Show what goes through to *onlookers* from now on, and to nobody else."""
        self.onlookers = onlookers
        self._attend()

    def show(self, messages: list[Frames], outward: bool) -> None:
        """Show *messages* that were sent (*outward*), or taken."""
        for onlooker in self.onlookers:
            for frames in messages:
                onlooker.saw(frames, outward)
