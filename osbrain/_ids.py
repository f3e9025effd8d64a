"""Identifiers that are unique everywhere and safe inside frames."""

from __future__ import annotations

import uuid


def unique_identifier() -> bytes:
    """Make a globally unique identifier: 32 lower-case hexadecimal characters, so never the byte 0x80."""
    return uuid.uuid4().hex.encode()


def short_identifier() -> bytes:
    """Make an identifier of eight bytes for what is numbered besides, where each message carries it."""
    return uuid.uuid4().bytes[:8]
