"""Figures of equity curves that can be worked out on paper."""

import pytest

from examples.trading.metrics import max_drawdown, sharpe_ratio


@pytest.mark.parametrize(
    'equities, expected',
    [
        ([], 0),
        ([100, 110, 120], 0),
        ([100, 80], 0.2),
        ([100, 200, 150, 300, 240], 0.25),
        ([100, 90, 200, 150], 0.25),
        ([100, -50], 1.5),
    ],
)
def test_the_drawdown_is_the_deepest_fall_below_an_earlier_high(equities, expected):
    assert max_drawdown(equities) == expected


def test_the_sharpe_ratio_is_mean_over_deviation_for_a_year():
    # Returns of 10 % and 0 %: mean 5 %, deviation 10 % / sqrt(2); times sqrt(252).
    assert sharpe_ratio([100, 110, 110]) == pytest.approx(0.05 / (0.1 / 2**0.5) * 252**0.5)


def test_who_loses_has_a_negative_sharpe_ratio():
    assert sharpe_ratio([100, 90, 88]) < 0


@pytest.mark.parametrize('equities', [[], [100], [100, 110], [100, 100, 100], [100, 0, 100], [5, -1, 2]])
def test_without_a_deviation_there_is_no_sharpe_ratio(equities):
    assert sharpe_ratio(equities) is None
