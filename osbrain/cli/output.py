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

_NUMBERS = frozenset(
    {
        'pid', 'ms', 'uptime', 'cpu', 'busy', 'memory', 'messages/s', 'in/s', 'out/s', 'bytes/s', 'in', 'out', 'errors',
        'overflows', 'bytes in', 'bytes out', 'handling', '99 %', 'longest', 'period', 'due in',
    }
)  # fmt: skip
_SHORT = frozenset({'state', 'since', 'answer', 'kind', 'role', 'exact'}) | _NUMBERS
_STYLES = {
    'running': 'green',
    'starting': 'yellow',
    'stopped': 'red',
    'gone': 'bold red',
    'unknown': 'bold red',
    'no answer': 'bold red',
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
    console = table_console()
    show_renderable(make_table(headers, rows, console), console)


def show_renderable(drawn: Any, console: Console) -> None:
    """Print what *console* draws."""
    with console.capture() as captured:
        console.print(drawn)
    click.echo(captured.get(), nl=False, color=True)


def table_console() -> Console:
    """Return what to draw on: the terminal, or a pipe, where each row is a line."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDE)


def make_table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    console: Console,
    sorted_by: str | None = None,
    one_line: bool = False,
) -> Table:
    """Return the table that :func:`show_table` prints, for *console*; the header *sorted_by* stands out.

    *one_line*: a row takes one line, and what has no room in it is cut off.
    """
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    for header in headers:
        justify: Literal['left', 'right'] = 'right' if header in _NUMBERS else 'left'
        style = 'reverse' if header == sorted_by else ''
        table.add_column(
            header,
            justify=justify,
            overflow='ellipsis' if one_line else 'fold',
            no_wrap=one_line or header in _SHORT,
            min_width=len(header),
            header_style=style,
        )
    for row in rows:
        cells = [printable(cell, console.encoding) for cell in row]
        table.add_row(*(Text(cell, style=_STYLES.get(cell, '')) for cell in cells))
    return table
