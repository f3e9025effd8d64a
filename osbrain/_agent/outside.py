"""What comes from outside of an agent's messages: the end of other processes, looked after beside a wire if need be."""

from __future__ import annotations

from collections.abc import Callable

from .._io.poller import Interruption, wait_readable
from .._io.processes import ProcessWatch
from .._io.wire import SocketWire
from .loop import Loop


class Outside:
    """Made for every agent, and empty until a process is watched."""

    __slots__ = ('_interruption', '_loop', '_reads_here', '_watch')

    def __init__(
        self, loop: Loop, interruption: Callable[[], Interruption | None], reads_here: Callable[[], bool]
    ) -> None:
        self._loop, self._interruption, self._reads_here = loop, interruption, reads_here
        self._watch: ProcessWatch | None = None

    def watch_process(self, pid: int, started: int, action: Callable[[], None]) -> Callable[[], None]:
        """Run *action* in the loop when the process *pid* that was *started* then ends; returns what stops it.

        ``ProcessLookupError`` if it has ended already.
        """
        if self._watch is None:
            self._watch = ProcessWatch()
            if self._watch.fd is not None:
                self._loop.watch_descriptor(self._watch.fd, self._watch.serve)
        return self._watch.watch(pid, started, action)

    def reads_here(self) -> bool:
        """Whether this thread is the one that reads what arrives, or nobody does."""
        return self._reads_here()

    def wait_input(self, wire: SocketWire, seconds: float | None) -> None:
        """Wait for a message on *wire* or the end of a watched process, and serve others as waits in handlers do."""
        interruption = self._interruption()
        wants = None if interruption is None else interruption.serve()
        # After whatever was served: it may have used the wire, which swallows the news of a message.
        if wire.has_news():
            return
        fds = [wire.fd]
        if interruption is not None:
            fds.append(interruption.fd)
        if self._watch is not None and self._watch.fd is not None:
            fds.append(self._watch.fd)
        spoken = wait_readable(fds, min((one for one in (seconds, wants) if one is not None), default=None))
        if interruption is not None and interruption.fd in spoken:
            interruption.silence()
        if self._watch is not None and self._watch.fd in spoken:
            self._watch.serve()

    def close(self) -> None:
        """Watch nothing more."""
        watch, self._watch = self._watch, None
        if watch is not None:
            if watch.fd is not None:
                self._loop.forget_descriptor(watch.fd)
            watch.close()
