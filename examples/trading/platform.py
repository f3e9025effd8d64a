"""Start the agents and wire them: who talks to whom, and how, is all in here."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Callable, ContextManager

from osbrain import Agent, Proxy, run_agent, run_logger, run_nameserver
from osbrain.recording import Recorder, Replay, record, replay

from . import terms
from .agents import Broker, Feed, Portfolio, RecordedFeed, Restartable, Risk, Strategist
from .audit import audit
from .limits import Limits
from .markets import BELL, topic
from .plan import Plan
from .results import Results
from .tape import sources
from .watch import PlatformError, Watch

CONNECTED = 10.0  # seconds that a subscription may take until it is live
RECEIPTS = 60.0  # seconds that a feed which is replayed waits for its receipts


def run(plan: Plan, on_progress: Callable[[int], None] = lambda rounds: None) -> Results:
    """Carry out *plan*; tell *on_progress*, now and then, how many dates are done."""
    with run_nameserver():
        platform = Platform(plan)
        platform.wire()
        watch = Watch(platform)
        with platform.recording() as recorder:
            failures = watch.trade(on_progress)
        if recorder and recorder.recorded.missed:
            raise PlatformError(f'{plan.record} has gaps: the recorder could not follow')
        return audit(platform, failures, watch.deaths)


class Platform:
    """All agents of a run, on the name server that was started last."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        everything = {'markets': tuple(plan.markets), 'symbols': plan.symbols}
        self.logger = run_logger('logger')
        self.replay: Replay | None = None
        self.feeds = self._replay_feeds() if plan.replay else self._start_feeds()
        self.risk = self._start('risk', Risk, limits=Limits(terms.MAX_ORDER, terms.MAX_POSITION))
        self.broker = self._start('broker', Broker, **everything, fee=terms.FEE)
        self.portfolio = self._start(
            'portfolio',
            Portfolio,
            **everything,
            names=tuple(plan.strategies),
            capital=terms.CAPITAL,
        )
        self.strategists = {
            name: self._start(
                name,
                Restartable if plan.restart else Strategist,
                restart='transient' if plan.restart else None,
                markets=self.markets_of(symbols),
                symbols=symbols,
                strategies=plan.build(name),
            )
            for name, symbols in plan.strategies.items()
        }

    def _start_feeds(self) -> dict[str, Proxy]:
        days, speed = self.plan.days_of, self.plan.speed
        return {
            market: self._start(f'feed.{market}', Feed, market=market, days=days(market), speed=speed)
            for market in self.plan.markets
        }

    def _replay_feeds(self) -> dict[str, Proxy]:
        """Start agents that say what the feeds have said, and in step with the receipts as those were."""
        self.replay = replay(self.plan.replay, speed=0, in_step=RECEIPTS, base=RecordedFeed)
        return {market: self.replay.agents[f'feed.{market}'] for market in self.plan.markets}

    def recording(self) -> ContextManager[Recorder | None]:
        """Record, for the time of a block, what the feeds publish, if that is to be."""
        if self.plan.record is None:
            return nullcontext()
        return record(self.plan.record, *sources(self.plan.markets), overwrite=True)

    def open(self) -> None:
        """Open the markets."""
        if self.replay:
            self.replay.begin()
            return
        for feed in self.feeds.values():
            feed.open()

    def wire(self) -> None:
        """Connect everybody; when this returns, every subscription is live."""
        self.broker.connect(self.risk.addr('approval'), alias='risk')
        self._listen_to_markets('broker', self.broker, self.plan.symbols)
        self._listen_to_markets('portfolio', self.portfolio, self.plan.symbols)
        self._listen_to_broker(self.portfolio)
        if self.plan.restart:
            for publisher in (*self.feeds.values(), self.broker):
                publisher.bind('REP', alias='missed', handler='on_missed')
        for name, strategist in self.strategists.items():
            self._listen_to_markets(name, strategist, self.plan.strategies[name])
            self._listen_to_broker(strategist)
            strategist.connect(self.broker.addr('orders'), alias='orders', handler='on_answer')
            if self.plan.restart:
                strategist.connect(self.broker.addr('missed'), alias='missed.broker')
                for market in self.markets_of(self.plan.strategies[name]):
                    strategist.connect(self.feeds[market].addr('missed'), alias=f'missed.{market}')

    @property
    def needed(self) -> dict[str, Proxy]:
        """All agents that nobody can do without."""
        feeds = {f'feed.{market}': feed for market, feed in self.feeds.items()}
        core = {'broker': self.broker, 'risk': self.risk, 'portfolio': self.portfolio}
        return {**feeds, **core, 'logger': self.logger}

    def markets_of(self, symbols: tuple[str, ...]) -> tuple[str, ...]:
        """Return the markets that trade any of *symbols*."""
        markets = self.plan.markets.items()
        return tuple(market for market, traded in markets if set(traded) & set(symbols))

    def _start(
        self, name: str, base: type[Agent], restart: str | None = None, **attributes: object
    ) -> Proxy:
        agent = run_agent(name, base=base, attributes=attributes, restart=restart)
        agent.set_logger(self.logger)
        return agent

    def _listen_to_markets(self, name: str, agent: Proxy, symbols: tuple[str, ...]) -> None:
        for market in self.markets_of(symbols):
            feed = self.feeds[market]
            traded = [symbol for symbol in self.plan.markets[market] if symbol in symbols]
            handlers = {**{topic(symbol): 'on_bar' for symbol in traded}, BELL: 'on_bell'}
            bars = feed.addr('bars')
            agent.connect(bars, alias=f'bars.{market}', handler=handlers, ready=CONNECTED)
            agent.connect(feed.addr('receipts'), alias=f'receipts.{market}')
            feed.expect(name)

    def _listen_to_broker(self, agent: Proxy) -> None:
        fills = self.broker.addr('fills')
        agent.connect(fills, alias='fills', handler='on_settlement', ready=CONNECTED)
