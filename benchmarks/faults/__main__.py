"""Run the fault suite from the command line: python -m benchmarks.faults --help."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..command import FILE, SETTINGS, check_folders, end_of, write_json
from ..exits import Exit
from . import report
from .run import run

#: Tasks a minute.
PACE = 100_000
HELP = (
    'Strike a running system again and again, and see that nothing is lost.\n\n'
    'Numbered tasks go from a dispatcher with a journal through four workers to a sink, 100,000 a minute. Meanwhile a '
    'worker is killed every 0.2 s, the name server twice and the dispatcher once a minute; workers are stopped and '
    'continued, the queue is filled, descriptors run out, and strangers send what is no message. In the end every '
    'task that was taken has to have arrived.'
)
_WIDE = 120


@click.command(help=HELP, context_settings=SETTINGS)
@click.option('--minutes', type=click.FloatRange(min=0.05), default=1.0, show_default=True, help='How long.')
@click.option('--tasks', type=click.IntRange(min=1), help=f'How many tasks [{PACE:,} a minute].')
@click.option('--seed', type=int, default=1, show_default=True, help='Which of all possible runs.')
@click.option('--json', 'json_file', type=FILE, help='Write it all there too.')
def faults(*, minutes: float, tasks: int | None, seed: int, json_file: Path | None) -> Exit:
    """Run, report; return the exit code."""
    check_folders(json_file)
    console = Console(stderr=True)
    columns = (TextColumn('tasks handed in'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        shown = bar.add_task('')
        outcome = run(
            minutes * 60,
            tasks or int(PACE * minutes),
            seed,
            lambda done, total: bar.update(shown, completed=done, total=total),
        )
    output = Console()
    report.print_report(outcome, output if output.is_terminal else Console(width=_WIDE))
    if json_file is not None:
        write_json(json_file, report.as_json(outcome))
    return Exit.OK if outcome.sound else Exit.FAILED


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return end_of(faults, argv, 'python -m benchmarks.faults')


if __name__ == '__main__':
    sys.exit(main())
