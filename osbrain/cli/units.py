"""Numbers as people read them: few digits, with their unit."""

from __future__ import annotations

_PREFIXES = ('', 'k', 'M', 'G', 'T')
_BINARY = ('B', 'KiB', 'MiB', 'GiB', 'TiB')


def count(number: float) -> str:
    """``0.25``, ``7.50``, ``123``, ``12.3k``: three digits; less than a hundredth is shown as that."""
    scaled, prefix = _scaled(number, _PREFIXES, 1000)
    return f'{_three_digits(scaled)}{prefix}'


def _scaled(number: float, units: tuple[str, ...], factor: int) -> tuple[float, str]:
    """Return *number* in the first of *units* in which it is less than *factor*, or in the last."""
    for unit in units[:-1]:
        if number < factor - 0.5:
            return number, unit
        number /= factor
    return number, units[-1]


def _three_digits(number: float) -> str:
    if number >= 99.95 or number == int(number):
        return f'{number:.0f}'
    return f'{number:.1f}' if number >= 9.995 else f'{max(number, 0.01):.2f}'


def volume(number: float) -> str:
    """Bytes: ``512 B``, ``1.50 MiB``."""
    scaled, unit = _scaled(number, _BINARY, 1024)
    return f'{_three_digits(scaled)} {unit}'


def share(number: float) -> str:
    """``12.5 %`` for 0.125."""
    return f'{100 * number:.1f} %'


def duration(seconds: float) -> str:
    """``250 us``, ``1.50 ms``, ``12.3 s``, ``2 m 05 s``, ``3 h 12 m``, ``5 d 2 h``."""
    if seconds < 0:
        return f'-{duration(-seconds)}'
    if seconds < 60:
        for factor, unit in ((1e6, 'us'), (1e3, 'ms')):
            if 0 < seconds * factor < 999.5:
                return f'{_three_digits(seconds * factor)} {unit}'
        return f'{_three_digits(seconds)} s'
    whole = int(seconds)
    if whole < 3600:
        return f'{whole // 60} m {whole % 60:02} s'
    if whole < 86400:
        return f'{whole // 3600} h {whole % 3600 // 60:02} m'
    return f'{whole // 86400} d {whole % 86400 // 3600} h'
