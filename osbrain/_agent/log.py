"""What an agent says: published to its logger, printed where nobody listens or somebody should look."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from typing import Any

from .._protocol.patterns.pub_sub import Pub
from ..address import _Vocabulary
from ..errors import LoggerInvalid


class LogLevel(_Vocabulary):
    """``ERROR``, ``WARNING``, ``INFO`` or ``DEBUG``."""

    __slots__ = ()
    WORDS = ('ERROR', 'WARNING', 'INFO', 'DEBUG')
    COMPLAINT = 'Incorrect value for a log level'


# Printed although a logger has the record already: a person should see these without looking for them.
_ALWAYS_PRINTED = ('WARNING', 'ERROR')


def record_text(name: str, message: Any) -> str:
    """Write a record as loggers keep it: moment in UTC, agent, message."""
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    return f'[{now}] ({name}): {message}'


def log(name: str, level: str, message: Any, logger: Any) -> None:
    """Publish one record on the endpoint *logger* (``None``: there is none) and print it if need be."""
    word = LogLevel(level)
    record = record_text(name, message)
    if logger is not None:
        if not isinstance(logger, Pub):
            raise LoggerInvalid(logger.alias, 'Logger must use publisher-subscriber pattern!')
        logger.send(record, word.encode())
    if logger is None or word in _ALWAYS_PRINTED:
        stream = sys.stderr if word == 'ERROR' else sys.stdout
        if stream is not None:
            stream.write(f'{word} {record}\n')
            stream.flush()
