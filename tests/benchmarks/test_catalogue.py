"""The table of works: it names what is there, and the targets are those that were set."""

import ast
from pathlib import Path

import pytest

from benchmarks.catalogue import WORKS, matches, select
from benchmarks.contender import SCRIPTS, Contender
from benchmarks.works import Better

METRICS = {metric.name: metric for work in WORKS for metric in work.metrics}
CALLS = sorted({(call.script, call.function) for work in WORKS for call in work.calls.values()})

# What this library has to reach: to bare pyzmq, to 0.6.5.
TARGETS = {
    'PUSH-PULL dict ipc': (0.95, 2.2),
    'PUSH-PULL dict tcp': (0.95, 2.2),
    'REQ-REP ipc': (0.97, 1.05),
    'REQ-REP tcp': (0.97, 1.05),
    'PUB-SUB topic, subscribers: 1': (0.9, 4),
    'PUB-SUB topic, subscribers: 4': (0.9, 2.2),
    'ASYNC_REP, 200 in flight': (None, 2),
    'array 8 MiB': (0.95, 2.4),
    'array 1 MiB': (0.9, 2.6),
    'array 8 MiB, read-only': (0.95, None),
    'array 1 MiB, read-only': (0.9, None),
    'proxy calls, safe': (None, 1.8),
    'proxy calls, unsafe': (None, 1),
    'start 50 agents, one after the other': (None, 0.25),
    'start 50 agents in a batch': (None, 0.15),
    'memory of an idle agent (PSS)': (None, 1),
    'shut 50 agents down': (None, 0.5),
    'PUSH-PULL dict ipc, send_many': (3, None),
}


def functions(script):
    """Return the functions of a contender's script with the names of their parameters."""
    tree = ast.parse((SCRIPTS / script).read_text(encoding='utf-8'))
    return {
        node.name: [argument.arg for argument in node.args.args]
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def test_every_number_has_a_name_of_its_own():
    assert len(METRICS) == sum(len(work.metrics) for work in WORKS)


def test_the_targets_are_those_that_were_set():
    found = {name: (metric.to_bare, metric.to_other) for name, metric in METRICS.items()}
    assert {name: targets for name, targets in found.items() if targets != (None, None)} == TARGETS


def test_timers_have_no_threads_of_their_own():
    assert METRICS['threads for 200 timers'].itself == 0


@pytest.mark.parametrize('name', [name for name, metric in METRICS.items() if metric.to_bare is not None])
def test_what_is_compared_with_bare_pyzmq_is_done_by_it(name):
    (work,) = (work for work in WORKS if METRICS[name] in work.metrics)
    assert Contender.BARE in work.calls


@pytest.mark.parametrize('work', WORKS, ids=[work.metrics[0].name for work in WORKS])
def test_this_library_takes_part_in_every_work(work):
    assert Contender.THIS in work.calls


@pytest.mark.parametrize('work', WORKS, ids=[work.metrics[0].name for work in WORKS])
def test_a_quick_run_does_less_of_the_same(work):
    assert work.quick.keys() == work.full.keys()
    assert all(work.quick[name] < work.full[name] for name in work.full)


@pytest.mark.parametrize('work', WORKS, ids=[work.metrics[0].name for work in WORKS])
def test_every_call_fits_the_function_that_it_names(work):
    for call in work.calls.values():
        parameters = functions(call.script)[call.function]
        assert {*call.options, *work.full} <= set(parameters)


@pytest.mark.parametrize('script, function', CALLS)
def test_every_script_lets_itself_be_asked_for_its_function(script, function):
    (last,) = ast.parse((SCRIPTS / script).read_text(encoding='utf-8')).body[-1:]
    assert function in {node.id for node in ast.walk(last) if isinstance(node, ast.Name)} | {
        node.value for node in ast.walk(last) if isinstance(node, ast.Constant)
    }


@pytest.mark.parametrize('path', sorted(SCRIPTS.glob('*.py')), ids=lambda path: path.name)
def test_contenders_can_be_read_by_the_oldest_interpreter(path: Path):
    ast.parse(path.read_text(encoding='utf-8'), feature_version=(3, 8))


def test_the_ceiling_does_without_osbrain():
    assert 'osbrain' not in (SCRIPTS / 'bare.py').read_text(encoding='utf-8')


@pytest.mark.parametrize('name', ['latency at 10,000/s p50', 'shut 50 agents down', '1,000 timers: lateness p99'])
def test_less_is_better_of_what_is_waited_for_or_used_up(name):
    assert METRICS[name].better is Better.LOWER


# -- Choosing works ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    'pattern, chosen',
    [
        ('REQ-REP ipc', True),
        ('req-rep', True),
        ('REQ*', True),
        ('*ipc', True),
        ('req?rep ip[cd]', True),
        ('tcp', False),
        ('REP*REQ', False),
    ],
)
def test_a_pattern_is_a_part_of_a_name_or_a_glob(pattern, chosen):
    assert matches('REQ-REP ipc', pattern) is chosen


def test_without_a_pattern_everything_is_chosen():
    assert select([]) == list(WORKS)


def test_each_pattern_adds_what_it_names_in_the_order_of_the_table():
    names = [work.metrics[0].name for work in select(['REQ-REP tcp', 'SYNC_PUB'])]
    assert names == ['SYNC_PUB topic, subscribers: 1', 'REQ-REP tcp']


def test_a_work_is_chosen_by_any_of_its_numbers():
    (work,) = select(['PSS'])
    assert [metric.key for metric in work.metrics] == ['start', 'pss', 'pss_with_helpers', 'shutdown']


def test_what_is_not_there_is_not_chosen():
    assert select(['perpetual motion']) == []
