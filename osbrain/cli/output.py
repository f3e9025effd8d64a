"""What is printed: tables for people, JSON for programs, and nothing that could upset a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wider than any row: a pipe has no width, and whoever reads it wants one line a row.
_WIDE = 100_000

_NUMBERS = frozenset({'pid', 'ms'})
_SHORT = frozenset({'state', 'pid', 'since', 'answer', 'ms'})
_STYLES = {
    'running': 'green',
    'starting': 'yellow',
    'stopped': 'red',
    'gone': 'bold red',
    'unknown': 'bold red',
    'ok': 'green',
    'warning': 'yellow',
    'fault': 'bold red',
}


def printable(text: str, encoding: str | None = None) -> str:
    """*text* on one line, with an escape for whatever moves a cursor or cannot be written in *encoding*.

    Names and reasons come from other processes: they may contain anything.
    """
    return _escaped(' '.join(text.split()), encoding)


def _escaped(line: str, encoding: str | None) -> str:
    shown = ''.join(
        char if char.isprintable() else char.encode('unicode_escape', 'surrogatepass').decode() for char in line
    )
    encoding = encoding or 'utf-8'
    return shown.encode(encoding, 'backslashreplace').decode(encoding)


def say(text: str, err: bool = False) -> None:
    """Print a line, on standard error if *err*; that nobody can read an error there is no error of its own."""
    # A stream that the shell has closed is None.
    encoding = getattr(sys.stderr if err else sys.stdout, 'encoding', None)
    try:
        click.echo(printable(text, encoding), err=err)
    except OSError:
        if not err:
            raise


def say_lines(text: str, colour: str | None = None) -> None:
    """Print *text* as it is laid out, otherwise as :func:`say`; *colour* is for terminals."""
    encoding = getattr(sys.stdout, 'encoding', None)
    for line in text.expandtabs().splitlines() or ['']:
        click.secho(_escaped(line, encoding), fg=colour)


def complain(text: str) -> None:
    """Print a line on standard error that begins with the command's name."""
    say(f'{command_path()}: {text}', err=True)


def command_path() -> str:
    """Return the name of the command that runs now: ``osbrain ping``."""
    ctx = click.get_current_context(silent=True)
    return ctx.command_path if ctx else 'osbrain'


def show_json(value: Any) -> None:
    """Print *value* as JSON that any encoding can carry."""
    click.echo(json.dumps(value, indent=2))


def show_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table: columns of few letters as wide as they are, the others in what is left of the terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    for header in headers:
        justify: Literal['left', 'right'] = 'right' if header in _NUMBERS else 'left'
        table.add_column(header, justify=justify, overflow='fold', no_wrap=header in _SHORT, min_width=len(header))
    for row in rows:
        cells = [printable(cell, console.encoding) for cell in row]
        table.add_row(*(Text(cell, style=_STYLES.get(cell, '')) for cell in cells))
    with console.capture() as captured:
        console.print(table)
    click.echo(captured.get(), nl=False, color=True)
