"""Monitors: births and deaths by name, told in the agent's loop; the name server is a script."""

import pytest

from osbrain import AgentEvent
from osbrain._agent.core import core_of
from osbrain._agent.monitors import NOBODY, Monitors
from osbrain.errors import HandlerInvalid, NameInvalid, OptionInvalid, UnknownMethod


class Watch:
    def __init__(self, callback, present):
        self.callback, self.present = callback, frozenset(present)
        self.stopped = 0

    def stop(self):
        self.stopped += 1


class Lifeline:
    def __init__(self):
        self.present = {'here'}
        self.watches = []

    def watch(self, callback):
        self.watches.append(Watch(callback, self.present))
        return self.watches[-1]


class Host:
    """In place of the core: what is to run in the loop is run by hand."""

    def __init__(self, lifeline):
        self.name, self.agent, self.lifeline, self.running, self.monitors = 'a0', self, lifeline, True, None
        self.heard = []
        self.jobs = []

    def on_event(self, event):
        self.heard.append((event.kind, event.name, event.reason))

    def start_wait(self, seconds, action):
        assert seconds == 0
        self.jobs.append(action)

    def loop(self):
        while self.jobs:
            self.jobs.pop(0)()
        heard, self.heard = self.heard, []
        return heard


@pytest.fixture
def lifeline():
    return Lifeline()


@pytest.fixture
def host(lifeline):
    return Host(lifeline)


@pytest.fixture
def monitors(host):
    return Monitors(host)


def happen(lifeline, kind, name, reason=None):
    for watch in lifeline.watches:
        if not watch.stopped:
            watch.callback(AgentEvent(1, kind, name, 'uri', reason))


def test_births_and_deaths_of_that_name_are_told_in_the_loop(monitors, host, lifeline):
    monitors.add('here', 'on_event')
    for kind, name in [('death', 'here'), ('birth', 'other'), ('birth', 'here'), ('running', 'here')]:
        happen(lifeline, kind, name, 'why')
    assert host.heard == []
    assert host.loop() == [('death', 'here', 'why'), ('birth', 'here', 'why')]


@pytest.mark.parametrize('form', ['name', 'method', 'function'])
def test_a_handler_may_have_any_form(monitors, host, lifeline, form):
    handler = {'name': 'on_event', 'method': host.on_event, 'function': lambda agent, event: agent.on_event(event)}[
        form
    ]
    monitors.add('here', handler)
    happen(lifeline, 'death', 'here')
    assert host.loop() == [('death', 'here', None)]


def test_a_name_that_nobody_has_dies_at_once(monitors, host, lifeline):
    monitors.add('nobody', 'on_event')
    assert host.loop() == [('death', 'nobody', NOBODY)]
    happen(lifeline, 'birth', 'nobody')
    monitors.add('nobody', 'on_event')
    assert host.loop() == [('birth', 'nobody', None)]
    happen(lifeline, 'death', 'nobody')
    monitors.add('nobody', 'on_event')
    assert host.loop()[-1] == ('death', 'nobody', NOBODY)


def test_all_monitors_share_one_watch_which_ends_with_the_last(monitors, lifeline):
    first, second = monitors.add('here', 'on_event'), monitors.add('here', 'on_event')
    assert len(lifeline.watches) == 1
    monitors.remove(first)
    assert lifeline.watches[0].stopped == 0
    monitors.remove(second)
    monitors.remove(second)
    assert lifeline.watches[0].stopped == 1
    monitors.add('here', 'on_event')
    assert len(lifeline.watches) == 2


def test_what_was_on_its_way_when_a_monitor_was_removed_is_not_told(monitors, host, lifeline):
    reference = monitors.add('here', 'on_event')
    happen(lifeline, 'death', 'here')
    monitors.remove(reference)
    assert host.loop() == []


def test_monitors_of_on_init_begin_with_the_loop(monitors, host, lifeline):
    host.lifeline, host.running = None, False
    monitors.add('here', 'on_event')
    monitors.add('nobody', 'on_event')
    assert host.loop() == []
    host.lifeline, host.running = lifeline, True
    monitors.begin()
    monitors.begin()
    assert host.loop() == [('death', 'nobody', NOBODY)]
    assert len(lifeline.watches) == 1


def test_the_end_of_the_agent_ends_the_watch(monitors, lifeline):
    monitors.end()
    monitors.add('here', 'on_event')
    monitors.end()
    assert lifeline.watches[0].stopped == 1


def test_an_agent_that_no_name_server_knows_cannot_monitor(monitors, host):
    host.lifeline = None
    with pytest.raises(OptionInvalid, match='that a name server knows'):
        monitors.add('here', 'on_event')
    host.running = False
    monitors.add('here', 'on_event')
    host.running = True
    with pytest.raises(OptionInvalid, match='that a name server knows'):
        monitors.begin()


@pytest.mark.parametrize('name', ['', None, 7, b'a'])
def test_what_cannot_be_a_name_is_refused(monitors, name):
    with pytest.raises(NameInvalid):
        monitors.add(name, 'on_event')


@pytest.mark.parametrize(
    'handler, error',
    [('typo', UnknownMethod), (7, HandlerInvalid), (lambda agent: None, HandlerInvalid), (None, HandlerInvalid)],
)
def test_a_handler_that_cannot_be_one_is_refused(monitors, lifeline, handler, error):
    with pytest.raises(error):
        monitors.add('here', handler)
    assert lifeline.watches == []


@pytest.mark.parametrize('reference', [0, 2, -1, True, 'x', None])
def test_a_reference_that_was_never_given_is_refused(monitors, reference):
    monitors.add('here', 'on_event')
    with pytest.raises(OptionInvalid, match=r'what monitor\(\) returned'):
        monitors.remove(reference)


def test_an_agent_has_no_monitors_until_it_wants_any(new_agent):
    agent = new_agent()
    assert core_of(agent).monitors is None
    agent.demonitor(agent.monitor('somebody', lambda agent, event: None))
    assert core_of(agent).monitors is not None
