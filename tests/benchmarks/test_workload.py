"""What all contenders share."""

import itertools
import json
import time

import pytest


@pytest.fixture
def workload(contenders):
    import workload

    return workload


def test_small_messages_are_equal_and_never_the_same(workload):
    assert workload.price(3) == workload.price(3)
    assert workload.price(3) is not workload.price(3)
    assert workload.price(3)['n'] == 3


@pytest.mark.parametrize('count', [2, 3, 100])
def test_raw_messages_have_64_bytes_and_known_ends(workload, count):
    messages = list(workload.raw_messages(count))
    assert len(messages) == count
    assert {len(message) for message in messages} == {64}
    assert (messages[0], messages[-1]) == (workload.FIRST_RAW, workload.LAST_RAW)
    assert set(messages[1:-1]) <= {workload.RAW}


@pytest.mark.parametrize('frozen', [False, True])
def test_an_array_has_its_size_and_may_be_frozen(workload, frozen):
    pytest.importorskip('numpy')
    made = workload.array(1, frozen)
    assert (made.nbytes, str(made.dtype), made.flags.writeable) == (1024 * 1024, 'float64', not frozen)


@pytest.mark.parametrize('mebibytes, count', [(8, 25), (1, 200), (1, 1), (100, 1)])
def test_arrays_come_in_bursts_that_fit_the_window(workload, mebibytes, count):
    burst, bursts = workload.array_bursts(mebibytes, count)
    warm = workload.warm_bursts(burst)
    assert burst == 1 or burst * mebibytes * 2 <= 64
    assert warm * burst >= 8
    assert (bursts - warm) * burst >= count


def test_a_pace_is_kept(workload):
    start = time.perf_counter()
    times = [time.perf_counter() - start for _ in workload.pace(1000, 20)]
    assert times[-1] >= 0.019
    assert all(later >= earlier for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize('share, value', [(0, 0), (0.5, 50), (0.99, 99), (0.999, 99), (1, 99)])
def test_a_quantile_has_its_share_below_it(workload, share, value):
    assert workload.quantile(list(range(100)), share) == value


def test_latencies_are_told_in_microseconds(workload):
    found = workload.latencies([n * 1000 for n in reversed(range(1000))])
    assert found == {'p50': 500, 'p99': 990, 'p999': 999}


@pytest.mark.parametrize(
    'text, expected', [('count=10', ('count', 10)), ('transport=ipc', ('transport', 'ipc')), ('n=-1', ('n', -1))]
)
def test_options_are_numbers_where_they_can_be(workload, text, expected):
    assert workload.option(text) == expected


def test_the_result_is_the_last_line(workload, capsys):
    print('without an end', end='')
    workload.main({'double': lambda count: {'value': 2 * count}}, ['double', 'count=4'])
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {'value': 8}


def test_what_a_release_cannot_do_is_told_as_a_result(workload, capsys):
    def work():
        raise workload.Unavailable('no send_many')

    workload.main({'work': work}, ['work'])
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {'unavailable': 'no send_many'}
