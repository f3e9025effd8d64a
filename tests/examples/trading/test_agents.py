"""Each agent does its part of a date, shown here without processes and without messages."""

import pickle
from datetime import date

import pytest

from examples.trading import agents
from examples.trading.messages import (
    Answer,
    Bar,
    Bell,
    Enquiry,
    Failure,
    Fill,
    Order,
    Receipt,
    Settlement,
)
from examples.trading.strategies import Hold, Sabotaged
from examples.trading.terms import BUDGET
from osbrain import config

MONDAY, TUESDAY, WEDNESDAY = (date(2012, 5, day) for day in (21, 22, 23))


def bar(symbol, day, price=100):
    return Bar(symbol, day, price, price, price, price, 1)


class Recorded:
    """Keeps what an agent sends instead of sending it."""

    def send(self, alias, message, topic=None):
        self.sent.append((alias, message))

    def send_recv(self, alias, message):
        self.sent.append((alias, message))
        return self.verdict

    def after(self, delay, method):
        self.sent.append((method, delay))

    def log_info(self, line):
        pass


@pytest.fixture
def build():
    """Return a function that builds an agent in this process; they are closed afterwards."""
    built = []

    def build_agent(base, name='me', **attributes):
        kind = type(base.__name__, (Recorded, base), {})
        agent = kind(name, transport='inproc', attributes={'sent': [], 'verdict': None, **attributes})
        built.append(agent)
        return agent

    yield build_agent
    for agent in built:
        agent.close_all(linger=0)


def sent(agent):
    """Return what *agent* has sent since this was asked last."""
    messages, agent.sent = agent.sent, []
    return messages


class TestFeed:
    @pytest.fixture
    def feed(self, build):
        days = [(MONDAY, (bar('AAPL', MONDAY), bar('FB', MONDAY))), (TUESDAY, ())]
        feed = build(agents.Feed, market='NASDAQ', days=days, speed=0)
        feed.expect('broker', 'hold')
        feed.open()
        return feed

    def test_it_publishes_the_bars_of_one_date_and_rings_the_bell(self, feed):
        assert sent(feed) == [
            ('bars', bar('AAPL', MONDAY)),
            ('bars', bar('FB', MONDAY)),
            ('bars', Bell('NASDAQ', MONDAY, ('AAPL', 'FB'))),
        ]

    def test_it_goes_on_with_the_last_receipt(self, feed):
        sent(feed)
        feed.on_receipt(Receipt('hold', MONDAY))
        assert sent(feed) == []
        feed.on_receipt(Receipt('broker', MONDAY))
        assert sent(feed) == [('bars', Bell('NASDAQ', TUESDAY, ()))]

    def test_a_receipt_counts_once_and_for_its_own_date(self, feed):
        sent(feed)
        for receipt in (Receipt('hold', MONDAY), Receipt('hold', MONDAY), Receipt('broker', TUESDAY)):
            feed.on_receipt(receipt)
        assert sent(feed) == []

    def test_it_does_not_wait_for_the_dead(self, feed):
        feed.on_receipt(Receipt('broker', MONDAY))
        sent(feed)
        feed.dismiss('hold')
        assert sent(feed) == [('bars', Bell('NASDAQ', TUESDAY, ()))]
        feed.on_receipt(Receipt('broker', TUESDAY))
        assert feed.finished

    def test_the_dead_may_have_sent_their_receipt(self, feed):
        feed.on_receipt(Receipt('hold', MONDAY))
        sent(feed)
        feed.dismiss('hold')
        assert sent(feed) == []

    def test_it_is_finished_after_the_last_date(self, feed):
        for day in (MONDAY, TUESDAY):
            assert not feed.finished
            for name in ('broker', 'hold'):
                feed.on_receipt(Receipt(name, day))
        assert feed.finished
        assert feed.published == {'AAPL': 1, 'FB': 1}

    def test_it_repeats_the_newest_date_for_who_has_missed_it(self, feed, build):
        assert feed.on_missed('hold') == (
            (bar('AAPL', MONDAY), bar('FB', MONDAY)),
            Bell('NASDAQ', MONDAY, ('AAPL', 'FB')),
        )
        for name in ('broker', 'hold'):
            feed.on_receipt(Receipt(name, MONDAY))
        assert feed.on_missed('hold') == ((), Bell('NASDAQ', TUESDAY, ()))
        assert build(agents.Feed, market='NYSE', days=[], speed=0).on_missed('hold') is None

    def test_a_speed_is_a_pause_before_the_next_date(self, build):
        feed = build(agents.Feed, market='NYSE', days=[(MONDAY, ()), (TUESDAY, ())], speed=0.01)
        feed.expect('broker')
        feed.open()
        sent(feed)
        feed.on_receipt(Receipt('broker', MONDAY))
        ((method, delay),) = sent(feed)
        assert method == 'publish'
        assert 90 < delay <= 100


