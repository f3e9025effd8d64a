"""The table of works: everything that is measured, and the targets of this library.

The targets are ratios within one run, because what a machine reaches in a second varies. Rows over tcp are without
CURVE, which bare pyzmq does not have here either; what it costs is measured by ``benchmarks.security``.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping

from .contender import Contender
from .works import Better, Call, Metric, Work


def _work(
    script: str,
    function: str,
    *metrics: Metric,
    full: Mapping[str, int],
    quick: Mapping[str, int],
    bare: bool | Call = False,
    other: bool = True,
    **options: str | int,
) -> Work:
    """Make a row; *bare*: bare pyzmq does it too, in a function of the same name or as the call says."""
    call = Call(script, function, options)
    calls = {Contender.THIS: call}
    if bare:
        calls[Contender.BARE] = bare if isinstance(bare, Call) else Call('bare.py', function, options)
    if other:
        calls[Contender.OTHER] = call
    return Work(metrics, calls, full, quick)


def _messages() -> Iterable[Work]:
    full, quick = {'count': 300_000}, {'count': 20_000}
    for transport in ('ipc', 'tcp'):
        yield _work(
            'agents_messages.py',
            'push_pull',
            Metric(f'PUSH-PULL dict {transport}', 'messages/s', to_bare=0.95, to_other=2.2),
            full=full,
            quick=quick,
            bare=True,
            transport=transport,
        )
    for transport in ('ipc', 'tcp'):
        yield _work(
            'agents_messages.py',
            'push_pull',
            Metric(f'PUSH-PULL 64 bytes raw {transport}', 'messages/s'),
            full=full,
            quick=quick,
            bare=True,
            transport=transport,
            raw=1,
        )
    for subscribers, to_other in ((1, 4.0), (4, 2.2)):
        yield _work(
            'agents_messages.py',
            'pub_sub',
            Metric(f'PUB-SUB topic, subscribers: {subscribers}', 'deliveries/s', to_bare=0.9, to_other=to_other),
            full={'count': 150_000 // subscribers},
            quick={'count': 20_000 // subscribers},
            bare=True,
            subscribers=subscribers,
        )
    yield _work(
        'agents_messages.py',
        'sync_pub',
        Metric('SYNC_PUB topic, subscribers: 1', 'deliveries/s'),
        full={'count': 150_000},
        quick={'count': 20_000},
        subscribers=1,
    )
    yield _work(
        'agents_messages.py',
        'latency',
        *(
            Metric(f'latency at 10,000/s {name}', 'µs', key, Better.LOWER)
            for name, key in (('p50', 'p50'), ('p99', 'p99'), ('p99.9', 'p999'))
        ),
        full={'count': 50_000},
        quick={'count': 5_000},
        bare=True,
        per_second=10_000,
    )


def _requests() -> Iterable[Work]:
    for transport in ('ipc', 'tcp'):
        yield _work(
            'agents_requests.py',
            'req_rep',
            Metric(f'REQ-REP {transport}', 'round trips/s', to_bare=0.97, to_other=1.05),
            full={'count': 20_000},
            quick={'count': 3_000},
            bare=True,
            transport=transport,
        )
    yield _work(
        'agents_requests.py',
        'async_rep',
        Metric('ASYNC_REP, 200 in flight', 'requests/s', to_other=2.0),
        full={'count': 100_000},
        quick={'count': 10_000},
        in_flight=200,
    )


def _small_only() -> Iterable[Work]:
    """Compare with a bare program that knows that its messages have no large buffers, and looks for none."""
    for script, function, name, unit, count, options in (
        ('agents_messages.py', 'push_pull', 'PUSH-PULL dict ipc', 'messages/s', 300_000, {'transport': 'ipc'}),
        ('agents_messages.py', 'pub_sub', 'PUB-SUB topic', 'deliveries/s', 150_000, {'subscribers': 1}),
        ('agents_requests.py', 'req_rep', 'REQ-REP ipc', 'round trips/s', 20_000, {'transport': 'ipc'}),
    ):
        yield _work(
            script,
            function,
            Metric(f'{name}, bare pyzmq for small messages only', unit),
            full={'count': count},
            quick={'count': count // 10},
            bare=Call('bare.py', function, {**options, 'small': 1}),
            other=False,
            **options,
        )


def _arrays() -> Iterable[Work]:
    for mebibytes, count, to_bare, to_other in ((8, 200, 0.95, 2.4), (1, 1600, 0.9, 2.6)):
        for frozen in (0, 1):
            yield _work(
                'agents_arrays.py',
                'arrays',
                Metric(
                    f'array {mebibytes} MiB' + ', read-only' * frozen,
                    'GiB/s',
                    to_bare=to_bare,
                    to_other=None if frozen else to_other,
                ),
                full={'count': count},
                quick={'count': count // 8},
                bare=True,
                other=not frozen,
                mebibytes=mebibytes,
                frozen=frozen,
            )


def _batches() -> Iterable[Work]:
    """Compare all with bare pyzmq's one message at a time: that is what they are there to beat."""
    one_by_one = Call('bare.py', 'push_pull', {'transport': 'ipc'})
    for name, to_bare, options in (
        ('send_many', 3.0, {'many': 1}),
        ('batched handler', None, {'batch': 1}),
        ('send_many and batched handler', None, {'many': 1, 'batch': 1}),
    ):
        yield _work(
            'agents_batches.py',
            'batches',
            Metric(f'PUSH-PULL dict ipc, {name}', 'messages/s', to_bare=to_bare),
            full={'count': 300_000},
            quick={'count': 20_000},
            bare=one_by_one,
            other=False,
            transport='ipc',
            **options,
        )


