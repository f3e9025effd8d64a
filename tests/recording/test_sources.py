"""What to record or replay is named as people write it."""

import pytest

from osbrain.errors import OptionInvalid
from osbrain.recording.sources import parsed


@pytest.mark.parametrize(
    'source, name, alias',
    [('feed:bars', 'feed', 'bars'), ('feed.NYSE:bars', 'feed.NYSE', 'bars'), (('a:b', 'c:d'), 'a:b', 'c:d')],
)
def test_a_source_is_an_agent_and_how_it_calls_a_socket(source, name, alias):
    assert parsed(source) == (name, alias)


@pytest.mark.parametrize('source', ['feed', 'feed:', ':bars', '', 'a:b:c', ('feed', '')])
def test_what_could_mean_something_else_is_a_mistake(source):
    with pytest.raises(OptionInvalid, match='NAME:ALIAS'):
        parsed(source)
