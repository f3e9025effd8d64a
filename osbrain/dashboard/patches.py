"""What has changed between two values, as a JSON merge patch (RFC 7396): a page is sent nothing that it has already."""

from __future__ import annotations

from typing import Any

#: An object of JSON. A field that is not known is left out, as ``None`` in a patch means that it is to go.
Json = dict[str, Any]


def merge_patch(before: Json, after: Json) -> Json:
    """Return what turns *before* into *after*; empty if they are equal."""
    patch: Json = {key: None for key in before if key not in after}
    for key, value in after.items():
        known = before.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            if deeper := merge_patch(known, value):
                patch[key] = deeper
        elif key not in before or known != value:
            patch[key] = value
    return patch


def known_only(**fields: Any) -> Json:
    """Return *fields* without those that are not known."""
    return {name: value for name, value in fields.items() if value is not None}
