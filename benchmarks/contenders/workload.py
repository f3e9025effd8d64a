"""What all contenders share: the messages, the arithmetic and how a result is told.

Contenders are scripts of Python 3.8 that are run by path, each measurement in a process of its own:

    python benchmarks/contenders/bare.py push_pull transport=ipc count=100000

This module imports neither osbrain nor zmq, so that a contender pays for what it uses and no more.
"""

import json
import os
import pickle
import sys
import time

MEBIBYTE = 1024 * 1024
GIBIBYTE = 1024 * MEBIBYTE

# Large buffers go out of band from protocol 5 on, which is what Python 3.8 and all later ones call the highest.
PROTOCOL = pickle.HIGHEST_PROTOCOL

RAW = b'.' * 64
FIRST_RAW = b'first'.ljust(64, b'.')
LAST_RAW = b'last'.ljust(64, b'.')

# Publishers drop what is above their high-water mark of 1,000. They learn of what has left the queue in steps of 500,
# and look for such news about once in a millisecond; two bursts in flight leave room for both.
PUB_BURST = 150
IN_FLIGHT = 2

# Bytes that may be on their way when arrays are sent: enough that nobody waits, and memory is used again.
ARRAY_WINDOW = 64 * MEBIBYTE


class Unavailable(Exception):
    """A release cannot do the work, as it was made before there was a word for it."""


def price(number):
    """Return the small message of all works, new each time as in a real feed."""
    return {'symbol': 'AAPL', 'price': 101.25, 'volume': 300, 'n': number}


def raw_messages(count):
    """Yield *count* messages of 64 bytes; the first and the last can be told from the others."""
    yield FIRST_RAW
    for _ in range(count - 2):
        yield RAW
    yield LAST_RAW


def array(mebibytes, frozen=False):
    """Return a float64 array; nobody can change a *frozen* one, so it need not be copied to be sent."""
    import numpy as np  # noqa: PLC0415 - it takes longer to import than many a work to do

    made = np.random.default_rng(1).random(mebibytes * MEBIBYTE // 8)
    made.setflags(write=not frozen)
    return made


def array_bursts(mebibytes, count):
    """Return the length of a burst and how many bursts it takes: *count* arrays and those that warm up."""
    burst = max(ARRAY_WINDOW // IN_FLIGHT // (mebibytes * MEBIBYTE), 1)
    return burst, warm_bursts(burst) + -(-count // burst)


def warm_bursts(burst):
    """Return how many bursts go by before the clock starts: eight messages or more, and one round of bursts."""
    return max(-(-8 // burst), IN_FLIGHT)


def pace(per_second, count):
    """Yield *count* times, *per_second* times a second; waits busily, as no sleep is that precise."""
    period = 1 / per_second
    start = time.perf_counter()
    for number in range(count):
        while time.perf_counter() < start + number * period:
            # Gives the core to ZeroMQ's own threads, which on two cores have nowhere else to run.
            os.sched_yield()
        yield number


def quantile(ordered, share):
    """Return the value below which *share* of the sorted values lie."""
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def latencies(nanoseconds):
    """Return the quantiles that are told of the times from send to handler, in microseconds."""
    ordered = sorted(nanoseconds)
    shares = {'p50': 0.5, 'p99': 0.99, 'p999': 0.999}
    return {name: quantile(ordered, share) / 1000 for name, share in shares.items()}


def option(text):
    """Split ``name=value``; numbers become numbers."""
    name, _, value = text.partition('=')
    return name, int(value) if value.lstrip('-').isdigit() else value


def main(works, argv=None):
    """Do the work that the command line names with its options, and print what came out as a line of JSON."""
    name, *options = sys.argv[1:] if argv is None else argv
    try:
        result = works[name](**dict(option(text) for text in options))
    except Unavailable as reason:
        result = {'unavailable': str(reason)}
    # A line of its own, whatever else has been printed without an end.
    print('\n' + json.dumps(result), flush=True)
