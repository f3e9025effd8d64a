"""Names with an underscore that programs of 0.6.5 look at, and what stands behind them now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .._protocol.patterns.pub_sub import Pub
from ..errors import NotRunning
from .core import core_of


class PrivateNames:
    """The agent's side of what was never meant for others and is used all the same (api of 0.6.5, private names)."""

    @property
    def _keep_alive(self) -> bool:
        return core_of(self).loop.keep_alive

    @_keep_alive.setter
    def _keep_alive(self, value: bool) -> None:
        core_of(self).loop.keep_alive = bool(value)
        core_of(self).mailbox.ring()

    @property
    def _running(self) -> bool:
        return core_of(self).running

    @property
    def _pending_requests(self) -> dict[bytes, Any]:
        return core_of(self).requests.pending

    @_pending_requests.setter
    def _pending_requests(self, value: dict[bytes, Any]) -> None:
        core_of(self).requests.pending = value

    @property
    def _poller(self) -> SimpleNamespace:
        """The sockets that bring messages; publishers are watched too, but bring none."""
        return SimpleNamespace(sockets=[wire for wire, one in core_of(self).loop.watched() if not isinstance(one, Pub)])

    def _loopback(self, header: str, data: Any = None) -> Any:
        """Hand *header* and *data* to the loop's thread and return its answer."""
        core = core_of(self)
        if not core.running:
            raise NotRunning(core.name, core.reason)
        if header == 'EXECUTE_METHOD':
            method, args, kwargs = data
            return core.agent.safe_call(method, *args, **kwargs) or True

        def unrecognized() -> str:
            text = f'Unrecognized loopback message: {header} {data}'
            core.agent.log_error(text)
            return text

        return core.mailbox.submit(unrecognized).wait()
