"""What CURVE costs: the same works over ipc, open tcp and tcp with CURVE, in turn: python -m benchmarks.security."""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.table import Table

from .command import FILE, SETTINGS, Failure, check_folders, end_of, write_json
from .contender import Place
from .exits import Exit
from .machine import machine
from .measurement import measure

ROUNDS = 5
#: What is compared, and the settings by which agents come to it.
WAYS = {
    'ipc': {'OSBRAIN_DEFAULT_TRANSPORT': 'ipc'},
    'tcp': {'OSBRAIN_DEFAULT_TRANSPORT': 'tcp', 'OSBRAIN_SECURITY': 'none'},
    'tcp with CURVE': {'OSBRAIN_DEFAULT_TRANSPORT': 'tcp', 'OSBRAIN_SECURITY': 'curve'},
}


class Work(NamedTuple):
    """One row: a contender's script, a function in it, its options, and how often it is done."""

    name: str
    unit: str
    script: str
    function: str
    options: Mapping[str, int]
    times: int
    takes_transport: bool = True

    def arguments(self, way: str, quick: bool) -> list[str]:
        """Return the script's arguments; those that have no word for the transport take the default."""
        transport = [f'transport={WAYS[way]["OSBRAIN_DEFAULT_TRANSPORT"]}'] if self.takes_transport else []
        options = [f'{name}={value}' for name, value in self.options.items()]
        return [self.function, *transport, *options, f'count={self.times // 8 if quick else self.times}']


WORKS = (
    Work('REQ-REP', 'round trips/s', 'agents_requests.py', 'req_rep', {}, 20_000),
    Work('PUSH-PULL dict', 'messages/s', 'agents_messages.py', 'push_pull', {}, 200_000),
    Work('PUSH-PULL 64 bytes raw', 'messages/s', 'agents_messages.py', 'push_pull', {'raw': 1}, 200_000),
    Work('array 1 MiB', 'GiB/s', 'agents_arrays.py', 'arrays', {'mebibytes': 1}, 800, takes_transport=False),
    Work('array 8 MiB', 'GiB/s', 'agents_arrays.py', 'arrays', {'mebibytes': 8}, 120, takes_transport=False),
)

Values = dict[str, dict[str, list[float]]]


def measured(rounds: int, quick: bool) -> Values:
    """Return each work's values by way; what disturbs one way disturbs all, because they take turns."""
    values: Values = {work.name: defaultdict(list) for work in WORKS}
    for work in WORKS:
        for _ in range(rounds):
            for way, settings in WAYS.items():
                outcome = measure(Place(settings=settings), work.script, work.arguments(way, quick))
                if not outcome.values:
                    raise Failure(f'{work.name}, {way}: {outcome.failed or outcome.unavailable}', Exit.FAILED)
                values[work.name][way].append(outcome.values['value'])
    return values


def table(values: Values) -> Table:
    """Return the medians, and what CURVE leaves of open tcp."""
    made = Table('work', 'unit', *WAYS, 'CURVE / tcp')
    for work in WORKS:
        medians = {way: statistics.median(found) for way, found in values[work.name].items()}
        digits = ',.2f' if work.unit == 'GiB/s' else ',.0f'
        ratio = medians['tcp with CURVE'] / medians['tcp']
        made.add_row(work.name, work.unit, *(format(medians[way], digits) for way in WAYS), f'{ratio:.2f}')
    return made


@click.command(help=__doc__, context_settings=SETTINGS)
@click.option('--quick', is_flag=True, help='Little of everything: shows that it works.')
@click.option('--rounds', type=click.IntRange(min=1), help=f'Rounds to take the median of [{ROUNDS}; with --quick 1].')
@click.option('--json', 'json_file', type=FILE, help='Write everything that was measured into this file.')
def security(*, quick: bool, rounds: int | None, json_file: Path | None) -> Exit:
    """Measure, print; return the exit code."""
    check_folders(json_file)
    values = measured(rounds or (1 if quick else ROUNDS), quick)
    Console(width=None if sys.stdout.isatty() else 110).print(table(values))
    if json_file is not None:
        write_json(json_file, {**machine(), 'values': values})
    return Exit.OK


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return end_of(security, argv, 'python -m benchmarks.security')


if __name__ == '__main__':
    sys.exit(main())