def _proxies() -> Iterable[Work]:
    for name, safe, to_other in (('safe', 1, 1.8), ('unsafe', 0, 1.0)):
        yield _work(
            'agents_proxies.py',
            'proxy_calls',
            Metric(f'proxy calls, {name}', 'calls/s', to_other=to_other),
            full={'count': 10_000},
            quick={'count': 1_000},
            safe=safe,
        )


def _systems() -> Iterable[Work]:
    yield _work(
        'agents_systems.py',
        'start',
        Metric('start 50 agents, one after the other', 'ms each', 'start', Better.LOWER, to_other=0.25),
        Metric('memory of an idle agent (PSS)', 'MiB', 'pss', Better.LOWER, to_other=1.0),
        Metric('with its share of the fork server', 'MiB', 'pss_with_helpers', Better.LOWER),
        Metric('shut 50 agents down', 's', 'shutdown', Better.LOWER, to_other=0.5),
        full={'agents': 50},
        quick={'agents': 10},
    )
    yield _work(
        'agents_systems.py',
        'start',
        Metric('start 50 agents in a batch', 'ms each', 'start', Better.LOWER, to_other=0.15),
        full={'agents': 50},
        quick={'agents': 10},
        batch=1,
    )


def _timers_and_sockets() -> Iterable[Work]:
    yield _work(
        'agents_timers.py',
        'timers',
        Metric('1,000 timers: starts that happened', '%', 'fired'),
        Metric('1,000 timers: lateness p50', 'ms', 'p50', Better.LOWER),
        Metric('1,000 timers: lateness p99', 'ms', 'p99', Better.LOWER),
        Metric('1,000 timers: threads of the agent', 'threads', 'threads', Better.LOWER),
        full={'seconds': 5},
        quick={'seconds': 2},
        count=1_000,
    )
    yield _work(
        'agents_timers.py',
        'timer_threads',
        Metric('threads for 200 timers', 'threads', better=Better.LOWER, itself=0),
        full={},
        quick={},
        count=200,
    )
    yield _work(
        'agents_sockets.py',
        'one_busy',
        Metric('500 sockets, one of them busy', 'messages/s'),
        full={'count': 20_000},
        quick={'count': 2_000},
        sockets=500,
    )


WORKS: tuple[Work, ...] = (
    *_messages(),
    *_batches(),
    *_requests(),
    *_small_only(),
    *_arrays(),
    *_proxies(),
    *_systems(),
    *_timers_and_sockets(),
)


def matches(name: str, pattern: str) -> bool:
    """Whether *pattern* is a part of *name*, or a glob for it; whatever the case."""
    name, pattern = name.lower(), pattern.lower()
    return pattern in name or fnmatch.fnmatchcase(name, pattern)


def select(patterns: Iterable[str], works: Iterable[Work] = WORKS) -> list[Work]:
    """Return the works of which a number is named by one of the *patterns*; all of them if there are none."""
    wanted = list(patterns)
    return [
        work
        for work in works
        if not wanted or any(matches(metric.name, pattern) for metric in work.metrics for pattern in wanted)
    ]
