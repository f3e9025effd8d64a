"""The address book as an SQLite file (Pyro4's), so that a name server that is started again still has it."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from Pyro4.constants import NAMESERVER_NAME
from Pyro4.naming_storage import SqlStorage

from ..errors import OptionInvalid
from .status import AgentStatus

# What begins the one piece of a name's metadata that is ours: the agent's record.
_RECORD = 'osbrain:'
# The columns of Pyro4's table of names that are used.
_COLUMNS = {'id', 'name', 'uri'}


class Storage(SqlStorage):  # type: ignore[misc]
    """Names and addresses in Pyro4's own tables; the record of an agent is metadata of its name."""

    def keep(self, record: AgentStatus) -> None:
        """Write *record* under its name, beside metadata that somebody else has given it."""
        others = self[record.name][1] if record.name in self else set()
        mine = _RECORD + json.dumps(asdict(record))
        self[record.name] = record.uri, {mine, *(one for one in others if not one.startswith(_RECORD))}

    def records(self) -> list[AgentStatus]:
        """Return the records of all agents; of a name that was registered by hand there is little to tell."""
        entries = self.everything(return_metadata=True)
        return [_record(name, *entry) for name, entry in entries.items() if name != NAMESERVER_NAME]


def _record(name: str, uri: str, metadata: set[str]) -> AgentStatus:
    bare = AgentStatus(name, uri)
    for text in metadata:
        if text.startswith(_RECORD):
            try:
                return replace(bare, **{**json.loads(text.removeprefix(_RECORD)), 'name': name, 'uri': uri})
            except (ValueError, TypeError):
                break  # Another release has written it.
    return bare


def checked_storage(storage: Any) -> str | None:
    """Return *storage* as an absolute path, ``None`` if there is none; ``ValueError`` if it cannot be used so.

    Nothing is changed about the file; one that does not exist is not made.
    """
    if storage is None:
        return None
    if not isinstance(storage, (str, os.PathLike)) or not os.fspath(storage):
        raise OptionInvalid('storage', storage, 'the path of a file')
    path = Path(storage).absolute()
    why = _unfit(path)
    if why:
        raise OptionInvalid('storage', str(path), f'a file that this name server can keep its names in ({why})')
    return str(path)


def _unfit(path: Path) -> str:
    """Say why the file at *path* cannot be used; nothing if it can."""
    faults = {
        'it is a folder': path.is_dir(),
        'its folder does not exist': not path.parent.is_dir(),
        # SQLite has to keep a journal there.
        'its folder is not writable': not os.access(path.parent, os.W_OK),
        'it is not readable and writable': path.exists() and not os.access(path, os.R_OK | os.W_OK),
    }
    found = [fault for fault, applies in faults.items() if applies]
    if found or not path.exists():
        return ''.join(found[:1])
    try:
        with closing(sqlite3.connect(f'{path.as_uri()}?mode=rw', uri=True, timeout=1.0)) as database:
            database.execute('BEGIN IMMEDIATE')
            database.execute('ROLLBACK')
            tables = database.execute('SELECT name FROM sqlite_master').fetchall()
            columns = {row[1] for row in database.execute('PRAGMA table_info(pyro_names)')}
    except sqlite3.Error as error:
        return str(error)
    return 'it is a database of something else' if tables and not columns >= _COLUMNS else ''