class TestBroker:
    @pytest.fixture
    def broker(self, build):
        """On Monday hold and crossover have ordered; both orders are approved."""
        broker = build(agents.Broker, markets=('NYSE',), symbols=('IBM',), fee=1)
        broker.work(MONDAY, [bar('IBM', MONDAY)])
        for name in ('hold', 'crossover'):
            broker.on_order(Order(name, 'IBM', MONDAY, 10))
        sent(broker)
        return broker

    def test_it_settles_and_acknowledges_a_date_without_orders(self, build):
        broker = build(agents.Broker, name='broker', markets=('NYSE',), symbols=('IBM',), fee=1)
        broker.work(MONDAY, [bar('IBM', MONDAY)])
        assert sent(broker) == [
            ('fills', Settlement(MONDAY, ())),
            ('receipts.NYSE', Receipt('broker', MONDAY)),
        ]

    def test_it_fills_at_the_next_open_in_an_order_of_its_own(self, broker):
        """Not in that in which the orders have come: that is chance."""
        broker.work(TUESDAY, [Bar('IBM', TUESDAY, 105, 120, 90, 110, 1)])
        expected = tuple(Fill(name, 'IBM', TUESDAY, 10, 105, 1) for name in ('crossover', 'hold'))
        assert sent(broker)[0] == ('fills', Settlement(TUESDAY, expected))

    def test_an_order_waits_for_its_symbol(self, broker):
        broker.work(TUESDAY, [])
        assert sent(broker)[0] == ('fills', Settlement(TUESDAY, ()))
        assert broker.left_open() == 2

    def test_it_asks_with_what_is_held_and_the_last_price(self, broker):
        broker.work(TUESDAY, [bar('IBM', TUESDAY, 107)])
        sent(broker)
        order = Order('hold', 'IBM', TUESDAY, 5)
        assert broker.on_order(order) == Answer(order, None)
        assert sent(broker) == [('risk', Enquiry(order, 10, 107))]

    def test_what_is_refused_is_never_filled(self, broker):
        broker.verdict = 'too much'
        order = Order('breakout', 'IBM', MONDAY, 5)
        assert broker.on_order(order) == Answer(order, 'too much')
        broker.work(TUESDAY, [bar('IBM', TUESDAY)])
        assert broker.filled == {'hold': 1, 'crossover': 1}
        assert broker.refused == {'breakout': 1}

    def test_an_order_that_comes_again_counts_once_and_has_the_same_answer(self, broker):
        order = Order('hold', 'IBM', MONDAY, 10)
        assert broker.on_order(order) == Answer(order, None)
        assert sent(broker) == []
        broker.work(TUESDAY, [bar('IBM', TUESDAY)])
        assert broker.on_order(order) == Answer(order, None)
        assert (broker.ordered['hold'], broker.filled['hold'], broker.left_open()) == (1, 1, 0)

    def test_it_repeats_the_newest_settlement_for_who_has_missed_it(self, broker, build):
        assert broker.on_missed('hold') == Settlement(MONDAY, ())
        new = build(agents.Broker, name='broker', markets=('NYSE',), symbols=('IBM',), fee=1)
        assert new.on_missed('hold') is None

    def test_the_orders_of_the_dead_are_cancelled_and_no_more_are_taken(self, broker):
        assert broker.strike_off('hold') == MONDAY
        assert broker.on_order(Order('hold', 'IBM', MONDAY, 10)).refusal
        broker.work(TUESDAY, [bar('IBM', TUESDAY)])
        assert broker.filled == {'crossover': 1}
        assert (broker.ordered['hold'], broker.cancelled['hold']) == (1, 1)


