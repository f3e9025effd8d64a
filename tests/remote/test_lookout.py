"""Looking at all agents at once, with those among them that do not answer."""

import threading
import time

import pytest

from osbrain import SocketAddress
from osbrain._pids import started
from osbrain._remote.lookout import Lookout
from osbrain._remote.status import AgentStatus
from osbrain._stats import AgentStats, Histogram
from osbrain.errors import OsBrainError

LIMIT = 5


class Teller:
    """What stands for an agent: it answers, unless its gate is closed."""

    def __init__(self, name):
        self.name = name
        self.gate = threading.Event()
        self.gate.set()
        self.asked = 0

    def op_stats(self):
        self.asked += 1
        self.gate.wait(LIMIT)
        return AgentStats(self.name, 0, 0, 0, True, 1, 0, 0, 0, (), 0, 0, 0, 0, 0, Histogram(), 0, 0)

    def op_echo(self, *args):
        return self.name, args

    def op_fail(self):
        raise ValueError(self.name)
