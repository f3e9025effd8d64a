"""Run the trading platform from the command line: python -m examples.trading --help."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from pathlib import Path

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from osbrain.errors import ExtraMissing, RecordingFailed

try:
    from .charts import write_png
    from .markets import SYMBOLS
    from .plan import BadPlan, Plan, make_plan, make_replay
    from .platform import run
    from .report import print_report
    from .results import Results
    from .strategies import STRATEGIES
    from .watch import PlatformError
except ModuleNotFoundError as missing:
    raise SystemExit(
        f"Error: {missing.name} is not installed: pip install 'osbrain[examples]'"
    ) from None

OK, FAILED, BAD_ARGUMENTS, INTERRUPTED = 0, 1, 2, 130
DATE = click.DateTime(['%Y-%m-%d'])
FILE = click.Path(dir_okay=False, path_type=Path)
HELP = 'Replay the daily prices of five shares to trading strategies; report how each of them did.'


class BadArgument(click.ClickException):
    """A mistake on the command line, told in one line."""

    exit_code = BAD_ARGUMENTS


@click.command(help=HELP)
@click.option(
    '--symbols',
    default=','.join(SYMBOLS),
    show_default=True,
    help='Shares to trade, with commas between.',
)
@click.option('--from', 'start', metavar='DATE', type=DATE, help='First date, as 2010-01-31.')
@click.option('--to', 'end', metavar='DATE', type=DATE, help='Last date, included.')
@click.option(
    '--speed',
    type=float,
    default=0.0,
    show_default=True,
    help='Bars a second of each share; 0: as fast as everybody can follow.',
)
@click.option(
    '--sabotage',
    metavar='NAME',
    help=f'Let a strategy crash in the middle of the run: {", ".join(STRATEGIES)}.',
)
@click.option('--restart', is_flag=True, help='Start a strategy again that dies; it goes on.')
@click.option('--record', metavar='FILE', type=FILE, help='Record what the feeds publish, as MCAP.')
@click.option('--replay', metavar='FILE', type=FILE, help='Trade on such a recording once more.')
@click.option(
    '--png',
    type=click.Path(dir_okay=False, path_type=Path),
    default='equity.png',
    show_default=True,
    help='File for the equity curves.',
)
@click.option('--headless', is_flag=True, help='Neither progress bar nor curves in the terminal.')
def trade(
    *,
    symbols: str,
    start: datetime | None,
    end: datetime | None,
    speed: float,
    sabotage: str | None,
    restart: bool,
    record: Path | None,
    replay: Path | None,
    png: Path,
    headless: bool,
) -> int:
    """Check the arguments, run, report; return the exit code."""
    for path in filter(None, (png, record)):
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise BadArgument(f'cannot write {path}: no such folder, or no right to write there')
    try:
        if replay:
            refuse_beside_replay()
            plan = make_replay(replay)
        else:
            plan = make_plan(
                [symbol.strip().upper() for symbol in symbols.split(',') if symbol.strip()],
                start.date() if start else date.min,
                end.date() if end else date.max,
                speed,
                sabotage,
                restart,
                record,
            )
    except BadPlan as error:
        raise BadArgument(str(error)) from None
    try:
        results = run_with_progress(plan, headless)
    except (PlatformError, ExtraMissing, RecordingFailed) as error:
        raise click.ClickException(str(error)) from None
    print_report(results, Console(), chart=not headless)
    try:
        write_png(results, png)
    except OSError as error:
        raise click.ClickException(f'cannot write {png}: {error.strerror}') from None
    click.echo(f'Equity curves written to {png}.')
    unexpected = [
        name for name, outcome in results.outcomes.items() if outcome.failure and name != sabotage
    ]
    return FAILED if unexpected or results.discrepancies() else OK


def refuse_beside_replay() -> None:
    """Refuse what somebody has chosen who wants a run repeated: it is as it was recorded."""
    given = click.get_current_context().get_parameter_source
    for option in ('symbols', 'start', 'end', 'speed', 'sabotage', 'restart', 'record'):
        if given(option) is not ParameterSource.DEFAULT:
            name = {'start': 'from', 'end': 'to'}.get(option, option)
            raise BadArgument(f'--{name} does not go with --replay: the recording says it')


def run_with_progress(plan: Plan, headless: bool) -> Results:
    """Run the platform under a progress bar; that goes to standard error, the report to output."""
    console = Console(stderr=True)
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, disable=headless or not console.is_terminal
    ) as progress:
        task = progress.add_task('Starting', total=len(plan.days))

        def show(done: int) -> None:
            progress.update(task, completed=done, description=str(plan.days[max(done - 1, 0)][0]))

        return run(plan, show)


def main(argv: list[str] | None = None) -> int:
    """Run the command; each kind of end has its exit code, each mistake one line."""
    try:
        return trade(argv, prog_name='python -m examples.trading', standalone_mode=False)
    except click.Abort:
        click.echo('Interrupted: everything has been ended.', err=True)
        return INTERRUPTED
    except click.ClickException as error:
        click.echo(f'Error: {error.format_message()}', err=True)
        return error.exit_code


if __name__ == '__main__':
    sys.exit(main())
