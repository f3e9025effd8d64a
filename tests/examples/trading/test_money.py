"""Money is counted in whole units."""

from examples.trading import money


def test_the_prices_of_the_data_are_exact():
    """Four decimals are the most that they have."""
    assert money.units(38.2318) == 382318


def test_an_amount_is_written_in_dollars_and_cents():
    assert money.text(money.units(-1234567.891)) == '-1,234,567.89'
