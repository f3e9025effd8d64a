"""Somebody looks at the system while somebody looks at the page, and only then."""

import asyncio
import threading

import pytest

from osbrain.dashboard.observer import Observer
from tests.dashboard.made_up import MadeUp, agent

LONG = 30.0


async def until(condition):
    for _ in range(int(LONG / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError('it did not come to that')


@pytest.fixture
def system():
    return MadeUp({'feed': agent()})


@pytest.fixture
def observer(system):
    observer = Observer(system, 0.02)
    yield observer
    observer.close()


def test_nobody_is_asked_while_nobody_looks(system, observer):
    async def look():
        with observer.listening() as listener:
            await listener.next(LONG)

    assert system.looks == 0
    asyncio.run(look())
    rested = threading.Event()
    system.rest = rested.set
    asyncio.run(look())
    assert rested.wait(LONG)
    looks = system.looks
    assert not threading.Event().wait(0.4)
    assert system.looks == looks


def test_each_page_is_told_everything_first(observer):
    async def look():
        with observer.listening() as one:
            first = await one.next(LONG)
            with observer.listening() as other:
                return first, await other.next(LONG)

    first, other = asyncio.run(look())
    assert first['agents'].keys() == other['agents'].keys() == {'feed'}


def test_who_was_slow_gets_several_changes_as_one(system, observer):
    async def look():
        with observer.listening() as listener:
            await listener.next(LONG)
            system.agents['feed']['sent'] = 1
            system.agents['broker'] = agent()
            before = system.looks
            await until(lambda: system.looks >= before + 2)
            return await listener.next(LONG)

    changed = asyncio.run(look())
    assert changed['agents']['feed'] == {'sent': 1}
    assert changed['agents']['broker']['state'] == 'running'


def test_where_nothing_happens_a_page_hears_that_the_server_is_there():
    system = MadeUp()
    observer = Observer(system, LONG)

    async def look():
        with observer.listening() as listener:
            await listener.next(LONG)
            return await listener.next(0.1)

    assert asyncio.run(look()) == {}
    observer.close()


def test_who_waits_is_let_go_when_the_server_ends(system):
    observer = Observer(system, LONG)

    async def look():
        with observer.listening() as listener:
            await listener.next(LONG)
            threading.Timer(0.05, observer.close).start()
            while True:
                if await listener.next(LONG) is None:
                    return 'let go'

    assert asyncio.run(asyncio.wait_for(look(), LONG)) == 'let go'


def test_what_happens_is_seen_at_once(system):
    observer = Observer(system, LONG)

    async def look():
        with observer.listening() as listener:
            await listener.next(LONG)
            # The second look comes by itself, as rates need two.
            await until(lambda: system.looks >= 2)
            system.agents['feed']['state'] = 'dead'
            observer.hurry()
            while True:
                changed = await listener.next(LONG)
                if changed:
                    return changed

    assert asyncio.run(asyncio.wait_for(look(), LONG)) == {'agents': {'feed': {'state': 'dead'}}}
    observer.close()
