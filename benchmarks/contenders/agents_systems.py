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
    """Return the MiB of an idle agent.

    What is counted: the processes of all agents and those that are there for their sake, such as a fork server, divided
    by the number of agents. What is not: the script and the name server, which are there without agents too.
    """
    pids = {agent.execute_as_function(os.getpid) for agent in agents}
    helpers = {parent for pid in pids for parent in parents(pid)}
    return sum(memory(pid) for pid in pids | helpers) / len(pids)


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
        pss = memory_of(everybody)
    finally:
        begin = time.perf_counter()
        ns.shutdown()
    return {'start': started / agents * 1000, 'pss': pss, 'shutdown': time.perf_counter() - begin}


if __name__ == '__main__':
    main({'start': start})
