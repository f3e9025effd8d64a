"""How fast agents are, worked out from what they had counted at two moments."""

import pytest

from osbrain.metrics.rates import Flow, between, rates, since
from tests.metrics.sights import endpoint, histogram, look, stats


def test_what_was_counted_in_between_is_divided_by_the_seconds_in_between():
    before = stats('a', endpoint(sent=100), at=10.0, cpu=1.0)
    after = stats('a', endpoint(sent=150), at=12.0, cpu=1.5)
    found = between(before, after)
    assert found.seconds == 2.0
    assert found.sent == Flow(25.0, 250.0)
    assert found.received == Flow(0.0, 0.0)
    assert (found.messages_per_s, found.bytes_per_s) == (25.0, 250.0)
    assert found.cpu == 0.25


def test_each_endpoint_has_its_own_rates_and_the_agent_their_sum():
    before = stats('a', endpoint('x'), endpoint('y', 'PULL', address='tcp://127.0.0.1:2'), at=10.0)
    after = stats('a', endpoint('x', sent=10), endpoint('y', 'PULL', address='tcp://127.0.0.1:2', received=30), at=11.0)
    found = between(before, after)
    assert [(one.alias, one.sent.messages_per_s, one.received.messages_per_s) for one in found.endpoints] == [
        ('x', 10.0, 0.0),
        ('y', 0.0, 30.0),
    ]
    assert (found.sent, found.received) == (Flow(10.0, 100.0), Flow(30.0, 300.0))


def test_an_agent_that_was_not_seen_before_has_the_mean_since_it_was_made():
    found = between(None, stats('a', endpoint(sent=100), at=60.0, made=50.0, cpu=5.0, errors=10))
    assert (found.seconds, found.sent.messages_per_s, found.cpu, found.errors_per_s) == (10.0, 10.0, 0.5, 1.0)


@pytest.mark.parametrize(
    'after',
    [
        pytest.param({'at': 12.0, 'made': 11.0, 'pid': 8}, id='in another process'),
        pytest.param({'at': 12.0, 'made': 11.0}, id='made later, with a pid that was used again'),
        pytest.param({'at': 5.0, 'made': 4.0}, id='on a machine that was started anew'),
    ],
)
def test_an_agent_that_took_the_place_of_the_one_before_has_counted_from_0(after):
    before = stats('a', endpoint(sent=1000), at=11.5)
    assert between(before, stats('a', endpoint(sent=30), **after)).sent.messages_per_s == 30.0


def test_an_endpoint_that_was_opened_in_between_has_counted_from_0():
    before = stats('a', at=10.0)
    assert between(before, stats('a', endpoint(sent=30), at=12.0)).sent.messages_per_s == 15.0


def test_an_endpoint_that_was_closed_and_opened_again_under_its_address_has_counted_from_0():
    before = stats('a', endpoint(sent=1000), at=10.0)
    assert between(before, stats('a', endpoint(sent=30), at=12.0)).sent.messages_per_s == 15.0


def test_the_same_reading_twice_has_no_rate():
    once = stats('a', endpoint(sent=30), at=10.0)
    found = between(once, once)
    assert found.messages_per_s == pytest.approx(3.0)  # nothing later than before: the mean since it was made


def test_an_agent_just_made_has_no_rate():
    assert between(None, stats('a', endpoint(sent=30), at=10.0, made=10.0)).messages_per_s == 0.0


def test_errors_are_counted_by_the_second_too():
    before = stats('a', endpoint(errors=1), at=10.0, errors=1, undecodable=2, overflows=3)
    found = between(before, stats('a', endpoint(errors=5), at=12.0, errors=7, undecodable=4, overflows=13))
    assert (found.errors_per_s, found.undecodable_per_s, found.overflows_per_s) == (3.0, 1.0, 5.0)
    assert found.endpoints[0].errors_per_s == 2.0


def test_the_share_of_time_that_handlers_took_is_told():
    before = stats('a', endpoint(handling=histogram(5, total=1.0)), at=10.0)
    found = between(before, stats('a', endpoint(handling=histogram(5, 3, total=1.5)), at=12.0))
    assert found.busy == 0.25
    assert found.endpoints[0].handling.count == 3


def test_a_histogram_of_what_was_in_between_has_its_own_longest():
    before, bounds = histogram(5, 2, total=1.0, longest=9.0), histogram().bounds
    found = since(before, histogram(5, 4, total=1.5, longest=9.0))
    assert (found.count, found.total, found.longest) == (2, 0.5, bounds[1])
    assert found.quantile(0.99) == bounds[1]


def test_a_longest_that_was_longer_than_ever_is_known_exactly():
    assert since(histogram(5, longest=1e-5), histogram(5, 0, 1, longest=5e-5)).longest == 5e-5


def test_where_nothing_was_handled_in_between_there_is_no_longest():
    once = histogram(5, total=1.0, longest=9.0)
    assert (since(once, once).longest, since(once, once).quantile(0.5)) == (0.0, 0.0)


def test_a_histogram_of_other_bounds_is_taken_as_it_is():
    other = histogram(5).__class__((1, 2), 1.0, 1.0, (0.5,))
    assert since(histogram(5), other) is other


def test_all_agents_that_answered_have_rates():
    before = look(stats('a', at=10.0), stats('gone', at=10.0))
    after = look(stats('a', endpoint(sent=10), at=11.0), stats('new', at=5.0), hangs='does not answer')
    found = rates(before, after)
    assert set(found) == {'a', 'new'}
    assert found['a'].messages_per_s == 10.0


def test_an_agent_that_did_not_answer_before_has_the_mean_since_it_was_made():
    found = rates(look(a='does not answer'), look(stats('a', endpoint(sent=50), at=10.0)))
    assert found['a'].messages_per_s == 5.0


def test_the_first_look_has_means():
    assert rates(None, look(stats('a', endpoint(sent=50), at=10.0)))['a'].messages_per_s == 5.0
