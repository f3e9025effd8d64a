"""Run the benchmarks from the command line: python -m benchmarks --help."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import report
from .catalogue import select
from .command import FILE, SETTINGS, Failure, check_folders, end_of, write_json
from .contender import Contender, Place
from .exits import Exit
from .machine import NoRelease, machine, versions
from .results import Results
from .runner import run, steps
from .works import Work

ROUNDS = 5
HELP = (
    'Measure osbrain beside bare pyzmq and, with --against, beside another release.\n\n'
    'Every work is done by all of them in turn, round after round, each time in fresh processes. The table shows '
    "medians and ratios: this library's value divided by the other's."
)

Draw = Callable[[Sequence[Any], Mapping[Contender, Mapping[str, Any]], Path], None]


@click.command(help=HELP, context_settings=SETTINGS)
@click.option('--quick', is_flag=True, help='Little of everything, in about a minute: shows that it works.')
@click.option('--rounds', type=click.IntRange(min=1), help=f'Rounds to take the median of [{ROUNDS}; with --quick 1].')
@click.option('--against', metavar='PYTHON', help='Interpreter of an environment with another release of osbrain.')
@click.option('--only', metavar='NAME', multiple=True, help='Part of a name in the table, or a glob; may be repeated.')
@click.option('--list', 'list_works', is_flag=True, help='Print the names of what is measured, and end.')
@click.option('--json', 'json_file', type=FILE, help='Write everything that was measured into this file.')
@click.option('--plot', 'png_file', type=FILE, help='Draw the ratios into this PNG file (needs matplotlib).')
def benchmarks(
    *,
    quick: bool,
    rounds: int | None,
    against: str | None,
    only: tuple[str, ...],
    list_works: bool,
    json_file: Path | None,
    png_file: Path | None,
) -> Exit:
    """Check the command line, measure, report; return the exit code."""
    works = select(only)
    if not works:
        raise Failure(f'nothing is named {", ".join(only)}: see --list', Exit.USAGE)
    if list_works:
        for work in works:
            for metric in work.metrics:
                click.echo(metric.name)
        return Exit.OK
    check_folders(json_file, png_file)
    draw = drawing() if png_file else None
    places = {Contender.BARE: Place(), Contender.THIS: Place()}
    if against is not None:
        places[Contender.OTHER] = Place(against, own=False)
    found = all_versions(places)
    rounds = rounds or (1 if quick else ROUNDS)
    facts = {**machine(), 'rounds': rounds, 'quick': quick, 'complete': False}
    results = Results()
    code = Exit.INTERRUPTED
    try:
        with progress(steps(works, places, rounds)) as step:
            run(works, places, rounds, quick, results, before=step)
        facts['complete'] = True
        code = Exit.FAILED if results.failed else Exit.OK
    except KeyboardInterrupt:
        click.echo('Interrupted: this is what there was.', err=True)
    report.print_report(results.rows, facts, found, report.console())
    write(results, facts, found, json_file, png_file, draw)
    return code


def all_versions(places: Mapping[Contender, Place]) -> dict[Contender, dict[str, str | None]]:
    """Ask all interpreters for their versions; one that cannot take part is a mistake on the command line."""
    found = {}
    for contender, place in places.items():
        try:
            found[contender] = versions(place)
        except NoRelease as error:
            raise Failure(f'cannot measure with {place.python}: {error}', Exit.USAGE) from None
    # It does without.
    del found[Contender.BARE]['osbrain']
    return found


@contextmanager
def progress(total: int) -> Iterator[Callable[[Work, Contender], None]]:
    """Show on standard error how far the run is, if that is a terminal; the report goes to standard output."""
    console = Console(stderr=True)
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Drawing disturbs what is measured: rarely is enough.
    with Progress(*columns, console=console, disable=not console.is_terminal, refresh_per_second=1) as bar:
        task = bar.add_task('', total=total, completed=-1)

        def step(work: Work, contender: Contender) -> None:
            bar.update(task, advance=1, description=f'{work.metrics[0].name}: {contender.value}')

        yield step


def drawing() -> Draw:
    """Return what draws the chart, or say at once what it needs."""
    try:
        from .chart import write_png  # noqa: PLC0415 - matplotlib is an extra, and takes a second to import
    except ModuleNotFoundError as missing:
        raise Failure(f"--plot needs {missing.name}: pip install 'osbrain[benchmarks]'", Exit.USAGE) from None
    return write_png


def write(
    results: Results,
    facts: Mapping[str, Any],
    found: Mapping[Contender, Mapping[str, Any]],
    json_file: Path | None,
    png_file: Path | None,
    draw: Draw | None,
) -> None:
    """Write the files that were asked for."""
    if json_file is not None:
        everything = {
            'machine': facts,
            'versions': {contender.value: versions for contender, versions in found.items()},
            'works': [row.as_json() for row in results.rows],
        }
        write_json(json_file, everything)
    if png_file is not None and draw is not None:
        try:
            draw(results.rows, found, png_file)
        except OSError as error:
            raise Failure(f'cannot write {error.filename}: {error.strerror}', Exit.FAILED) from None


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return end_of(benchmarks, argv, 'python -m benchmarks')


if __name__ == '__main__':
    sys.exit(main())
