"""Numbers as people read them."""

import pytest

from osbrain.cli.units import count, duration, share, volume


@pytest.mark.parametrize(
    'number, text',
    [
        (0, '0'),
        (0.0001, '0.01'),
        (0.25, '0.25'),
        (7, '7'),
        (7.5, '7.50'),
        (9.996, '10.0'),
        (12.34, '12.3'),
        (99.96, '100'),
        (123.4, '123'),
        (999.4, '999'),
        (999.5, '1.00k'),
        (12345, '12.3k'),
        (1_000_000, '1M'),
        (2.5e9, '2.50G'),
        (3e12, '3T'),
        (4e15, '4000T'),
    ],
)
def test_a_number_has_three_digits(number, text):
    assert count(number) == text


@pytest.mark.parametrize(
    'number, text',
    [(0, '0 B'), (512, '512 B'), (1023.6, '1.00 KiB'), (1536, '1.50 KiB'), (30826496, '29.4 MiB'), (2**50, '1024 TiB')],
)
def test_bytes_have_a_unit(number, text):
    assert volume(number) == text


@pytest.mark.parametrize(
    'seconds, text',
    [
        (0, '0 s'),
        (2.5e-7, '0.25 us'),
        (0.00025, '250 us'),
        (0.0015, '1.50 ms'),
        (0.9996, '1.00 s'),
        (12.34, '12.3 s'),
        (-0.5, '-500 ms'),
        (60, '1 m 00 s'),
        (125, '2 m 05 s'),
        (3600, '1 h 00 m'),
        (11_530, '3 h 12 m'),
        (86_400, '1 d 0 h'),
        (5 * 86_400 + 2 * 3600 + 59, '5 d 2 h'),
    ],
)
def test_a_duration_has_the_unit_that_fits(seconds, text):
    assert duration(seconds) == text


def test_a_share_is_a_percentage():
    assert (share(0), share(0.125), share(2)) == ('0.0 %', '12.5 %', '200.0 %')
