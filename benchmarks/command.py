"""What the commands of this package have in common: each kind of end has its exit code, each mistake one line."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .exits import Exit

#: A file to write what was measured into.
FILE = click.Path(dir_okay=False, writable=True, path_type=Path)
SETTINGS = {'help_option_names': ['-h', '--help'], 'max_content_width': 100}


class Failure(click.ClickException):
    """What ends a command early, in one line, with its exit code."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.code = code


def check_folders(*files: Path | None) -> None:
    """Refuse a file that cannot be written later, before anything is measured."""
    for path in files:
        if path is not None and not path.parent.is_dir():
            raise Failure(f'cannot write {path}: there is no such folder', Exit.USAGE)


def write_json(path: Path, content: Any) -> None:
    """Write *content* for programs to read."""
    try:
        path.write_text(json.dumps(content, indent=2) + '\n', encoding='utf-8')
    except OSError as error:
        raise Failure(f'cannot write {error.filename}: {error.strerror}', Exit.FAILED) from None


def end_of(command: Callable[..., Any], argv: list[str] | None, name: str) -> int:
    """Run a command of *name*; return its exit code."""
    # Who is asked to end by a machine leaves as little behind as who is asked by a person.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return int(command(argv, prog_name=name, standalone_mode=False) or Exit.OK)
    except (click.Abort, KeyboardInterrupt):
        click.echo('Interrupted.', err=True)
        return Exit.INTERRUPTED
    except Failure as error:
        click.echo(f'Error: {error.format_message()}', err=True)
        return error.code
    except click.UsageError as error:
        click.echo(f'Error: {error.format_message()}', err=True)
        return Exit.USAGE
