"""The equity curves can be seen, as a picture and in the terminal."""

import re

import numpy as np
import pytest
from matplotlib.image import imread

from examples.trading.charts import TITLE, terminal_chart, write_png


def test_the_picture_is_a_png_with_more_than_paper(results, tmp_path):
    path = tmp_path / 'equity.png'
    write_png(results, path)
    assert path.read_bytes().startswith(b'\x89PNG\r\n')
    colours = {tuple(pixel) for row in imread(path)[::3, ::3] for pixel in np.round(row, 1)}
    assert len(colours) > 10


def test_the_chart_has_the_width_that_is_asked_for(results):
    chart = re.sub(r'\x1b\[[0-9;]*m', '', terminal_chart(results, 60, colours=True))
    assert {len(line) for line in chart.splitlines()} == {60}


def test_the_chart_names_the_strategies_and_the_first_and_the_last_date(results):
    chart = terminal_chart(results, 80, colours=False)
    for word in (TITLE, 'hold', 'reversion', '2012-05-14', '2012-05-18'):
        assert word in chart


def test_without_colours_a_curve_is_drawn_in_the_first_letter_of_its_name(results):
    chart = terminal_chart(results, 80, colours=False)
    assert chart.count('h') > 30
    assert '[38;5' not in chart


def test_with_colours_it_is_not(results):
    chart = terminal_chart(results, 80, colours=True)
    assert chart.count('h') < 5
    assert '[38;5' in chart


@pytest.mark.parametrize('days', [1, 2])
def test_a_run_of_few_dates_can_be_drawn(results, days):
    for outcome in results.outcomes.values():
        outcome.account.curve = outcome.account.curve[:days]
    del results.plan.days[days:]
    assert TITLE in terminal_chart(results, 80, colours=False)
