"""Whatever ends a command early: one line for a person, and an exit code for a script."""

from __future__ import annotations

import click

from .exits import Exit
from .output import command_path


class Failure(click.ClickException):
    """Ends the command with the line *message* on standard error and the exit code *code*."""

    def __init__(self, code: Exit, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.path = command_path()
