"""The same is not said of the same peer again and again."""

from osbrain._security import refusals
from osbrain._security.refusals import OnceAMinute


def test_the_same_is_said_once_a_minute(monkeypatch):
    now = 0.0
    monkeypatch.setattr(refusals, 'monotonic', lambda: now)
    once = OnceAMinute()
    said = [('10.0.0.7', 'refused'), ('10.0.0.8', 'refused'), ('10.0.0.7', 'too late')] * 2
    assert [once.lets_through(*one) for one in said] == [True] * 3 + [False] * 3
    now = 59.9
    assert not once.lets_through(*said[0])
    now = 60.0
    assert once.lets_through(*said[0])


def test_many_strangers_take_no_more_memory_than_a_thousand():
    once = OnceAMinute()
    for number in range(10_000):
        assert once.lets_through(str(number), 'refused')
    assert len(once._said) == 1024
