"""The package ``mcap``, which only those need who record or replay."""

from __future__ import annotations

from types import ModuleType

from ..errors import ExtraMissing


def container() -> ModuleType:
    """Return the module that writes and reads files; :class:`~osbrain.errors.ExtraMissing` without the package."""
    try:
        from . import container  # noqa: PLC0415  (tests/test_house.py, HIDDEN_IMPORTS)
    except ModuleNotFoundError as missing:
        package = (missing.name or '').partition('.')[0]
        if package not in ('mcap', 'lz4', 'zstandard'):
            raise
        raise ExtraMissing(package, 'mcap') from None
    return container
