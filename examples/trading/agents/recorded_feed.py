"""Publish again what a feed has published, no faster than those who listen can follow."""

from __future__ import annotations

from collections import Counter

from osbrain.recording import Message, Player

from ..markets import BELL


class RecordedFeed(Player):
    """Takes the place of a feed: for those who listen to it, it is one.

    The receipts are on the recording too, so that the date after them is published when as many
    have come as had come then.
    """

    waiting_for = ('receipts',)

    def on_init(self) -> None:
        super().on_init()
        self.rounds = 0  # dates that have been published
        self.published: Counter[str] = Counter()

    @property
    def finished(self) -> bool:
        """Whether everybody is done with the last date."""
        progress = self.progress(0)
        return progress.done and not progress.failure

    def expect(self, *names: str) -> None:
        """Count on nobody in particular: how many receipts there are is on the recording."""

    def on_sent(self, message: Message) -> None:
        """Note what was published when the bell rings."""
        if message.topic == BELL.encode():
            self.rounds += 1
            self.published.update(message.value.symbols)
