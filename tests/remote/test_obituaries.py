"""Obituaries: the latest are kept, and those who died suddenly are named once."""

from osbrain._remote.obituaries import Obituaries, Obituary


def obituary(name, sudden=True):
    return Obituary(name, f'PYRO:{name}@x:1', 7, 'Agent', 0.0, 'killed by SIGKILL', sudden)


def test_the_oldest_is_forgotten():
    kept = Obituaries(kept=2)
    for name in 'abc':
        kept.add(obituary(name))
    assert kept.of('PYRO:a@x:1') is None
    assert kept.of('PYRO:c@x:1') == obituary('c')
    assert kept.take_sudden() == ['b', 'c']


def test_who_said_goodbye_did_not_die_suddenly():
    kept = Obituaries()
    kept.add(obituary('a', sudden=False))
    assert kept.take_sudden() == []


def test_a_name_that_somebody_has_again_is_not_named():
    kept = Obituaries()
    kept.add(obituary('a'))
    kept.lives_again('a')
    assert kept.take_sudden() == []
    assert kept.of('PYRO:a@x:1') is not None
