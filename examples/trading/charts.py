"""Draw the equity curves, for the eye and for the terminal."""

from __future__ import annotations

from pathlib import Path

import plotext
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .money import UNITS_PER_DOLLAR
from .results import Results

TITLE = 'Equity in thousands of dollars'
TICKS = 5  # dates below the chart in the terminal


def curves(results: Results) -> dict[str, tuple[list, list[float]]]:
    """Map each strategy to its dates and to its equity in thousands of dollars."""
    found = {}
    for name, outcome in results.outcomes.items():
        dates = [day for day, _ in outcome.account.curve]
        found[name] = (
            dates,
            [equity / UNITS_PER_DOLLAR / 1000 for _, equity in outcome.account.curve],
        )
    return found


def write_png(results: Results, path: Path) -> None:
    """Draw the curves into a PNG file; a cross marks where a strategy has stopped."""
    figure = Figure(figsize=(10, 5), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name, (dates, equities) in curves(results).items():
        (line,) = axes.plot(dates, equities, label=name, linewidth=1)
        if results.outcomes[name].failure:
            axes.plot(dates[-1:], equities[-1:], marker='x', markersize=10, color=line.get_color())
    axes.set_title(TITLE)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, format='png', dpi=120)


def terminal_chart(results: Results, width: int, colours: bool) -> str:
    """Draw the curves in text; without colours each in the first letter of its name."""
    figure = plotext.figure
    figure.clear()
    figure.theme('simple' if colours else 'colorless')
    figure.plot_size(width, 20)
    figure.title(TITLE)
    for name, (_, equities) in curves(results).items():
        signal = figure.signal(
            list(range(len(equities))), equities, marker='hd' if colours else name[0]
        )
        figure.draw(signal.lines().label(name))
    days = [day for day, _ in results.plan.days]
    places = [round(i * (len(days) - 1) / (TICKS - 1)) for i in range(TICKS)]
    figure.ruler('x').ticks(places, [str(days[place]) for place in places])
    return str(figure.build())
