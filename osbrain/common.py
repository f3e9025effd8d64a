"""Door: what programs import from ``osbrain.common``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._agent.log import LogLevel
from ._config import get_linger
from ._failures import format_method_exception
from ._ids import unique_identifier
from ._protocol.handlers import validate_handler
from ._protocol.topics import topic_to_bytes, topics_to_bytes
from ._threads import after, repeat
from ._traceback import format_exception

__all__ = [
    'LogLevel',
    'after',
    'format_exception',
    'format_method_exception',
    'get_linger',
    'repeat',
    'topic_to_bytes',
    'topics_to_bytes',
    'unbound_method',
    'unique_identifier',
    'validate_handler',
]


def unbound_method(method: Any) -> Callable[..., Any]:
    """Return the plain function behind a bound method, looked up by name on the class of its owner."""
    found: Callable[..., Any] = getattr(type(method.__self__), method.__name__)
    return found
