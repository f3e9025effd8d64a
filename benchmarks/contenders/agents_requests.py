"""Requests and their answers: REQ-REP, one at a time, and ASYNC_REP, many in flight."""

import time

from system import name_server, wait_for
from workload import main

from osbrain import Agent, run_agent


class Server(Agent):
    def answer(self, request):
        return request


class Client(Agent):
    def ask_one_by_one(self, count):
        """Return the seconds that *count* round trips take."""
        start = time.perf_counter()
        for number in range(count):
            self.send('server', number)
            self.recv('server')
        return time.perf_counter() - start

    def ask_many(self, count, in_flight):
        self.count = count
        self.sent = in_flight
        self.answered = 0
        self.elapsed = None
        self.started = time.perf_counter()
        for number in range(in_flight):
            self.send('server', number)

    def on_answer(self, answer):
        self.answered += 1
        if self.sent < self.count:
            self.send('server', self.sent)
            self.sent += 1
        elif self.answered == self.count:
            self.elapsed = time.perf_counter() - self.started


def pair():
    """Start a server and a client."""
    return run_agent('server', base=Server), run_agent('client', base=Client)


def req_rep(transport, count):
    """Return the round trips a second."""
    with name_server():
        server, client = pair()
        client.connect(server.bind('REP', handler='answer', transport=transport), alias='server')
        return {'value': count / client.ask_one_by_one(count)}


def async_rep(in_flight, count):
    """Return the answers a second when each answer brings the next request about."""
    with name_server():
        server, client = pair()
        client.connect(server.bind('ASYNC_REP', handler='answer'), alias='server', handler='on_answer')
        client.ask_many(count, in_flight)
        return {'value': count / wait_for(client, 'elapsed')}


if __name__ == '__main__':
    main({work.__name__: work for work in (req_rep, async_rep)})
