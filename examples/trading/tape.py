"""Say what of a run is recorded, and read the trading dates of one that was."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Iterable

from osbrain.errors import ExtraMissing, MessageUndecodable, RecordingInvalid
from osbrain.recording import Recording

from .messages import Bar, Bell
from .prices import Days


class BadTape(ValueError):
    """The file is no recording of a whole run."""


def sources(markets: Iterable[str]) -> list[str]:
    """Return what to record: what each feed publishes, and the receipts, which say when it may go on."""
    return [f'feed.{market}:{alias}' for market in markets for alias in ('bars', 'receipts')]


def recorded_days(path: Path) -> Days:
    """Return each trading date with its bars by symbol; raise BadTape if that cannot be had."""
    calendar: dict[date, list[Bar]] = {}
    try:
        recording = Recording(path)
        if recording.trouble:
            raise BadTape(f'{path} is the recording of a part of a run: {recording.trouble}')
        for message in recording:
            if not (message.agent.startswith('feed.') and message.alias == 'bars'):
                continue
            said = message.value
            bars = calendar.setdefault(said.date, [])
            if isinstance(said, Bar):
                bars.append(said)
            elif not isinstance(said, Bell):
                raise BadTape(f'{path}: no feed says {said!r}')
    except (RecordingInvalid, MessageUndecodable, ExtraMissing, AttributeError) as error:
        raise BadTape(str(error)) from None
    except OSError as error:
        raise BadTape(f'{path}: {error.strerror}') from None
    if not calendar:
        raise BadTape(f'{path}: no feed was recorded in it')
    return [(day, tuple(sorted(calendar[day]))) for day in sorted(calendar)]
