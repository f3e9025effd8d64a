"""One agent a row: what ``ls`` and ``top`` show of it, as text, as JSON, and to sort by."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from .._remote.lookout import AgentSight
from ..metrics.rates import AgentRates
from .units import count, duration, share, volume
from .view import Look

#: The state that is shown of an agent that is registered and says nothing.
NO_ANSWER = 'no answer'


@dataclass(frozen=True)
class Row:
    """One agent at one moment; of one that did not answer, what the name server knows of it."""

    name: str
    seen: AgentSight
    rates: AgentRates | None

    @property
    def state(self) -> str:
        """As the name server knows it, unless the agent does not answer."""
        silent = self.seen.stats is None and self.seen.status.state != 'gone'
        return NO_ANSWER if silent else self.seen.status.state

    @property
    def remark(self) -> str:
        """Why it does not run, or does not answer."""
        return (self.seen.trouble if self.state == NO_ANSWER else self.seen.status.reason) or ''

    def facts(self) -> dict[str, Any]:
        """Return all that is known, for programs; ``None`` where nothing is."""
        status, stats, rates = self.seen.status, self.seen.stats, self.rates
        return {
            'name': self.name,
            'class': status.kind or None,
            'host': status.host or None,
            'pid': status.pid or None,
            'state': status.state,
            'reason': status.reason,
            'answers': stats is not None,
            'trouble': self.seen.trouble,
            'uptime_s': stats and stats.uptime,
            'memory_bytes': stats and stats.memory,
            'threads': stats and stats.threads,
            'cpu': rates and rates.cpu,
            'busy': rates and rates.busy,
            'received_per_s': rates and rates.received.messages_per_s,
            'sent_per_s': rates and rates.sent.messages_per_s,
            'received_bytes_per_s': rates and rates.received.bytes_per_s,
            'sent_bytes_per_s': rates and rates.sent.bytes_per_s,
            'errors': stats and stats.errors,
            'errors_per_s': rates and rates.errors_per_s,
            'undecodable': stats and stats.undecodable,
            'overflows': stats and stats.overflows,
            'calls_waiting': stats and stats.calls_waiting,
            'requests_pending': stats and stats.requests_pending,
        }


def rows_of(look: Look) -> list[Row]:
    """Return a row for each agent, in the order of their names."""
    return [Row(name, seen, look.rates.get(name)) for name, seen in sorted(look.sight.agents.items())]


class Column(NamedTuple):
    """What a row shows under one header."""

    header: str
    #: What it shows, as a number or a text; ``None`` where it is not known.
    value: Callable[[Row], Any]
    text: Callable[[Any], str] = str


def _of_stats(name: str, text: Callable[[Any], str] = str) -> Column:
    return Column(name, lambda row: row.seen.stats and getattr(row.seen.stats, name), text)


def _of_rates(header: str, value: Callable[[AgentRates], float], text: Callable[[Any], str]) -> Column:
    return Column(header, lambda row: row.rates and value(row.rates), text)


_ALL = (
    Column('name', lambda row: row.name),
    # A row has no room for the module; JSON has.
    Column('class', lambda row: row.seen.status.kind.rpartition('.')[2]),
    Column('host', lambda row: row.seen.status.host),
    Column('pid', lambda row: row.seen.status.pid or None),
    Column('state', lambda row: row.state),
    _of_stats('uptime', duration),
    _of_rates('cpu', lambda rates: rates.cpu, share),
    _of_rates('busy', lambda rates: rates.busy, share),
    _of_stats('memory', volume),
    _of_rates('messages/s', lambda rates: rates.messages_per_s, count),
    _of_rates('in/s', lambda rates: rates.received.messages_per_s, count),
    _of_rates('out/s', lambda rates: rates.sent.messages_per_s, count),
    _of_rates('bytes/s', lambda rates: rates.bytes_per_s, volume),
    _of_stats('errors', count),
    _of_stats('overflows', count),
    Column('remark', lambda row: row.remark),
)
COLUMNS = {column.header: column for column in _ALL}


def table(rows: Iterable[Row], headers: tuple[str, ...]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return headers and texts; a remark has a column where any row has one."""
    rows = list(rows)
    if any(row.remark for row in rows):
        headers = (*headers, 'remark')
    columns = [COLUMNS[header] for header in headers]
    return headers, [tuple(_cell(column, row) for column in columns) for row in rows]


def _cell(column: Column, row: Row) -> str:
    value = column.value(row)
    return '' if value is None else column.text(value)


def ordered(rows: Iterable[Row], by: str, reverse: bool = False) -> list[Row]:
    """Sort *rows* by a column: texts from a to z, numbers from the greatest down, and what is not known at the end.

    *reverse* turns that round, but for what is not known. Rows that are equal stay in the order of their names.
    """
    by_name = sorted(rows, key=lambda row: row.name)
    column = COLUMNS[by]
    known = [row for row in by_name if column.value(row) not in (None, '')]
    # Sorting in reverse keeps the order of what is equal too.
    known.sort(key=column.value, reverse=reverse if known and isinstance(column.value(known[0]), str) else not reverse)
    return known + [row for row in by_name if column.value(row) in (None, '')]
