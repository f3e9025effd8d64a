"""Makes what agents say of themselves, without agents."""

from osbrain._remote.lookout import AgentSight, Sight
from osbrain._remote.status import AgentStatus
from osbrain._stats import AgentStats, EndpointStats, Histogram, Traffic


def histogram(*counts, total=0.0, longest=0.0):
    """A histogram with these first counts."""
    bounds = Histogram().bounds
    return Histogram((*counts, *[0] * (len(bounds) + 1 - len(counts))), total, longest)


def endpoint(alias='out', kind='PUSH', role='server', address='tcp://127.0.0.1:1', sent=0, received=0, **more):
    """What an endpoint counted: *sent* and *received* are messages, of 10 bytes each."""
    addresses = (address,) if isinstance(address, str) else address
    facts = {'transport': addresses[0].partition(':')[0], 'serializer': 'pickle', **more}
    traffic = {'sent': Traffic(sent, 10 * sent), 'received': Traffic(received, 10 * received)}
    return EndpointStats(alias, kind, role, addresses=addresses, **traffic, **facts)


def stats(name='a', *endpoints, at=100.0, made=0.0, **more):
    """What an agent counted that was *made* at that second of its clock and asked *at* this one."""
    facts = {
        'when': 1e9 + at, 'running': True, 'pid': 7, 'cpu': 0.0, 'memory': 1 << 20, 'threads': 3,
        'errors': 0, 'undecodable': 0, 'overflows': 0, 'refused': 0, 'timers': 0, 'lateness': Histogram(),
        'calls_waiting': 0, 'requests_pending': 0,
    }  # fmt: skip
    return AgentStats(name=name, monotonic=at, uptime=at - made, endpoints=endpoints, **{**facts, **more})


def look(*asked, host='h1', hosts=None, **without):
    """A look at agents that answered, and *without* an answer: name=why."""
    hosts = hosts or {}
    agents = {}
    for one in asked:
        status = AgentStatus(one.name, f'uri:{one.name}', 'running', pid=one.pid, host=hosts.get(one.name, host))
        agents[one.name] = AgentSight(status, one, None)
    for name, why in without.items():
        agents[name] = AgentSight(AgentStatus(name, f'uri:{name}', 'running', pid=9, host=host), None, why)
    return Sight(100.0, agents)
