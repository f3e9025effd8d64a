"""The parts of the page's scripts that work things out, tried in a browser."""

import random

import pytest

from osbrain.dashboard.patches import merge_patch
from tests.dashboard.browsing import browsing, visit
from tests.dashboard.conftest import served
from tests.dashboard.made_up import MadeUp, agent

ROOM = {'width': 1200, 'height': 500}


@pytest.fixture
def page():
    with served(MadeUp({'a': agent()})) as link, browsing() as page:
        visit(page, link)
        yield page


def run(page, module, function, *args):
    return page.evaluate(f'async (args) => (await import("/static/js/{module}.js")).{function}(...args)', list(args))


def lay_out(page, names, pairs):
    nodes = [{'id': name, 'width': 170, 'height': 50} for name in names]
    links = [{'id': f'{a}-{b}', 'from': a, 'to': b} for a, b in pairs]
    work = 'const found = (await import("/static/js/layout.js")).layOut(nodes, links, room);'
    give = 'return [Object.fromEntries(found.places), Object.fromEntries(found.routes), found.width, found.height];'
    places, routes, width, height = page.evaluate(
        f'async ([nodes, links, room]) => {{ {work} {give} }}', [nodes, links, ROOM]
    )
    assert places.keys() == set(names)
    assert routes.keys() == {link['id'] for link in links}
    for at in places.values():
        assert 85 - 1e-6 <= at['x'] <= width - 85 + 1e-6
        assert 25 - 1e-6 <= at['y'] <= height - 25 + 1e-6
    return places, routes


def overlapping(places):
    found = [(name, at['x'], at['y']) for name, at in places.items()]
    return [
        (one, other)
        for index, (one, x, y) in enumerate(found)
        for other, u, v in found[:index]
        if abs(x - u) < 170 - 1e-6 and abs(y - v) < 50 - 1e-6
    ]


def test_nobody_stands_on_anybody_whoever_is_connected_to_whom(page):
    chance = random.Random(3)
    for number in (1, 2, 5, 20, 60, 150):
        names = [f'n{index}' for index in range(number)]
        for density in (0, 0.5, 2):
            pairs = {tuple(sorted(chance.sample(names, 2))) for _ in range(int(number * density)) if number > 1}
            # In any direction, so that there are circles.
            places, _ = lay_out(page, names, [pair if chance.random() < 0.5 else pair[::-1] for pair in sorted(pairs)])
            assert overlapping(places) == []


def test_messages_flow_from_left_to_right(page):
    places, routes = lay_out(page, 'abcd', ['ab', 'bc', 'cd', 'ad'])
    assert places['a']['x'] < places['b']['x'] < places['c']['x'] < places['d']['x']
    assert all(route['forward'] for route in routes.values())


def test_in_a_circle_one_goes_back(page):
    _, routes = lay_out(page, 'abc', ['ab', 'bc', 'ca'])
    assert sorted(route['forward'] for route in routes.values()) == [False, True, True]


def test_a_hundred_workers_are_a_block_and_no_tower(page):
    workers = [f'w{number}' for number in range(100)]
    places, _ = lay_out(page, ['feed', *workers], [('feed', worker) for worker in workers])
    assert overlapping(places) == []
    assert len({round(places[worker]['x']) for worker in workers}) > 3


def test_patches_are_merged_as_they_were_made(page):
    chance = random.Random(5)

    def value(depth):
        if depth == 0 or chance.random() < 0.3:
            return chance.choice([1, 'x', True, [1, 2], 0, ''])
        return {chance.choice('abcd'): value(depth - 1) for _ in range(3)}

    for _ in range(40):
        before, after = ({name: value(3) for name in chance.sample('abcd', 3)} for _ in range(2))
        assert run(page, 'store', 'merge', before, merge_patch(before, after)) == after


@pytest.mark.parametrize(
    'function, value, shown',
    [
        ('rate', 0, '0'), ('rate', 0.001, '<0.01'), ('rate', 0.05, '0.05'), ('rate', 2.25, '2.3'),
        ('rate', 42.5, '42.5'), ('rate', 999, '999'), ('rate', 1000, '1k'), ('rate', 1234, '1.2k'),
        ('rate', 999_999, '1M'),
        ('bytes', 0, '0 B'), ('bytes', 1023, '1023 B'), ('bytes', 1024, '1 KiB'), ('bytes', 40_000_000, '38.1 MiB'),
        ('took', 0.000016, '16 µs'), ('took', 0.0015, '1.5 ms'), ('took', 2.0, '2 s'), ('lasted', 59, '59 s'),
        ('lasted', 3 * 3600 + 120, '3 h 2 min'), ('lasted', 90_000, '1 d 1 h'), ('percent', 0.123, '12.3 %'),
        ('className', 'a.b.C', 'C'),
    ],
)  # fmt: skip
def test_numbers_are_written_as_people_read_them(function, value, shown, numbers):
    assert run(numbers, 'format', function, value) == shown


@pytest.fixture(scope='module')
def numbers():
    with served(MadeUp({'a': agent()})) as link, browsing() as page:
        visit(page, link)
        yield page
