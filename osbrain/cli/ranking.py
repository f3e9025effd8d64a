"""What whoever looks at ``top`` has chosen with keys: by what the rows are sorted, and which of them are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .rows import Row, ordered, table

#: What ``top`` shows of each agent.
HEADERS = (
    'name', 'pid', 'state', 'cpu', 'busy', 'memory', 'in/s', 'out/s', 'bytes/s', 'errors', 'overflows', 'uptime',
)  # fmt: skip
# What a narrow terminal has no room for, the first to go first.
_SPARE = ('uptime', 'overflows', 'bytes/s', 'pid', 'busy', 'memory', 'errors')
# Letters that a name or a remark takes at least, if it has so many, and those between two columns.
_ENOUGH = 16
_GAP = 3
# Key -> what it sorts by.
_SORTS = {
    'n': 'name', 'p': 'pid', 's': 'state', 'c': 'cpu', 'b': 'busy', 'm': 'memory', 'i': 'in/s', 'o': 'out/s',
    'v': 'bytes/s', 'e': 'errors', 'f': 'overflows', 'u': 'uptime',
}  # fmt: skip
#: For the last line of the screen.
HELP = (
    'q quit · r reverse · arrows: column, rows · sort by: n name, s state, c cpu, b busy, m memory, i in/s, o out/s, '
    'v bytes/s, e errors, f overflows, u uptime'
)


@dataclass
class Ranking:
    """How rows are sorted and which is the first that is shown."""

    by: str = 'cpu'
    reverse: bool = False
    first: int = 0

    def press(self, key: str, rows: int, room: int) -> bool:
        """Do what *key* is for; whether to go on. There are *rows*, with *room* for so many."""
        if key == 'q':
            return False
        if key in _SORTS:
            self.by = _SORTS[key]
        elif key == 'r':
            self.reverse = not self.reverse
        elif key in ('left', 'right', '<', '>'):
            step = 1 if key in ('right', '>') else -1
            self.by = HEADERS[(HEADERS.index(self.by) + step) % len(HEADERS)]
        else:
            far = {'up': -1, 'k': -1, 'down': 1, 'j': 1, 'page up': -room, 'page down': room, 'home': -rows}
            self.first += far.get(key, 0)
        self.first = max(0, min(self.first, rows - room))
        return True

    def shown(self, rows: list[Row], room: int) -> list[Row]:
        """Return those of *rows* for which there is *room*, in their order."""
        self.first = max(0, min(self.first, len(rows) - room))
        return ordered(rows, self.by, self.reverse)[self.first : self.first + room]


def fitting(rows: Sequence[Row], width: int, by: str) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return headers and texts of the columns for which there is room in *width*; the one sorted *by* stays."""
    spare = [header for header in _SPARE if header != by]
    while True:
        headers, cells = table(
            rows, tuple(header for header in HEADERS if header not in _SPARE or header in (*spare, by))
        )
        needed = sum(_needed(header, [cell[place] for cell in cells]) for place, header in enumerate(headers))
        if not spare or needed + _GAP * len(headers) <= width:
            return headers, cells
        spare = spare[1:]


def _needed(header: str, cells: Sequence[str]) -> int:
    longest = max(map(len, (header, *cells)))
    return min(longest, _ENOUGH) if header in ('name', 'remark') else longest
