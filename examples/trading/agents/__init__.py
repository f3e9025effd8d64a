"""The agents, one a file; how they are wired is in platform.py."""

from .broker import Broker
from .feed import Feed
from .portfolio import Portfolio
from .recorded_feed import RecordedFeed
from .restartable import Restartable
from .risk import Risk
from .strategist import Strategist

__all__ = ['Broker', 'Feed', 'Portfolio', 'RecordedFeed', 'Restartable', 'Risk', 'Strategist']
