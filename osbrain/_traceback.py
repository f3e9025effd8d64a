"""Tracebacks as people read them across process borders: in a frame, set apart from the reader's own."""

from __future__ import annotations

import sys
import traceback


def framed(text: str) -> str:
    """*text* between two rules, each line behind a bar, after a newline."""
    body = '\n'.join('|' + line for line in text.rstrip('\n').split('\n'))
    return f'\n|>>>>>>>>{">" * 52}\n{body}\n|<<<<<<<<{"<" * 52}'


def format_exception() -> str:
    """Write the traceback of the exception being handled, framed."""
    return framed(''.join(traceback.format_exception(*sys.exc_info())))


def traceback_of(error: BaseException) -> str:
    """Write the plain traceback of *error*."""
    return ''.join(traceback.format_exception(type(error), error, error.__traceback__))
