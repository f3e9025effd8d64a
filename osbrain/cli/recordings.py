"""What can go wrong with recordings, and what that means for how a command ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from .._remote.errors import NotAnswering, UnknownName, Unreachable
from ..errors import (
    ExtraMissing,
    OptionInvalid,
    RecordingFailed,
    RecordingInvalid,
    SerializerForbidden,
    UnknownAlias,
    WaitTimeout,
)
from .exits import Exit
from .failure import Failure

_CODES: dict[type[Exception], Exit] = {
    ExtraMissing: Exit.EXTRA_MISSING,
    UnknownName: Exit.UNKNOWN_AGENT,
    UnknownAlias: Exit.UNKNOWN_ALIAS,
    NotAnswering: Exit.NOT_ANSWERING,
    Unreachable: Exit.NOT_ANSWERING,
    WaitTimeout: Exit.NOT_ANSWERING,
    RecordingInvalid: Exit.RECORDING_UNREADABLE,
    RecordingFailed: Exit.RECORDING_UNWRITABLE,
    OptionInvalid: Exit.USAGE,
    SerializerForbidden: Exit.FAILED,
}


@contextlib.contextmanager
def failures(path: str, of_file: Exit) -> Iterator[None]:
    """For the time of a block, end the command with one line and its exit code for whatever is known to go wrong.

    *of_file* is for what the system says about the file *path*.
    """
    try:
        yield
    except tuple(_CODES) as error:
        code = next(_CODES[cls] for cls in type(error).__mro__ if cls in _CODES)
        raise Failure(code, str(error)) from None
    except OSError as error:
        raise Failure(of_file, f'{path}: {error.strerror or error}') from None
