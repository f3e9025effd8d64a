"""A system that exists on paper only: what the page is told of it, and what it was asked to do."""

import random


def agent(kind='osbrain.agent.Agent', state='running', **fields):
    numbers = {'sent': 12.5, 'received': 30, 'sent_bytes': 4000, 'received_bytes': 9000, 'cpu': 0.05, 'busy': 0.02}
    facts = {'host': 'lab3', 'pid': 4711, 'since': 1_790_000_000.0, 'memory': 40_000_000, 'errors': 0}
    return {'state': state, 'kind': kind, **facts, **(numbers if state == 'running' else {}), **fields}


def edge(source, target, kinds=('PUB', 'SUB'), aliases=('out', 'in'), sent=10.0, **fields):
    return {
        'source': source,
        'source_alias': aliases[0],
        'source_kind': kinds[0],
        'target': target,
        'target_alias': aliases[1],
        'target_kind': kinds[1],
        'transport': 'ipc',
        'serializer': 'pickle',
        'address': f'ipc:///run/{source}-{aliases[0]}',
        'sent': sent,
        'returned': 0,
        'bytes': 100 * sent,
        **fields,
    }


def key(one):
    return '|'.join([one['source'], one['source_alias'], one['target'], one['target_alias']])


class MadeUp:
    """A view of agents that a test makes come and go, which notes what it is asked to do."""

    def __init__(self, agents=(), edges=()):
        self.agents = dict(agents)
        self.edges = {key(one): one for one in edges}
        self.lines = {}
        self.acted = []
        self.looks = self.rests = 0

    def look(self, logs):
        self.looks += 1
        lines = dict(self.lines) if logs else {}
        return {
            'nameserver': {'address': '127.0.0.1:9090'},
            'agents': {name: dict(row) for name, row in self.agents.items()},
            'edges': dict(self.edges),
            'lines': lines,
        }

    def rest(self):
        self.rests += 1

    def detail(self, name):
        return {
            'name': name,
            'kind': self.agents[name]['kind'],
            'doc': 'Made up.',
            'timers': [{'alias': 'beat', 'method': 'tick', 'period': 1.0, 'due_in': 0.4}],
            'methods': [{'name': 'price', 'signature': '(symbol)', 'doc': 'Say a price.', 'inherited': False}],
            'attributes': [{'name': 'count', 'type': 'int', 'value': '3'}],
            'endpoints': [],
        }

    def act(self, action, request):
        self.acted.append((action, request))
        if action == 'call':
            return {'done': 'price has returned.', 'result': '42.5', 'is_json': True}
        return {'done': f'{action} is done.'}


def hundred(seed=7):
    """A hundred agents of several teams: feeds, workers that share work, collectors, and some that are alone."""
    chance = random.Random(seed)
    agents, edges = {}, []
    for team in range(4):
        feed, sink = f'feed.{team}', f'sink.{team}'
        agents[feed], agents[sink] = agent('lab.Feed'), agent('lab.Sink')
        for number in range(20):
            worker = f'worker.{team}.{number}'
            agents[worker] = agent('lab.Worker', sent=chance.randrange(300), received=chance.randrange(300))
            edges += [edge(feed, worker, ('PUSH', 'PULL'), sent=chance.randrange(300)), edge(worker, sink)]
        edges.append(edge(sink, 'broker', ('REQ', 'REP'), returned=3.0, sent=3.0))
    agents['broker'] = agent('lab.Broker')
    while len(agents) < 100:
        agents[f'alone.{len(agents)}'] = agent('lab.Idler', sent=0, received=0)
    return MadeUp(agents, edges)
