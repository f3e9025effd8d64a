"""``osbrain hz``, ``bw`` and ``delay`` alike: a line for each stream every second, until somebody has seen enough."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import click

from .._clock import monotonic
from ..address import SocketAddress
from ..recording.observation import Observation, Source
from .exits import Exit
from .figures import Figures, Meter
from .looking import Limits, Looking, label
from .options import interval_option, json_option, limit_options, nsaddr_option, topic_option
from .output import show_json_line
from .targets import targets_argument

_NOTHING = '-'
_WIDTH = 13
# Beside the name: 'request', 'failure' ...
_ROOM_FOR_WHAT = 8


class Column(NamedTuple):
    """One figure: its *name* in JSON, its *header* for people, how it is found, and how a person reads it."""

    name: str
    header: str
    value: Callable[[Figures], float]
    text: Callable[[float], str]

    def figure(self, figures: Figures) -> float | None:
        """Return the figure; ``None`` where nothing was there to be measured."""
        value = self.value(figures)
        return value if math.isfinite(value) else None

    def written(self, figures: Figures) -> str:
        """Return the figure as a person reads it."""
        value = self.figure(figures)
        return _NOTHING if value is None else self.text(value)


def milliseconds(seconds: float) -> str:
    """Write *seconds* as a person reads what is short."""
    return f'{seconds * 1000:,.3f} ms'


def in_numbers(value: float) -> str:
    """Write a number of messages as a person reads it."""
    return f'{value:,.1f}'


def in_bytes(size: float) -> str:
    """Write a number of bytes as a person reads it."""
    for unit in ('B', 'KiB', 'MiB', 'GiB'):
        if abs(size) < 1024 or unit == 'GiB':
            break
        size /= 1024
    return f'{size:,.0f} B' if unit == 'B' else f'{size:,.1f} {unit}'


class _Streams:
    """The meters of all streams: requests and replies of one socket are two."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._meters: dict[tuple[Source, str], Meter] = {}
        self._since = monotonic()

    def add(self, observation: Observation) -> None:
        """Take one more message to account."""
        self._meters.setdefault((observation.source, observation.what), Meter()).add(observation)

    def read(self) -> list[tuple[Source, str, Figures]]:
        """Return what has been measured since the last time, also of those that have said nothing yet."""
        now = monotonic()
        seconds, self._since = now - self._since, now
        heard = {source for source, _ in self._meters}
        silent = {(source, ''): Meter() for source in self._sources if source not in heard}
        return [(*key, meter.read(seconds)) for key, meter in (*silent.items(), *self._meters.items())]


def measuring_command(short_help: str, epilog: str) -> Callable[[Callable[[], Sequence[Column]]], click.Command]:
    """Make a verb of a function that returns what is measured; its docstring is the verb's help."""

    def command(columns: Callable[[], Sequence[Column]]) -> click.Command:
        @click.command(name=columns.__name__, help=columns.__doc__, short_help=short_help, epilog=epilog)
        @targets_argument
        @nsaddr_option
        @topic_option
        @interval_option(1.0, 'How long to measure for each line.')
        @limit_options
        @json_option
        def verb(
            *,
            targets: tuple[str, ...],
            nsaddr: SocketAddress,
            topic: str,
            interval: float,
            count: int | None,
            seconds: float | None,
            as_json: bool,
        ) -> Exit:
            return measure(columns(), targets, nsaddr, topic, Limits(seconds, count), interval, as_json)

        return verb

    return command


def measure(
    columns: Sequence[Column],
    targets: tuple[str, ...],
    nsaddr: SocketAddress,
    topic: str,
    limits: Limits,
    interval: float,
    as_json: bool,
) -> Exit:
    """Print the *columns* of each stream, every *interval* seconds."""
    with Looking(nsaddr, targets, topic) as looking, contextlib.suppress(KeyboardInterrupt):
        streams = _Streams(looking.sources)
        width = max(len(label(source)) for source in looking.sources) + _ROOM_FOR_WHAT
        if not as_json:
            show_row(' ' * width, [column.header for column in columns])
        for observation in looking.look(limits, interval):
            if observation is not None:
                streams.add(observation)
                continue
            for source, what, figures in streams.read():
                if as_json:
                    show_json_line(_facts(columns, source, what, figures, looking.missed(source)))
                else:
                    show_row(f'{label(source)} {what}'.ljust(width), [column.written(figures) for column in columns])
    return looking.sum_up()


def show_row(name: str, cells: Sequence[str]) -> None:
    """Print one line of columns that are as wide as any figure."""
    click.echo('  '.join([name, *(cell.rjust(_WIDTH) for cell in cells)]))


def _facts(columns: Sequence[Column], source: Source, what: str, figures: Figures, missed: int) -> dict[str, Any]:
    return {
        'agent': source.agent,
        'alias': source.alias,
        'what': what or None,
        'seconds': figures.seconds,
        'messages': figures.messages,
        **{column.name: column.figure(figures) for column in columns},
        'total': figures.total,
        'missed': missed,
    }
