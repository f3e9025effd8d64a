"""Values as text for whoever has not their classes: JSON where a value is that, what a person reads elsewhere."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Rendered(NamedTuple):
    """A value of another process."""

    text: str
    #: Whether the text is JSON; otherwise it is the value's ``repr``.
    is_json: bool


def rendered(value: Any) -> Rendered:
    """Write *value* as JSON if that loses nothing but the difference between lists and tuples, else as its ``repr``."""
    try:
        if _has_text_keys(value):
            return Rendered(json.dumps(value, allow_nan=False), True)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return Rendered(repr(value), False)
    except Exception as error:
        return Rendered(f'<{type(value).__name__}, which cannot be shown: {type(error).__name__}>', False)


def _has_text_keys(value: Any) -> bool:
    """Whether all dictionaries in *value* have texts as keys: JSON would make texts of numbers."""
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and all(map(_has_text_keys, value.values()))
    return not isinstance(value, (list, tuple)) or all(map(_has_text_keys, value))
