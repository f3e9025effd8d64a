"""Tell a person how often each fault struck, what came of it, and how long each recovery took."""

from __future__ import annotations

from statistics import median
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from .ledger import Outcome
from .schedule import Fault


def table(outcome: Outcome) -> Table:
    """Return a row for each fault."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    made.add_column('fault')
    for name in ('struck', 'recoveries', 'p50 (s)', 'max (s)'):
        made.add_column(name, justify='right')
    for fault in Fault:
        times = outcome.recoveries.get(fault, ())
        made.add_row(
            fault.value,
            str(outcome.strikes.get(fault, 0)),
            str(len(times)) if times else '',
            f'{median(times):.3f}' if times else '',
            f'{max(times):.3f}' if times else '',
        )
    return made


def summary(outcome: Outcome) -> str:
    """Say what became of the tasks."""
    lost = f'{len(outcome.lost)} LOST' if outcome.lost else 'none lost'
    return (
        f'{outcome.handed_in:,} tasks handed in within {outcome.seconds:.0f} s: {outcome.arrived:,} arrived, {lost}, '
        f'{outcome.repeats:,} repeated.'
    )


def print_report(outcome: Outcome, output: Console) -> None:
    """Print everything that there is to tell."""
    output.print(table(outcome))
    output.print(summary(outcome), highlight=False, markup=False, style='' if not outcome.lost else 'red')
    if outcome.lost:
        output.print(f'The first that are lost: {list(outcome.lost[:20])}', style='red', highlight=False, markup=False)
    for text in outcome.troubles:
        output.print(text, style='red', highlight=False, markup=False)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return everything as what JSON can express; seconds are seconds."""
    return {
        'handed_in': outcome.handed_in,
        'arrived': outcome.arrived,
        'lost': list(outcome.lost),
        'repeats': outcome.repeats,
        'seconds': outcome.seconds,
        'sound': outcome.sound,
        'faults': {
            fault.value: {
                'struck': outcome.strikes.get(fault, 0),
                'recoveries': list(outcome.recoveries.get(fault, ())),
            }
            for fault in Fault
        },
        'troubles': list(outcome.troubles),
    }
