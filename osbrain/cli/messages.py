"""Messages of others as text and as JSON, whatever is in them."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from ..errors import OsBrainError
from ..recording.observation import Observation

#: How a message stands in JSON: as itself, as text that its bytes are, as their base64, as Python writes it, or not.
JSON, TEXT, BASE64, REPR, NONE = 'json', 'text', 'base64', 'repr', 'none'


def topic_text(observation: Observation) -> str:
    """Return the topic as text."""
    return observation.topic.decode('utf-8', 'backslashreplace')


def line(observation: Observation, most: int, name: str = '') -> str:
    """Return one line for a person, with at most *most* characters of the message (0: with all of it).

    *name* says where it was seen, if that is to stand there.
    """
    when = f'{datetime.fromtimestamp(observation.when):%H:%M:%S.%f}'[:-3]  # noqa: DTZ006  (of the reader's wall clock)
    what = '' if observation.what == 'message' else observation.what
    text = message_text(observation)
    if most and len(text) > most:
        text = f'{text[:most]}… ({len(text)} characters)'
    return '  '.join(part for part in (when, name, what, topic_text(observation), text) if part)


def message_text(observation: Observation) -> str:
    """Return the message as a person reads it; if it cannot be read, why."""
    try:
        message = observation.message()
    except OsBrainError as error:
        return f'<{observation.size} bytes: {error}>'
    text = _as_text(message)
    return _repr(message) if text is None else text


def facts(observation: Observation) -> dict[str, Any]:
    """Return all that there is to say of an observation, for JSON."""
    said = {
        'agent': observation.source.agent,
        'alias': observation.source.alias,
        'number': observation.number,
        'direction': observation.direction,
        'what': observation.what,
        'topic': topic_text(observation),
        'when': observation.when,
        'arrived': observation.arrived,
        'size': observation.size,
    }
    try:
        message = observation.message()
    except OsBrainError as error:
        return {**said, 'form': NONE, 'message': None, 'error': str(error)}
    form, value = _in_json(message)
    return {**said, 'form': form, 'message': value}


def _in_json(message: Any) -> tuple[str, Any]:
    if isinstance(message, bytes):
        text = _as_text(message)
        return (BASE64, base64.b64encode(message).decode()) if text is None else (TEXT, text)
    try:
        # NaN is a number to Python, and none in JSON.
        json.dumps(message, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return REPR, _repr(message)
    return JSON, message


def _as_text(message: Any) -> str | None:
    """Return the text that these bytes are; ``None`` if they are none, or something else than bytes."""
    if not isinstance(message, bytes):
        return None
    try:
        text = message.decode()
    except UnicodeDecodeError:
        return None
    return text if all(char.isprintable() or char in '\n\t\r' for char in text) else None


def _repr(message: Any) -> str:
    """Return the repr, which is code of others' and may fail."""
    try:
        return repr(message)
    except Exception as error:
        return f'<{type(message).__name__}, whose repr fails: {type(error).__name__}>'
