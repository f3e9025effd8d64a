"""What is printed: tables for people, JSON for programs, and nothing that could upset a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wider than any row: a pipe has no width, and whoever reads it wants one line a row.
_WIDE = 100_000

STYLES = {'running': 'green', 'starting': 'yellow', 'stopped': 'red', 'gone': 'bold red', 'unknown': 'bold red'}


def printable(text: str, encoding: str | None = None) -> str:
    """*text* on one line, with an escape for whatever moves a cursor or cannot be written in *encoding*.

    Names and reasons come from other processes: they may contain anything.
    """
    line = ' '.join(text.split())
    shown = ''.join(
        char if char.isprintable() else char.encode('unicode_escape', 'surrogatepass').decode() for char in line
    )
    encoding = encoding or 'utf-8'
    return shown.encode(encoding, 'backslashreplace').decode(encoding)


def say(text: str, err: bool = False) -> None:
    """Print a line, on standard error if *err*."""
    stream = sys.stderr if err else sys.stdout
    click.echo(printable(text, stream.encoding), err=err)


def show_json(value: Any) -> None:
    """Print *value* as JSON that any encoding can carry."""
    click.echo(json.dumps(value, indent=2))


def show_table(headers: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """Print a table; *numbers* names the columns that are aligned to the right."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for header in headers:
        table.add_column(header, justify='right' if header in numbers else 'left', overflow='fold')
    for row in rows:
        cells = [printable(cell, console.encoding) for cell in row]
        table.add_row(*(Text(cell, style=STYLES.get(cell, '')) for cell in cells))
    console.print(table)
