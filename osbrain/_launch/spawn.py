"""Starting by spawning: a fresh interpreter, which imports what it needs; slow, and the only way on some systems."""

from __future__ import annotations

import os
import subprocess
import sys
from multiprocessing import spawn as mp_spawn
from multiprocessing import util
from typing import IO, Any, cast

from . import packet
from .popen import BasePopen

_CODE = 'import sys; sys.path[:] = {path!r}; from osbrain._launch.spawn import main; main({back})'


def interpreter(code: str) -> list[str]:
    """Return the command that runs *code* in an interpreter like this one."""
    return [os.fsdecode(mp_spawn.get_executable()), *util._args_from_interpreter_flags(), '-c', code]  # type: ignore[attr-defined]


class Popen(BasePopen):
    """A child in an interpreter of its own; its packet comes through its standard input."""

    method = 'spawn'

    def __init__(self, process: Any) -> None:
        super().__init__()
        body = packet.pack(process)
        back = process._back.fileno()
        util._flush_std_streams()  # type: ignore[attr-defined]
        # The child holds the writing end for as long as it lives: its end is the end of what can be read.
        self.sentinel, held = os.pipe()
        try:
            self._child = subprocess.Popen(  # noqa: S603  (this interpreter, code of ours)
                interpreter(_CODE.format(path=sys.path, back=back)), stdin=subprocess.PIPE, pass_fds=(back, held)
            )
        finally:
            os.close(held)
        self.pid = self._child.pid
        stdin = cast('IO[bytes]', self._child.stdin)  # there, as it was asked to be a pipe
        try:
            stdin.write(body)
            stdin.close()
        except BrokenPipeError:
            pass  # It ended at once: its sentinel says so.

    def _status(self) -> int | None:
        return self._child.wait()


def main(back: int) -> None:
    """Run in the new interpreter: take the packet, become the process."""
    body = sys.stdin.buffer.read()
    code = packet.run(body, back)
    util._flush_std_streams()  # type: ignore[attr-defined]
    os._exit(code)