class TestStrategist:
    @pytest.fixture
    def strategist(self, build):
        symbols = ('AAPL', 'IBM')
        return build(
            agents.Strategist,
            name='hold',
            markets=('NASDAQ', 'NYSE'),
            symbols=symbols,
            strategies={symbol: Hold() for symbol in symbols},
        )

    def show(self, strategist, day, *fills):
        """Show a date on which both symbols were traded."""
        strategist.on_settlement(Settlement(day, fills))
        for market, symbol in (('NYSE', 'IBM'), ('NASDAQ', 'AAPL')):
            strategist.on_bar(bar(symbol, day))
            strategist.on_bell(Bell(market, day, (symbol,)))

    def test_it_orders_when_the_date_is_complete_in_order_of_symbol(self, strategist):
        self.show(strategist, MONDAY)
        assert sent(strategist) == [
            ('orders', Order('hold', symbol, MONDAY, BUDGET // 100)) for symbol in ('AAPL', 'IBM')
        ]

    def test_it_does_nothing_before_the_broker_has_settled(self, strategist):
        strategist.on_bar(bar('IBM', MONDAY))
        strategist.on_bell(Bell('NYSE', MONDAY, ('IBM',)))
        strategist.on_bell(Bell('NASDAQ', MONDAY, ()))
        assert sent(strategist) == []
        strategist.on_settlement(Settlement(MONDAY, ()))
        assert sent(strategist) != []

    def test_its_receipts_leave_with_the_last_answer(self, strategist):
        self.show(strategist, MONDAY)
        (_, one), (_, other) = sent(strategist)
        strategist.on_answer(Answer(one, None))
        assert sent(strategist) == []
        strategist.on_answer(Answer(other, 'too much'))
        assert sent(strategist) == [(f'receipts.{market}', Receipt('hold', MONDAY)) for market in ('NASDAQ', 'NYSE')]
        assert (strategist.ordered, strategist.refused) == (2, 1)

    def test_it_knows_its_own_fills_before_the_bar(self, strategist):
        """It holds IBM and does not buy it again; what somebody else has got is not its own."""
        self.show(
            strategist,
            TUESDAY,
            Fill('hold', 'IBM', TUESDAY, 10, 100, 1),
            Fill('crossover', 'AAPL', TUESDAY, 10, 100, 1),
        )
        assert [order.symbol for _, order in sent(strategist)] == ['AAPL']

    def test_it_keeps_on_which_bar_its_strategy_failed_and_why(self, strategist):
        strategist.strategies['IBM'] = Sabotaged(Hold(), MONDAY)
        with pytest.raises(RuntimeError):
            self.show(strategist, MONDAY)
        assert strategist.failure == Failure(MONDAY, 'IBM', 'RuntimeError: sabotaged, as asked for')
        assert sent(strategist) == []
        assert strategist.received == {}

    def test_one_that_takes_its_place_goes_on_with_its_positions(self, build, strategist):
        """In the middle of a date too, and although the strategy was sabotaged."""
        strategist.strategies['IBM'] = Sabotaged(Hold(), WEDNESDAY)
        self.show(strategist, TUESDAY, *(Fill('hold', symbol, TUESDAY, 10, 100, 1) for symbol in ('AAPL', 'IBM')))
        strategist.on_settlement(Settlement(WEDNESDAY, ()))
        state = pickle.loads(pickle.dumps(strategist.save_state()))
        other = build(
            agents.Strategist,
            name='hold',
            markets=('NASDAQ', 'NYSE'),
            symbols=('AAPL', 'IBM'),
            strategies={'AAPL': Hold(), 'IBM': Sabotaged(Hold(), WEDNESDAY)},
        )
        other.load_state(state)
        for market, symbol in (('NYSE', 'IBM'), ('NASDAQ', 'AAPL')):
            other.on_bar(bar(symbol, WEDNESDAY))
            other.on_bell(Bell(market, WEDNESDAY, (symbol,)))
        # It holds both already, and so orders nothing.
        assert sent(other) == [(f'receipts.{market}', Receipt('hold', WEDNESDAY)) for market in ('NASDAQ', 'NYSE')]
        assert (other.filled, other.received) == (2, {'AAPL': 2, 'IBM': 2})


class TestRestartable:
    """MONDAY is done; what is there of TUESDAY depends on the moment of the death."""

    RECEIPTS = [('receipts.NYSE', Receipt('hold', TUESDAY))]

    @pytest.fixture(autouse=True)
    def _settings(self, monkeypatch):
        monkeypatch.setitem(config, 'CONNECT_WAIT', config['CONNECT_WAIT'])

    @pytest.fixture
    def start(self, build):
        """Start a process, the next one with what the last has saved."""
        disk = {}

        class Started(agents.Restartable):
            def checkpoint(self):
                disk['state'] = pickle.dumps(self.save_state())

        def one(strategy=Hold, missed=()):
            attributes = {'markets': ('NYSE',), 'symbols': ('IBM',), 'strategies': {'IBM': strategy()}}
            agent = build(Started, name='hold', **attributes)
            agent.send_recv = lambda alias, message: dict(missed).get(alias)
            if 'state' in disk:
                agent.load_state(pickle.loads(disk['state']))
            agent.before_loop()
            return agent

        return one

    def show(self, strategist, day, *fills):
        strategist.on_settlement(Settlement(day, fills))
        strategist.on_bar(bar('IBM', day))
        strategist.on_bell(Bell('NYSE', day, ('IBM',)))

    def published(self, day, *fills):
        bell = Bell('NYSE', day, ('IBM',))
        return {'missed.NYSE': ((bar('IBM', day),), bell), 'missed.broker': Settlement(day, fills)}

    def test_it_does_the_date_again_on_which_it_failed(self, start):
        one = start(lambda: Sabotaged(Hold(), MONDAY))
        with pytest.raises(RuntimeError, match='stopped at the bar of IBM, 2012-05-21: RuntimeError: sabotaged'):
            self.show(one, MONDAY)
        other = start(lambda: Sabotaged(Hold(), MONDAY), self.published(MONDAY))
        assert sent(other) == [('resume', 0)]
        other.resume()
        order = Order('hold', 'IBM', MONDAY, BUDGET // 100)
        assert sent(other) == [('orders', order)]
        other.on_answer(Answer(order, None))
        assert sent(other) == [('receipts.NYSE', Receipt('hold', MONDAY)), ('catch_up', 0)]
        other.catch_up()
        assert sent(other) == []
        assert (other.restarts, other.ordered, other.received) == (1, 1, {'IBM': 1})

    def test_it_leaves_everything_aside_until_it_has_caught_up(self, start):
        """A bell whose bar came while nobody was here would seem to say that the bar was lost."""
        start()
        other = start(missed=self.published(MONDAY))
        other.on_bell(Bell('NYSE', MONDAY, ('IBM',)))
        other.on_settlement(Settlement(MONDAY, ()))
        sent(other)
        other.resume()
        assert [alias for alias, _ in sent(other)] == ['orders']

    def test_what_comes_twice_counts_once(self, start):
        start()
        other = start(missed=self.published(MONDAY))
        other.resume()
        sent(other)
        self.show(other, MONDAY)
        assert sent(other) == []
        assert other.ordered == 1

    def test_it_may_have_died_before_anything_was_published(self, start):
        start()
        other = start()
        other.resume()
        sent(other)
        self.show(other, MONDAY)
        assert [alias for alias, _ in sent(other)] == ['orders']

    def test_it_may_have_died_after_its_receipt(self, start):
        """It does the old date again, then the new one, which was published meanwhile."""
        fill = Fill('hold', 'IBM', MONDAY, 10, 100, 1)
        self.show(start(), MONDAY, fill)
        other = start(missed=self.published(TUESDAY))
        sent(other)
        other.resume()
        assert sent(other) == [('receipts.NYSE', Receipt('hold', MONDAY)), ('catch_up', 0)]
        other.catch_up()
        assert sent(other) == self.RECEIPTS
        assert (other.done, other.filled, other.received) == (TUESDAY, 1, {'IBM': 2})

    def test_it_may_die_again_before_it_has_caught_up(self, start):
        self.show(start(), MONDAY, Fill('hold', 'IBM', MONDAY, 10, 100, 1))
        for _ in range(3):
            start().resume()
        other = start(missed=self.published(TUESDAY))
        other.resume()
        other.catch_up()
        assert (other.restarts, other.filled, other.received) == (4, 1, {'IBM': 2})


class TestPortfolio:
    def test_it_enters_the_fills_and_marks_all_accounts_at_the_close(self, build):
        portfolio = build(agents.Portfolio, markets=('NYSE',), symbols=('IBM',), names=('a', 'b'), capital=1000)
        portfolio.on_bar(Bar('IBM', MONDAY, 100, 130, 90, 120, 1))
        portfolio.on_bell(Bell('NYSE', MONDAY, ('IBM',)))
        portfolio.on_settlement(Settlement(MONDAY, (Fill('b', 'IBM', MONDAY, 2, 100, 1),)))
        curves = {name: account.curve for name, account in portfolio.accounts.items()}
        assert curves == {'a': [(MONDAY, 1000)], 'b': [(MONDAY, 1039)]}
        assert sent(portfolio) == [('receipts.NYSE', Receipt('me', MONDAY))]

    def test_it_values_at_the_last_close_what_was_not_traded(self, build):
        portfolio = build(agents.Portfolio, markets=('NYSE',), symbols=('IBM',), names=('a',), capital=0)
        for day, bars in ((MONDAY, [bar('IBM', MONDAY, 50)]), (TUESDAY, []), (WEDNESDAY, [])):
            fills = (Fill('a', 'IBM', day, 1, 50, 0),) if bars else ()
            portfolio.settlement = Settlement(day, fills)
            portfolio.work(day, bars)
        assert [equity for _, equity in portfolio.accounts['a'].curve] == [0, 0, 0]
