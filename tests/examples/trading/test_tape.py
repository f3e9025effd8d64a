"""The dates of a recorded run are read from it, or it is said why that cannot be."""

import pickle
from datetime import date

import pytest

from examples.trading.markets import BELL, topic
from examples.trading.messages import Bell
from examples.trading.plan import BadPlan, make_plan, make_replay
from examples.trading.tape import BadTape, recorded_days, sources
from osbrain.recording.observation import Observation, Source
from osbrain.recording.writing import Tape


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'feeds.mcap'


@pytest.fixture
def plan():
    """One week; FB came to the market on its last date."""
    return make_plan(['FB', 'IBM'], date(2012, 5, 14), date(2012, 5, 18))


def publications(plan):
    """Yield name, topic and message of all that the feeds of *plan* publish."""
    for day, bars in plan.days:
        for market, symbols in plan.markets.items():
            traded = [bar for bar in bars if bar.symbol in symbols]
            for bar in traded:
                yield f'feed.{market}', topic(bar.symbol), bar
            yield f'feed.{market}', BELL, Bell(market, day, tuple(bar.symbol for bar in traded))


def write(path, said, alias='bars'):
    """Record what is *said*; the tape is returned, to be closed."""
    tape = Tape(path)
    for number, (name, about, message) in enumerate(said):
        source = Source(name, alias, 'PUB', 'pickle')
        body = pickle.dumps(message)
        tape.add(Observation(source, number, 'out', number, number, about.encode(), 'message', body, len(body)))
    return tape


def test_all_that_a_feed_publishes_is_recorded_and_all_that_it_waits_for():
    assert sources(['NYSE']) == ['feed.NYSE:bars', 'feed.NYSE:receipts']


def test_the_dates_of_a_recording_are_those_that_were_published(path, plan):
    write(path, publications(plan)).close()
    assert recorded_days(path) == plan.days


def test_a_replay_is_planned_as_the_run_was(path, plan):
    write(path, publications(plan)).close()
    again = make_replay(path)
    assert (again.symbols, again.days, again.strategies) == (plan.symbols, plan.days, plan.strategies)
    assert (again.replay, again.record) == (path, None)


def test_a_part_of_a_run_cannot_be_repeated(path, plan):
    tape = write(path, publications(plan))
    tape.flush()
    with pytest.raises(BadTape, match='the recording of a part of a run'):
        recorded_days(path)
    tape.close()


def test_a_recording_of_something_else_is_none_of_feeds(path, plan):
    write(path, publications(plan), alias='rumours').close()
    with pytest.raises(BadPlan, match='no feed was recorded in it'):
        make_replay(path)


def test_a_feed_says_bars_and_bells_only(path):
    write(path, [('feed.NYSE', BELL, 'closed')]).close()
    with pytest.raises(BadTape):
        recorded_days(path)
