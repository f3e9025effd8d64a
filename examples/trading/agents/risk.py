"""Approve orders, or not."""

from __future__ import annotations

from osbrain import Agent

from ..limits import Limits
from ..messages import Enquiry


class Risk(Agent):
    """Answers the broker's enquiry before an order is taken."""

    limits: Limits

    def on_init(self) -> None:
        self.bind('REP', alias='approval', handler='on_enquiry')
        self.asked = 0

    def on_enquiry(self, enquiry: Enquiry) -> str | None:
        """Return why the order must not be; None if it may."""
        self.asked += 1
        return self.limits.refusal(enquiry)
