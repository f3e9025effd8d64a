"""Before any agent is started it is known who sends what, or what is wrong."""

import pytest

from osbrain.errors import OptionInvalid, RecordingInvalid
from osbrain.recording import Recording
from osbrain.recording.observation import Source
from osbrain.recording.planning import planned

BARS = Source('feed', 'bars', 'PUB', 'json')
RECEIPTS = Source('feed', 'receipts', 'PULL', 'pickle')
TRADES = Source('floor', 'trades', 'PUSH', 'raw')
APPROVAL = Source('risk', 'approval', 'REP', 'pickle')


@pytest.fixture
def day(recorded, observation):
    """A recording of two agents that send, and one that answers."""
    return Recording(
        recorded(
            observation(0, b'?', APPROVAL, b'', direction='in', what='request'),
            observation(1, 1, BARS),
            observation(2, b'!', RECEIPTS, b'', direction='in'),
            observation(3, b'.', TRADES, b''),
            observation(4, b'!', APPROVAL, b'', direction='out', what='reply'),
        )
    )


def plan(recording, sources=(), names=None, speed=1.0, in_step=0.0):
    return planned(recording, sources, names or {}, speed, in_step)


def test_each_agent_that_has_sent_something_has_its_part(day):
    made = plan(day, speed=2.0, in_step=3.0)
    assert set(made.parts) == {'feed', 'floor'}
    feed = made.parts['feed']
    assert feed.sockets == {'bars': ('PUB', 'json'), 'receipts': ('PULL', 'pickle')}
    assert (feed.agent, feed.path, feed.speed, feed.in_step) == ('feed', str(day.path), 2.0, 3.0)
    assert made.parts['floor'].sockets == {'trades': ('PUSH', 'raw')}


def test_time_begins_with_the_first_message_that_is_sent_again(day):
    for part in plan(day).parts.values():
        assert part.origin == pytest.approx(1_700_000_000.1, abs=1e-6)


def test_what_others_have_asked_is_left_out_and_told(day):
    assert plan(day).left_out == ('risk:approval (REP)',)
    assert plan(day, [('feed', 'bars')]).left_out == ()


def test_some_sockets_can_be_chosen_and_agents_called_otherwise(day):
    made = plan(day, [('feed', 'bars')], {'feed': 'feed2'})
    assert list(made.parts) == ['feed2']
    assert (made.parts['feed2'].agent, list(made.parts['feed2'].sockets)) == ('feed', ['bars'])


@pytest.mark.parametrize(
    'sources, names',
    [([('feed', 'trades')], {}), ([('nobody', 'bars')], {}), ([], {'nobody': 'somebody'}), ([], {'feed': 'floor'})],
)
def test_what_was_not_recorded_and_names_that_are_not_different_are_mistakes(day, sources, names):
    with pytest.raises(OptionInvalid):
        plan(day, sources, names)


@pytest.mark.parametrize('source', [('risk', 'approval'), ('feed', 'receipts')])
def test_where_nothing_was_sent_there_is_nothing_to_be_sent_again(day, source):
    with pytest.raises(RecordingInvalid, match='there is nothing to be sent again'):
        plan(day, [source])


def test_a_socket_that_became_another_cannot_be_had_again(recorded, observation):
    day = Recording(recorded(observation(0, 1, BARS), observation(1, 1, BARS._replace(serializer='pickle'))))
    with pytest.raises(RecordingInvalid, match='feed:bars was PUB with json and later PUB with pickle'):
        plan(day)


def test_what_can_be_planned_of_a_recording_without_an_end_is(path, day, recorded):
    path.write_bytes(path.read_bytes()[:-40])
    cut = Recording(path)
    assert cut.trouble
    assert set(plan(cut).parts) == {'feed', 'floor'}
