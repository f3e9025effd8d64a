"""Draw the ratios as bars: how far this library is from the ceiling, and from the other release."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from .contender import Contender
from .report import Versions, column, number
from .results import Row
from .works import Better

_THICKNESS = 0.38
_COLOURS = {Contender.BARE: '#1f77b4', Contender.OTHER: '#ff7f0e'}


def advantage(row: Row, contender: Contender) -> float | None:
    """Return how many times as good this library is: the ratio, turned over where less is better."""
    ratio = row.ratio(contender)
    if not ratio:
        return None
    return ratio if row.metric.better is Better.HIGHER else 1 / ratio


def drawn(rows: Sequence[Row], compared: Sequence[Contender]) -> list[Row]:
    """Return the rows of which there is something to draw."""
    return [row for row in rows if any(advantage(row, contender) is not None for contender in compared)]


def write_png(rows: Sequence[Row], versions: Versions, path: Path) -> None:
    """Draw a pair of bars for each row: bare pyzmq and the other release are 1, and further right is better."""
    compared = [contender for contender in _COLOURS if contender in versions]
    shown = drawn(rows, compared)
    figure = Figure(figsize=(10, 1.5 + 0.4 * len(shown)), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    # 100 beside 0.95: only their logarithms fit one axis.
    axes.set_xscale('log')
    for place, contender in enumerate(compared):
        above = (place - (len(compared) - 1) / 2) * _THICKNESS
        _draw_bars(axes, shown, contender, above, f'beside {column(contender, versions)}')
    axes.axvline(1, color='black', linewidth=1)
    axes.xaxis.set_major_locator(LogLocator())
    axes.xaxis.set_major_formatter('{x:g}')
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.15)
    axes.set_yticks(range(len(shown)), [row.metric.name for row in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlabel('times as good (right of 1 is better)')
    axes.set_title(f'{column(Contender.THIS, versions)}, medians')
    if shown:
        figure.legend(loc='outside lower center', ncols=len(compared))
    figure.savefig(path, format='png', dpi=120)


def _draw_bars(axes: Axes, rows: Sequence[Row], contender: Contender, above: float, label: str) -> None:
    """Draw the bars beside one contender, from 1 to where this library is."""
    found = [(place + above, advantage(row, contender)) for place, row in enumerate(rows)]
    bars = [(place, times) for place, times in found if times is not None]
    drawing = axes.barh(
        [place for place, _ in bars],
        [times - 1 for _, times in bars],
        _THICKNESS,
        left=1,
        label=label,
        color=_COLOURS[contender],
    )
    axes.bar_label(drawing, [number(times) for _, times in bars], padding=3, fontsize=8)
