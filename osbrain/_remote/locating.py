"""Finds the name server at an address, which may be on its way."""

from __future__ import annotations

import threading
from typing import Any

from .._clock import Deadline
from ..errors import KeyUnusable, OptionInvalid, OsBrainError, WaitTimeout
from .addresses import nameserver_address
from .errors import AnotherCluster
from .link import nameserver_link

#: Seconds between two attempts to find something that announces itself to nobody.
RETRY = 0.1


def pause(deadline: Deadline) -> None:
    """Wait a moment, but no longer than until *deadline*."""
    threading.Event().wait(deadline.left_or(RETRY))


def locate_ns(nsaddr: Any, timeout: float = 3.0) -> Any:
    """Return *nsaddr* once a name server answers there; ``TimeoutError`` if none does within *timeout* seconds.

    What waiting does not mend is raised at once: :class:`AnotherCluster`, a ``TimeoutError`` too, if the one that
    answers has none of our keys, and :class:`~osbrain.errors.KeyUnusable` if we have none.
    """
    deadline = Deadline(timeout)
    link = nameserver_link(nameserver_address(nsaddr))
    while True:
        try:
            link.call('unsafe', 'ping', (), {}, timeout=max(0.2, deadline.left_or(3.0)))
        except (AnotherCluster, KeyUnusable, OptionInvalid):
            raise
        except OsBrainError as error:
            link.release()
            if deadline.expired:
                raise WaitTimeout(
                    f'Could not locate the name server! Nobody answers as one at {nsaddr}: {error}'
                ) from None
            pause(deadline)
        else:
            link.release()
            return nsaddr
