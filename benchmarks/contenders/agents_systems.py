"""A whole system: starting its agents, the memory they take, shutting them down."""

import os
import time
from pathlib import Path

from workload import main

import osbrain


def parents(pid):
    """Yield the parent of a process, its parent, and so on, up to this process and without it."""
    while True:
        pid = int(Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[1])
        if pid in (os.getpid(), 1, 0):
            return
        yield pid


def memory(pid):
    """Return the MiB of a process, those it shares with others only in part (PSS)."""
    lines = Path(f'/proc/{pid}/smaps_rollup').read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith('Pss:')) / 1024


def memory_of(agents):
    """Return the MiB of an idle agent: of its own process, and with its share of what is there for the agents' sake.

    That is a fork server, where a release has one. The script and the name server are there without agents too.
    """
    pids = {agent.execute_as_function(os.getpid) for agent in agents}
    helpers = {parent for pid in pids for parent in parents(pid)}
    own, others = (sum(map(memory, some)) / len(pids) for some in (pids, helpers))
    return own, own + others


def start_one_by_one(names):
    return [osbrain.run_agent(name) for name in names]


def start_in_a_batch(names):
    """Start them all at once, where a release can do that, and one after the other where it cannot."""
    run_agents = getattr(osbrain, 'run_agents', start_one_by_one)
    return run_agents(names)


def start(agents, batch=0):
    """Return the milliseconds that each start takes, the memory of an agent, and the seconds that the end takes."""
    ns = osbrain.run_nameserver()
    try:
        # The first one pays for what the others find ready.
        osbrain.run_agent('warm-up')
        names = [f'agent-{number}' for number in range(agents)]
        begin = time.perf_counter()
        everybody = (start_in_a_batch if batch else start_one_by_one)(names)
        started = time.perf_counter() - begin
        pss, with_helpers = memory_of(everybody)
    finally:
        begin = time.perf_counter()
        ns.shutdown()
    return {
        'start': started / agents * 1000,
        'pss': pss,
        'pss_with_helpers': with_helpers,
        'shutdown': time.perf_counter() - begin,
    }


if __name__ == '__main__':
    main({'start': start})
