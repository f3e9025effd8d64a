"""Watch the agents: go on without a strategy that has died, give up when the rest cannot."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING, Callable

import Pyro4

from osbrain import AgentEvent, NSProxy, Proxy

from .agents.restartable import StrategyFailed
from .messages import Failure

if TYPE_CHECKING:
    from .platform import Platform

LOOK = 0.1  # seconds between two looks
AWAY = 10.0  # seconds that a strategist may be away that is started again
PATIENCE = 30.0  # seconds that a date may take, besides those that --speed asks for


class PlatformError(Exception):
    """An agent that everybody needs has stopped, or does not go on."""


class Watch:
    """Looks at everybody a few times a second; nobody waits for the dead longer than that."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._failures: dict[str, Failure] = {}
        self._away: dict[str, float] = {}  # since when
        self.deaths: dict[str, list[str]] = {}  # why, of those that are started again

    def trade(self, on_progress: Callable[[int], None]) -> dict[str, Failure]:
        """Open the markets; after the last date return which strategies have failed, and why."""
        try:
            if self._platform.plan.restart:
                with NSProxy().watch(self._note):
                    self._trade(on_progress)
                    self._wait_for_the_restarted()
            else:
                self._trade(on_progress)
        except (Pyro4.errors.CommunicationError, RuntimeError):
            # Somebody has died since the last look and was spoken to: the next look says who.
            self._look()
            raise
        return self._failures

    def _trade(self, on_progress: Callable[[int], None]) -> None:
        feeds = self._platform.feeds.values()
        speed = self._platform.plan.speed
        patience = PATIENCE + (1 / speed if speed else 0)
        self._platform.open()
        done, since = 0, time.monotonic()
        while not all(feed.get_attr('finished') for feed in feeds):
            self._look()
            rounds = min(feed.get_attr('rounds') for feed in feeds)
            if rounds > done:
                done, since = rounds, time.monotonic()
                on_progress(done)
            elif time.monotonic() - since > patience:
                raise PlatformError(f'no date done in {patience:g} seconds: {self._who_is_late()}')
            time.sleep(LOOK)
        self._look()
        on_progress(len(self._platform.plan.days))

    def _look(self) -> None:
        for name, agent in self._platform.needed.items():
            if not is_alive(agent):
                raise PlatformError(f'{name} has stopped, and the others cannot go on without it')
        for name, agent in self._platform.strategists.items():
            if name in self._failures:
                continue
            if is_alive(agent):
                self._away.pop(name, None)
            elif not self._may_come_back(name):
                self._go_on_without(name, agent)

    def _may_come_back(self, name: str) -> bool:
        """Tell whether a dead strategy is still waited for."""
        now = time.monotonic()
        return self._platform.plan.restart and now - self._away.setdefault(name, now) < AWAY

    def _note(self, event: AgentEvent) -> None:
        """Keep why a strategy has died; called by a thread that listens to the name server."""
        if event.kind == 'death' and event.name in self._platform.strategists:
            why = f'{event.reason}'.removeprefix(f'{StrategyFailed.__name__}: ')
            died = why if why.startswith('stopped') else f'died: {why}'
            self.deaths.setdefault(event.name, []).append(died)

    def _wait_for_the_restarted(self) -> None:
        """Let those that have died on the last date come to its end, too."""
        since = time.monotonic()
        while late := [name for name in self._platform.strategists if not self._is_done(name)]:
            if time.monotonic() - since > PATIENCE:
                raise PlatformError(f'{", ".join(late)} did not come back in {PATIENCE:g} seconds')
            time.sleep(LOOK)
            self._look()

    def _is_done(self, name: str) -> bool:
        """Tell whether a strategy is done with the last date, and all its deaths are known."""
        if name in self._failures:
            return True
        agent = self._platform.strategists[name]
        try:
            done, restarts = agent.get_attr('done'), agent.get_attr('restarts')
        except Pyro4.errors.CommunicationError:
            return False
        known = len(self.deaths.get(name, ())) >= restarts
        return known and done == self._platform.plan.days[-1][0]

    def _go_on_without(self, name: str, strategist: Proxy) -> None:
        """Take a dead strategy out of the game.

        The feeds are told last: until then the date on which it died is not over, so that its
        orders are gone and its books are closed before the next open.
        """
        platform = self._platform
        settled = platform.broker.strike_off(name) or platform.plan.days[0][0]
        self._failures[name] = why(strategist, settled)
        platform.portfolio.close_account(name, settled)
        for market in platform.markets_of(platform.plan.strategies[name]):
            platform.feeds[market].dismiss(name)

    def _who_is_late(self) -> str:
        late = []
        for market, feed in self._platform.feeds.items():
            names = sorted(feed.get_attr('waiting_for'))
            late.append(f'feed.{market} waits for {", ".join(names) or "nobody"}')
        return '; '.join(late)


def is_alive(agent: Proxy) -> bool:
    """Tell whether *agent* works: it neither has stopped nor is its process gone."""
    try:
        return agent.is_running()
    except Pyro4.errors.CommunicationError:
        return False


def why(strategist: Proxy, day: date) -> Failure:
    """Return what a dead strategist has left about its failure, or what can be said without it."""
    try:
        failure = strategist.get_attr('failure')
    except Pyro4.errors.CommunicationError:
        return Failure(day, None, 'its process has ended')
    return failure or Failure(day, None, 'it was stopped')
