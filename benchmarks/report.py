"""Tell a person what has come out: the machine, a table, and how many targets were met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .contender import Contender
from .results import Row, Target

Versions = Mapping[Contender, Mapping[str, Any]]

# A pipe has no width, and whoever reads it wants one line a row.
_WIDE = 200
_STYLES = {True: 'green', False: 'red', None: ''}
_WORDS = {True: 'met', False: 'missed', None: ''}


def console() -> Console:
    """Return the console for the report: as wide as the terminal, or as the table without one."""
    made = Console()
    return made if made.is_terminal else Console(width=_WIDE)


def print_report(rows: Sequence[Row], facts: Mapping[str, Any], versions: Versions, output: Console) -> None:
    """Print everything that there is to tell."""
    for line in head(facts, versions):
        output.print(line, highlight=False, markup=False)
    output.print(table(rows, versions))
    for line in troubles(rows):
        output.print(line, style='red', highlight=False, markup=False)
    output.print(summary(rows), highlight=False, markup=False)


def head(facts: Mapping[str, Any], versions: Versions) -> list[str]:
    """Say what the numbers were measured on."""
    rounds = f'{facts["rounds"]} round{"s" * (facts["rounds"] != 1)}{", quick" * facts["quick"]}'
    return [
        f'{facts["cpu"]}, {facts["cores"]} cores, {facts["system"]}, {facts["date"]}, {rounds}',
        *(f'{column(contender, versions)}: {description(found)}' for contender, found in versions.items()),
    ]


def description(found: Mapping[str, Any]) -> str:
    """Return the versions of one contender as text."""
    return f'Python {found["python"]}, pyzmq {found["pyzmq"]}, libzmq {found["libzmq"]}'


def column(contender: Contender, versions: Versions) -> str:
    """Return the name of a contender's column: bare pyzmq has no version of osbrain."""
    if contender is Contender.BARE:
        return 'bare pyzmq'
    return f'osbrain {versions[contender]["osbrain"]}'


def table(rows: Sequence[Row], versions: Versions) -> Table:
    """Return a row for each number; ratios are this library's value divided by the other's."""
    shown = [contender for contender in Contender if contender in versions]
    compared = [contender for contender in shown if contender is not Contender.THIS]
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    made.add_column('work')
    made.add_column('unit')
    for contender in shown:
        made.add_column(column(contender, versions), justify='right')
    for contender in compared:
        made.add_column(f'to {column(contender, versions)}', justify='right')
    made.add_column('target')
    for row in rows:
        made.add_row(
            row.metric.name,
            row.metric.unit,
            *(value(row, contender) for contender in shown),
            *(ratio(row, contender) for contender in compared),
            Text(_WORDS[row.met], style=_STYLES[row.met]),
        )
    return made


def value(row: Row, contender: Contender) -> Text:
    """Return the median, or a word for why there is none; the reasons stand below the table."""
    median = row.median(contender)
    if median is None:
        return Text(row.trouble(contender).partition(':')[0], style='red')
    return with_target(number(median), row.target(contender) if contender is Contender.THIS else None)


def ratio(row: Row, contender: Contender) -> Text:
    """Return the ratio with what it must be."""
    reached = row.ratio(contender)
    if reached is None:
        return Text('')
    return with_target(f'{reached:.2f}', row.target(contender))


def with_target(text: str, target: Target | None) -> Text:
    """Add what was wanted, in the colour of the verdict."""
    if target is None:
        return Text(text)
    sign = '≥' if target.metric.better.name == 'HIGHER' else '≤'
    return Text(f'{text} ({sign} {target.wanted:g})', style=_STYLES[target.met])


def number(amount: float) -> str:
    """Return *amount* with three digits or more: 123,456, 12.3, 1.23."""
    for limit, digits in ((100, 0), (10, 1), (0.1, 2)):
        if abs(amount) >= limit:
            return f'{amount:,.{digits}f}'
    return f'{amount:.3g}'


def troubles(rows: Sequence[Row]) -> list[str]:
    """Say what has failed or could not be done, and why."""
    lines = [
        f'{contender.value}, {row.metric.name}: {text}'
        for row in rows
        for contender in row.outcomes
        if (text := row.trouble(contender))
    ]
    return list(dict.fromkeys(lines))


def summary(rows: Sequence[Row]) -> str:
    """Count the targets."""
    targets = [target for row in rows for contender in Contender if (target := row.target(contender))]
    judged = [target.met for target in targets if target.met is not None]
    return f'{sum(judged)} of {len(judged)} targets met.' if judged else 'Nothing was compared with a target.'
