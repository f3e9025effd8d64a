"""What is measured of streams agrees with what it would be if everything were kept."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osbrain.cli.figures import Meter, Spread
from osbrain.cli.measuring import in_bytes, in_numbers, milliseconds
from osbrain.recording.observation import Observation, Source

SOURCE = Source('feed', 'prices', 'PUB', 'json')
NUMBERS = st.floats(-1e6, 1e6)


def observation(when, arrived=0.0, size=10):
    return Observation(SOURCE, 1, 'out', when, arrived, b'', 'message', b'', size)


@given(st.lists(NUMBERS, min_size=1))
def test_a_spread_is_that_of_all_values(values):
    spread = Spread()
    for value in values:
        spread.add(value)
    assert (spread.count, spread.least, spread.most) == (len(values), min(values), max(values))
    assert spread.mean == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert spread.deviation == pytest.approx(statistics.pstdev(values), rel=1e-6, abs=1e-3)


def test_of_nothing_there_is_no_average():
    spread = Spread()
    assert spread.count == 0
    assert not any(map(math.isfinite, (spread.mean, spread.least, spread.most, spread.deviation)))


def test_a_meter_measures_a_while_at_a_time():
    meter = Meter()
    for number in range(5):
        meter.add(observation(100 + number / 10, 100.25 + number / 10, 100))
    figures = meter.read(0.5)
    assert (figures.messages, figures.total, figures.rate, figures.bandwidth) == (5, 5, 10.0, 1000.0)
    assert figures.gaps.count == 4
    assert figures.gaps.mean == pytest.approx(0.1)
    assert figures.delays.mean == pytest.approx(0.25)
    meter.add(observation(101.4))
    later = meter.read(2.0)
    assert (later.messages, later.total, later.rate) == (1, 6, 0.5)
    assert later.gaps.mean == pytest.approx(1.0)


def test_a_silent_stream_has_a_rate_of_0():
    figures = Meter().read(1.0)
    assert (figures.rate, figures.bandwidth, figures.total) == (0.0, 0.0, 0)
    assert Meter().read(0.0).rate == 0.0


@pytest.mark.parametrize('value, text', [
    (0, '0 B'), (1023, '1,023 B'), (1024, '1.0 KiB'), (1536, '1.5 KiB'), (5 << 20, '5.0 MiB'), (3 << 40, '3,072.0 GiB'),
])  # fmt: skip
def test_bytes_are_written_as_people_read_them(value, text):
    assert in_bytes(value) == text


def test_times_and_numbers_are_written_as_people_read_them():
    assert milliseconds(1.23456) == '1,234.560 ms'
    assert in_numbers(12345.67) == '12,345.7'
