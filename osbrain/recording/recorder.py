"""Recording what running agents say: listens, and writes what it hears, in a thread of its own."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .._clock import Deadline
from .._remote.addresses import nameserver_address
from .._remote.locating import locate_ns
from ..errors import OptionInvalid, OsBrainError
from .extra import container
from .listening import Listener, Source
from .sources import SourceLike, parsed
from .writing import Tape

_R = TypeVar('_R', bound='Recorder')

# Seconds that it may take until the recorder notices that it is to stop, or that an agent has ended.
_LOOK = 0.1
# Seconds between two looks whether an agent that has ended is there again.
_AGAIN = 1.0
# Seconds that a name server may be away, when all agents have ended too.
_NAMELESS = 3.0
# Seconds that agents may take to stop, and the next of their last messages to arrive.
_LAST = 5.0


@dataclass(frozen=True)
class Recorded:
    """What a recorder has recorded until now."""

    path: Path
    messages: int
    #: Of the messages, as they were serialised.
    bytes: int
    #: How many did not get here: agents wait for nobody who looks on, and drop what is too much.
    missed: int
    #: Sources of agents that have ended meanwhile, each time once; it goes on when there is a new one of that name.
    lost: tuple[Source, ...]


class Recorder:
    """Writes a recording, from when it is made to when it is stopped; see :func:`record`. A context manager."""

    def __init__(
        self,
        path: str | Path,
        sources: Iterable[SourceLike],
        nsaddr: Any = None,
        overwrite: bool = False,
        timeout: float = 3.0,
    ) -> None:
        wanted = [parsed(source) for source in sources]
        if not wanted:
            raise OptionInvalid('sources', (), 'at least one NAME:ALIAS')
        # Before anybody is asked for anything.
        container()
        self._nsaddr = nameserver_address(nsaddr)
        self._listener = Listener(self._nsaddr, timeout)
        try:
            #: What is recorded.
            self.sources = tuple(self._listener.add(*one) for one in dict.fromkeys(wanted))
            # Only now: a mistake leaves no empty file behind.
            self._tape = Tape(path, overwrite)
        except BaseException:
            self._listener.close()
            raise
        self._lost: list[Source] = []
        self._away: list[Source] = []
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name='osbrain-recorder', daemon=True)
        self._thread.start()

    @property
    def recorded(self) -> Recorded:
        """What has been recorded until now."""
        tape = self._tape
        return Recorded(tape.path, tape.messages, tape.bytes, self._listener.missed, tuple(self._lost))

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it ends by itself: because it has failed, or all agents and their name server have ended.

        Whether it has ended within *seconds* (``None``: wait for ever).
        """
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def stop(self) -> Recorded:
        """Take in what has been sent until now, finish the file, and return what is in it.

        :class:`~osbrain.errors.RecordingFailed` if it could not be written.
        """
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self.recorded

    def _work(self) -> None:
        try:
            try:
                self._listen()
            finally:
                # Whatever has happened: a file with an end is better than one without.
                self._tape.close()
        except BaseException as error:
            self._failure = error
        finally:
            self._listener.close()

    def _listen(self) -> None:
        look = Deadline(_AGAIN)
        while not self._stop.is_set():
            patience = self._tape.patience
            self._take(_LOOK if patience is None else min(patience, _LOOK))
            if look.expired:
                look = Deadline(_AGAIN)
                self._look_after_the_lost()
        self._listener.finish(_LAST)
        while self._take(_LAST):
            pass

    def _take(self, seconds: float | None) -> bool:
        """Record the next message if one comes within *seconds*; whether one came."""
        observation = self._listener.next(seconds)
        if observation is not None:
            self._tape.add(observation)
        elif self._away and len(self._away) == len(self.sources):
            # Nobody is left to be waited for: the listener comes back at once.
            self._stop.wait(_LOOK)
        self._tape.keep_up()
        return observation is not None

    def _look_after_the_lost(self) -> None:
        """Note which agents have ended, and listen to those again that are back."""
        gone = Counter(self._listener.lost()) - Counter(self._lost)
        self._lost += gone.elements()
        self._away += gone.elements()
        for source in tuple(self._away):
            with contextlib.suppress(OsBrainError, OSError):
                self._listener.add(source.agent, source.alias)
                self._away.remove(source)
        if len(self._away) == len(self.sources):
            try:
                locate_ns(self._nsaddr, _NAMELESS)
            except OsBrainError:
                # Nobody can come back.
                self._stop.set()

    def __enter__(self: _R) -> _R:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def record(
    path: str | Path, *sources: SourceLike, nsaddr: Any = None, overwrite: bool = False, timeout: float = 3.0
) -> Recorder:
    """Record what goes through sockets of running agents into a new file, until it is told to stop.

    When this returns, everything is recorded that is sent from now on::

        with record('day.mcap', 'feed:bars', 'broker:orders') as recorder:
            trade()
        print(recorder.recorded)

    Agents are not held up by it, and need no preparation. What they send is in the file within a second, and stays
    there if this process is killed. An agent that ends and starts again is recorded again.

    Errors: ``UnknownName``, :class:`~osbrain.errors.UnknownAlias`, ``AgentGone``, ``NotAnswering`` (a
    ``TimeoutError``); :class:`~osbrain.errors.OptionInvalid` for a source of another form and for a file that is there;
    ``OSError`` if no file can be made, and :class:`~osbrain.errors.ExtraMissing` without the package ``mcap``.

    Parameters
    ----------
    path
        A file that is not there yet.
    sources
        What to record: ``'NAME:ALIAS'``, or a tuple of both: agents, and how they call their sockets.
    nsaddr
        Address of the name server; ``OSBRAIN_NAMESERVER_ADDRESS`` if there is none.
    overwrite : bool
        Replace a file that is there.
    timeout : float
        Seconds that an agent may take to answer, at the beginning.

    """
    return Recorder(path, sources, nsaddr, overwrite, timeout)
