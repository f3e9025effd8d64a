"""The logger: an agent that keeps what the others say."""

from __future__ import annotations

import os
from typing import Any

from ._agent.agent import Agent
from ._process import run_agent
from .proxy import Proxy

__all__ = ['Logger', 'pyro_log', 'run_logger']


def pyro_log() -> None:
    """Have Pyro4 write a log file in processes that are started from now on."""
    os.environ['PYRO_LOGFILE'] = 'pyro_osbrain.log'
    os.environ['PYRO_LOGLEVEL'] = 'DEBUG'


class Logger(Agent):
    """Keeps records by level (``log_history_info`` and so on) and together (``log_history``), in order of arrival."""

    def on_init(self) -> None:
        """Make the histories and the subscriber that fills them."""
        self.log_history: list[str] = []
        self.log_history_info: list[str] = []
        self.log_history_warning: list[str] = []
        self.log_history_error: list[str] = []
        self.log_history_debug: list[str] = []
        levels = ('INFO', 'WARNING', 'ERROR', 'DEBUG')
        self.bind('SUB', 'sub', dict.fromkeys(levels, self.log_handler))

    def log_handler(self, message: Any, topic: bytes) -> None:
        """Keep one record; *topic* is its level."""
        getattr(self, f'log_history_{topic.decode().lower()}').append(message)
        self.log_history.append(message)


def run_logger(name: str, nsaddr: Any = None, addr: Any = None, base: type[Logger] = Logger) -> Proxy:
    """Start a logger; as :func:`osbrain.run_agent`."""
    return run_agent(name, nsaddr, addr, base)
