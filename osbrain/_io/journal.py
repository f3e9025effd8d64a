"""Tasks on disk, so that a dispatcher that is killed goes on where it was: one SQLite file, one owner at a time."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from .._ids import short_identifier
from .._security.private_files import foreign_hand
from ..errors import JournalFailed, JournalInvalid, OptionInvalid

# What every SQLite file begins with (https://www.sqlite.org/fileformat.html).
_MAGIC = b'SQLite format 3\x00'
_FORMAT = 'osbrain journal 1'

_TABLES = (
    'CREATE TABLE owner (format TEXT, agent TEXT, alias TEXT, origin BLOB, run INTEGER)',
    (
        'CREATE TABLE task (number INTEGER PRIMARY KEY, sent REAL, attempts INTEGER DEFAULT 0, '
        "failures INTEGER DEFAULT 0, given_up INTEGER DEFAULT 0, error TEXT DEFAULT '', lengths TEXT, body BLOB)"
    ),
)

#: Bits of a task's number that count within one run of the dispatcher; the run stands above them.
RUN_BITS = 40


class Kept(NamedTuple):
    """One task as it was found."""

    number: int
    #: When it was sent: seconds since the epoch.
    sent: float
    attempts: int
    failures: int
    given_up: bool
    error: str
    body: Any


class Journal:
    """The tasks of one dispatcher: its *agent* and *alias* own the file.

    A commit is written to the system at once, and by the system to the disk whenever it likes (``synchronous=NORMAL``
    in WAL mode): what was committed survives the end of the process, not that of the machine. 89,000 commits/s of one
    task were measured, against 5,200 with ``FULL``, on a disk that takes 0.2 ms to write through; many take 5 ms.
    """

    def __init__(self, path: Any, agent: str, alias: str) -> None:
        if not isinstance(path, (str, Path)) or not str(path):
            raise OptionInvalid('journal', path, 'the path of a file')
        self.path = Path(path).absolute()
        self._sql: Any = None
        there = self._is_there()
        try:
            if not there:
                self._make_private()
            # What is committed when is said below, in every place; who shares it, too: its users take turns.
            self._sql = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
            # Held as long as the file is open, and given back by the system when the process ends in any way.
            self._sql.execute('PRAGMA locking_mode=EXCLUSIVE')
            ((tables,),) = self._sql.execute('SELECT count(*) FROM sqlite_master').fetchall()
            if tables:
                self._check(agent, alias)
            else:
                self._make(agent, alias)
            self._begin()
        except sqlite3.Error as error:
            self.close()
            if not there:
                self.path.unlink(missing_ok=True)
            raise self._invalid(error) from error
        except BaseException:
            self.close()
            raise
        #: Done, and not yet written down as such.
        self._done: list[int] = []

    # -- Opening --------------------------------------------------------------------------------------------------

    def _is_there(self) -> bool:
        """Look before SQLite does, which would take the file for its own."""
        try:
            with self.path.open('rb') as file:
                # Workers unpickle what it holds.
                why = foreign_hand(os.fstat(file.fileno()))
                head = file.read(len(_MAGIC))
        except FileNotFoundError:
            if not self.path.parent.is_dir():
                raise JournalInvalid(str(self.path), 'its folder does not exist') from None
            return False
        except OSError as error:
            raise JournalInvalid(str(self.path), str(error)) from error
        if why:
            raise JournalInvalid(str(self.path), why)
        if head and head != _MAGIC:
            raise JournalInvalid(str(self.path), 'it is no SQLite file')
        return True

    def _make_private(self) -> None:
        """Make the file before SQLite does, which would let everybody read it."""
        with contextlib.suppress(OSError):  # SQLite says what is wrong
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))

    def _invalid(self, error: sqlite3.Error) -> JournalInvalid:
        # Python 3.10 has no error.sqlite_errorcode.
        why = {
            'database is locked': 'it is in use by another dispatcher that is alive',
            'attempt to write a readonly database': 'it cannot be written',
            'unable to open database file': 'it cannot be written',
            'file is not a database': 'it is corrupt',
            'database disk image is malformed': 'it is corrupt',
        }.get(str(error))
        return JournalInvalid(str(self.path), f'{why} ({error})' if why else str(error))

    def _make(self, agent: str, alias: str) -> None:
        self._sql.execute('PRAGMA journal_mode=WAL')
        origin = short_identifier()
        self._sql.execute('BEGIN IMMEDIATE')
        for statement in _TABLES:
            self._sql.execute(statement)
        self._sql.execute('INSERT INTO owner VALUES (?, ?, ?, ?, 0)', (_FORMAT, agent, alias, origin))
        self._sql.execute('COMMIT')

    def _check(self, agent: str, alias: str) -> None:
        """Look whether this is the journal of this dispatcher, whole; nothing is written yet."""
        self._sql.execute('BEGIN')
        try:
            columns = {name for (name,) in self._sql.execute("SELECT name FROM pragma_table_info('owner')")}
            ours = {'format', 'agent', 'alias'} <= columns
            rows = self._sql.execute('SELECT format, agent, alias FROM owner').fetchall() if ours else []
            if len(rows) != 1 or rows[0][0] != _FORMAT:
                raise JournalInvalid(str(self.path), 'it is a database, but no journal of osbrain')
            if rows[0][1:] != (agent, alias):
                owner = f'it belongs to {rows[0][2]!r} of agent {rows[0][1]!r}'
                raise JournalInvalid(str(self.path), f'{owner}, not to {alias!r} of agent {agent!r}')
            ((found,),) = self._sql.execute('PRAGMA quick_check(1)').fetchall()
            if found != 'ok':
                raise JournalInvalid(str(self.path), f'it is corrupt ({found})')
        finally:
            self._sql.execute('ROLLBACK')

    def _begin(self) -> None:
        self._sql.execute('PRAGMA journal_mode=WAL')
        self._sql.execute('PRAGMA synchronous=NORMAL')
        self._sql.execute('BEGIN IMMEDIATE')
        self._sql.execute('UPDATE owner SET run = run + 1')
        self._sql.execute('COMMIT')
        ((self.origin, self._run),) = self._sql.execute('SELECT origin, run FROM owner').fetchall()

    @property
    def first_number(self) -> int:
        """A number above all that were ever given out."""
        return int(self._run) << RUN_BITS

    def kept(self) -> list[Kept]:
        """Every task that is in the journal, in the order in which they were sent."""
        columns = 'number, sent, attempts, failures, given_up, error, lengths, body'
        return [
            Kept(number, sent, attempts, failures, bool(given_up), error, _taken_apart(lengths, body))
            for number, sent, attempts, failures, given_up, error, lengths, body in self._sql.execute(
                f'SELECT {columns} FROM task ORDER BY number'  # noqa: S608  (names of columns)
            )
        ]

    # -- Writing --------------------------------------------------------------------------------------------------

    def add(self, first: int, bodies: list[Any]) -> None:
        """Write down tasks with the numbers from *first* on; :class:`~osbrain.errors.JournalFailed` if none was."""
        sent = time.time()
        rows = [(first + index, sent, *_put_together(body)) for index, body in enumerate(bodies)]
        self._commit('INSERT INTO task (number, sent, lengths, body) VALUES (?, ?, ?, ?)', rows)

    def done(self, numbers: list[int]) -> None:
        """Note that these can go; they do with the next commit."""
        self._done += numbers

    def flush(self) -> None:
        """Commit what was noted."""
        if self._done:
            self._commit(None, [])

    def note(self, number: int, attempts: int, failures: int, error: str, given_up: bool) -> None:
        """Write down how often a task was tried, and whether it was given up."""
        set_all = 'UPDATE task SET attempts = ?, failures = ?, error = ?, given_up = ? WHERE number = ?'
        self._commit(set_all, [(attempts, failures, error, given_up, number)])

    def _commit(self, statement: str | None, rows: Iterable[tuple[Any, ...]]) -> None:
        try:
            self._sql.execute('BEGIN IMMEDIATE')
            try:
                if statement is not None:
                    self._sql.executemany(statement, rows)
                if self._done:
                    self._sql.executemany('DELETE FROM task WHERE number = ?', [(one,) for one in self._done])
                self._sql.execute('COMMIT')
            except BaseException:
                if self._sql.in_transaction:
                    self._sql.execute('ROLLBACK')
                raise
        except sqlite3.Error as error:
            raise JournalFailed(str(self.path), str(error)) from error
        self._done.clear()

    def close(self) -> None:
        """Let go of the file."""
        if self._sql is not None:
            self._sql.close()


def _put_together(body: Any) -> tuple[str | None, Any]:
    """Return what is kept of a body of one frame or several: the lengths of several, and all bytes."""
    if type(body) is not list:
        return None, body
    return ','.join(str(memoryview(frame).nbytes) for frame in body), b''.join(body)


def _taken_apart(lengths: str | None, data: bytes) -> Any:
    if lengths is None:
        return data
    frames, start = [], 0
    for length in map(int, lengths.split(',')):
        frames.append(data[start : start + length])
        start += length
    return frames
