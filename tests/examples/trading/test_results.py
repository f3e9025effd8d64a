"""Results know whether everything is accounted for."""


def test_nothing_is_missing_if_all_counts_agree(results):
    assert results.discrepancies() == []


def test_a_bar_that_somebody_has_not_got_is_missed(results):
    results.bars['hold']['FB'] -= 1
    assert results.discrepancies() == ['hold has counted 0 bars of FB instead of 1']


def test_a_bar_that_somebody_has_got_twice_is_noticed(results):
    results.bars['feeds']['IBM'] += 1
    assert results.discrepancies() == ['feeds has counted 6 bars of IBM instead of 5']


def test_a_bar_that_was_not_meant_for_somebody_is_noticed(results):
    results.bars['reversion']['FB'] += 1
    assert results.discrepancies() == ['reversion has counted 1 bars of FB instead of 0']


def test_a_strategy_that_stopped_has_counted_the_bars_before(results):
    results.bars['reversion']['IBM'] += 1
    assert results.discrepancies() == ['reversion has counted 3 bars of IBM instead of 2']


def test_counts_that_differ_are_noticed(results):
    results.counts['orders']['broker'] -= 1
    assert results.discrepancies() == ['orders do not agree: strategies 7, broker 6']
