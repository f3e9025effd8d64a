"""What a running system does, in numbers: looked at from outside, without the agents having prepared anything."""

from .._remote.lookout import AgentSight, Lookout, Sight
from .._stats import AgentStats, EndpointStats, Histogram, Traffic

__all__ = ['AgentSight', 'AgentStats', 'EndpointStats', 'Histogram', 'Lookout', 'Sight', 'Traffic']
