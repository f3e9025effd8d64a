"""osbrain: agents in processes of their own, that talk over ZeroMQ and are configured through proxies."""

from . import agent as agent
from . import common as common
from . import nameserver as nameserver
from ._agent.agent import Agent
from ._batch import run_agents
from ._config import config
from ._events import AgentEvent
from ._hooks import Instrument, SocketInfo
from ._process import AgentProcess, run_agent
from ._protocol.gathering import batched
from ._protocol.work import Delivery, Pending, TaskFailure, WorkerLoad
from ._stats import AgentStats, EndpointStats, Histogram
from .address import AgentAddress, SocketAddress
from .logging import Logger, run_logger
from .nameserver import NameServer, run_nameserver
from .proxy import NSProxy, Proxy
from .supervision import Supervisor, run_supervisor

__version__ = '0.7.0'

__all__ = [
    'Agent',
    'AgentAddress',
    'AgentEvent',
    'AgentProcess',
    'AgentStats',
    'Delivery',
    'EndpointStats',
    'Histogram',
    'Instrument',
    'Logger',
    'NSProxy',
    'NameServer',
    'Pending',
    'Proxy',
    'SocketAddress',
    'SocketInfo',
    'Supervisor',
    'TaskFailure',
    'WorkerLoad',
    '__version__',
    'batched',
    'config',
    'run_agent',
    'run_agents',
    'run_logger',
    'run_nameserver',
    'run_supervisor',
]
