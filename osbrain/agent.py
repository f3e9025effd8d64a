"""Door: what programs import from ``osbrain.agent``."""

from ._agent.agent import Agent
from ._batch import run_agents
from ._io.errors import BindFailed, OutOfTurn
from ._process import AgentProcess, run_agent
from ._protocol.handlers import execute_code_after_yield
from ._protocol.serializers import TOPIC_SEPARATOR, compose_message, deserialize_message, serialize_message

__all__ = [
    'TOPIC_SEPARATOR',
    'Agent',
    'AgentProcess',
    'BindFailed',
    'OutOfTurn',
    'compose_message',
    'deserialize_message',
    'execute_code_after_yield',
    'run_agent',
    'run_agents',
    'serialize_message',
]
