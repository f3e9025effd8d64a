"""Whether a child that ended is started again."""

import pytest

from osbrain._supervision.restarts import End, Restart, checked_restart, starts_again
from osbrain.errors import OptionInvalid


@pytest.mark.parametrize(
    'restart, normal, abnormal',
    [('permanent', True, True), ('transient', False, True), ('temporary', False, False)],
)
def test_the_kind_and_the_end_decide(restart, normal, abnormal):
    assert starts_again(Restart(restart), End.NORMAL) is normal
    assert starts_again(Restart(restart), End.ABNORMAL) is abnormal


@pytest.mark.parametrize('restart', Restart)
def test_what_was_meant_to_end_stays_ended(restart):
    assert not starts_again(restart, End.ORDERED)
    assert checked_restart(restart.value) is restart


@pytest.mark.parametrize('restart', Restart)
def test_what_was_meant_to_come_back_does_whatever_its_kind_is(restart):
    assert starts_again(restart, End.PLANNED)


@pytest.mark.parametrize('value', ['always', '', None, True, {}])
def test_another_kind_is_refused_with_those_there_are(value):
    with pytest.raises(OptionInvalid) as caught:
        checked_restart(value)
    assert str(caught.value) == f'restart must be one of permanent, transient, temporary, not {value!r}'
