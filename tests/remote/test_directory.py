"""The address book: who has a name, how each of them is, and who has gone."""

import os
import socket
import threading

import Pyro4.errors
import pytest
from Pyro4.constants import NAMESERVER_NAME

from osbrain._pids import started
from osbrain._remote.directory import Directory
from osbrain._remote.errors import NameTaken, ShutDownMeanwhile, UnknownName
from osbrain._remote.status import AgentStatus, Succession, here

URI = 'PYRO:a@127.0.0.1:1000'
OTHER = 'PYRO:b@127.0.0.1:2000'
LIMIT = 5


def record(name='a0', uri=URI, **fields):
    fields = {'pid': os.getpid(), 'pid_started': started(os.getpid()), 'host': socket.gethostname(), **fields}
    return AgentStatus(name, uri, **fields)


def dead(name='a0', uri=URI):
    """An agent whose process has ended: this one's number, but started at another time."""
    return record(name, uri, pid_started=1)


@pytest.fixture
def directory():
    return Directory()


def test_an_enrolled_agent_has_a_name_an_address_and_a_state(directory):
    directory.enroll(record())
    assert directory.agents() == ['a0']
    assert directory.lookup('a0').asString() == URI
    assert directory.list() == {'a0': URI}
    status = directory.status()['a0']
    assert (status.name, status.uri, status.state, status.reason) == ('a0', URI, 'starting', None)
    assert status.since > 0


def test_a_name_is_given_once(directory):
    directory.enroll(record())
    with pytest.raises(NameTaken, match='name already registered: a0') as caught:
        directory.enroll(record(uri=OTHER))
    assert isinstance(caught.value, Pyro4.errors.NamingError)
    assert directory.lookup('a0').asString() == URI


def test_who_takes_the_place_of_another_has_its_name_at_once(directory):
    directory.enroll(record())
    directory.report('a0', URI, 7, 'running', None)
    directory.enroll(record(uri=OTHER), Succession(URI, 0))
    assert directory.lookup('a0').asString() == OTHER and directory.status()['a0'].state == 'starting'
    directory.report('a0', OTHER, 1, 'running', None)
    assert directory.status()['a0'].state == 'running'


def test_the_place_of_somebody_else_is_not_taken(directory):
    directory.enroll(record(uri=OTHER))
    with pytest.raises(NameTaken):
        directory.enroll(record(uri='PYRO:c@127.0.0.1:3000'), Succession(URI, 0))
    assert directory.lookup('a0').asString() == OTHER


def test_who_comes_when_all_were_told_to_end_is_not_wanted_any_more(directory):
    assert directory.enroll(record()).shutdowns == 0
    directory.count_shutdown()
    with pytest.raises(ShutDownMeanwhile, match="'a0' is not started again: all agents were shut down"):
        directory.enroll(record(uri=OTHER), Succession(URI, 0))
    assert directory.agents() == []
    assert directory.enroll(record(uri=OTHER)).shutdowns == 1
    assert directory.enroll(record(), Succession(OTHER, 1)).shutdowns == 1


def test_a_name_server_that_has_begun_anew_counts_anew(directory):
    assert directory.enroll(record(), Succession(OTHER, 3)).shutdowns == 0


def test_a_name_that_is_about_to_be_free_is_waited_for(directory):
    directory.enroll(record())
    thread = threading.Timer(0.05, directory.remove, ['a0'])
    thread.start()
    assert directory.enroll(record(uri=OTHER), Succession(patience=LIMIT)).shutdowns == 0
    thread.join()
    assert directory.lookup('a0').asString() == OTHER


def test_a_name_that_a_dead_process_has_is_free(directory):
    directory.enroll(dead())
    directory.enroll(record(uri=OTHER), Succession(patience=LIMIT))
    with pytest.raises(NameTaken):
        directory.enroll(record(), Succession(patience=0.01))


def test_an_unknown_name_is_an_error_that_names_it(directory):
    with pytest.raises(UnknownName, match='unknown name: typo') as caught:
        directory.lookup('typo')
    assert isinstance(caught.value, Pyro4.errors.NamingError)


def test_the_name_server_itself_is_listed_but_is_no_agent(directory):
    directory.register(NAMESERVER_NAME, OTHER)
    directory.enroll(record())
    assert set(directory.list()) == {NAMESERVER_NAME, 'a0'}
    assert directory.agents() == ['a0']
    assert list(directory.status()) == ['a0']


def test_a_name_registered_by_hand_is_an_agent_of_which_little_is_known(directory):
    directory.register('by hand', URI)
    status = directory.status()['by hand']
    assert (status.uri, status.pid, status.state) == (URI, 0, 'starting')
    assert directory.reap() == []


def test_the_latest_report_counts_and_those_it_overtook_do_not(directory):
    directory.enroll(record())
    directory.report('a0', URI, 2, 'stopped', 'it crashed')
    directory.report('a0', URI, 1, 'running', None)
    status = directory.status()['a0']
    assert (status.state, status.reason) == ('stopped', 'it crashed')
    directory.report('a0', URI, 3, 'running', None)
    assert directory.status()['a0'].state == 'running'


def test_reports_of_somebody_else_who_had_the_name_are_ignored(directory):
    directory.enroll(record())
    directory.report('a0', OTHER, 9, 'stopped', 'old')
    directory.report('nobody', URI, 1, 'running', None)
    assert directory.status()['a0'].state == 'starting'


def test_the_next_agent_of_a_name_begins_its_reports_anew(directory):
    directory.enroll(record())
    directory.report('a0', URI, 7, 'running', None)
    directory.remove('a0')
    directory.enroll(record(uri=OTHER))
    directory.report('a0', OTHER, 1, 'running', None)
    assert directory.status()['a0'].state == 'running'


def test_removing_says_how_many_went(directory):
    for name in ('a0', 'a1', 'b0'):
        directory.enroll(record(name))
    assert directory.remove('typo') == 0
    assert directory.remove(prefix='a') == 2
    assert list(directory.status()) == directory.agents() == ['b0']
    assert directory.remove(regex='b.*') == 1
    assert directory.status() == {}


def test_an_agent_that_leaves_takes_its_own_name_only(directory):
    directory.enroll(record())
    assert directory.remove_at('a0', OTHER) == 0
    assert directory.remove_at('typo', URI) == 0
    assert directory.agents() == ['a0']
    assert directory.remove_at('a0', URI) == 1
    assert directory.agents() == []


def test_an_agent_whose_process_has_ended_is_gone_and_keeps_the_reason(directory):
    directory.enroll(dead())
    directory.enroll(dead('a1', OTHER))
    directory.report('a1', OTHER, 1, 'stopped', 'it crashed')
    status = directory.status()
    assert (status['a0'].state, status['a0'].reason) == ('gone', 'its process has ended')
    assert (status['a1'].state, status['a1'].reason) == ('gone', 'it crashed')


def test_reaping_removes_those_that_are_gone_and_no_others(directory):
    directory.enroll(dead())
    directory.enroll(record('a1', OTHER))
    directory.enroll(record('elsewhere', OTHER, host='another machine', pid_started=1))
    assert directory.reap() == ['a0']
    assert directory.agents() == ['a1', 'elsewhere']
    assert directory.reap() == []


def test_reaping_spares_the_next_agent_of_the_name(directory, monkeypatch):
    directory.enroll(dead())
    seen = directory.status()
    # Another thread reaps it, and the name is taken anew, before this one gets to it.
    directory.remove('a0')
    directory.enroll(record(uri=OTHER))
    monkeypatch.setattr(directory, 'status', lambda: seen)
    directory.reap()
    assert directory.agents() == ['a0']


def test_only_processes_of_this_machine_can_be_looked_after():
    assert here(record())
    assert not here(record(host='another machine'))
    assert not here(record(pid=0))
    # Of a container's processes, say: the name server has told it to renew its lease.
    assert not here(record(lease=5.0))


def test_waiting_until_everybody_has_left_ends_with_the_last_one(directory):
    directory.enroll(record())
    directory.enroll(record('a1', OTHER))
    left = threading.Thread(target=lambda: [directory.remove(name) for name in ('a0', 'a1')])
    left.start()
    assert directory.wait_until_empty(LIMIT) == []
    left.join()


def test_waiting_until_everybody_has_left_has_a_limit_and_names_those_who_have_not(directory):
    assert directory.wait_until_empty(0) == []
    directory.enroll(record())
    assert directory.wait_until_empty(0.01) == ['a0']


def test_it_answers_a_ping(directory):
    assert directory.ping() == 'pong'


# -- Coming back, and the next of a name ------------------------------------------------------------------------------


def test_the_same_agent_may_enroll_again_and_is_as_before(directory):
    assert directory.enroll(record(since=12.0)).watched is True
    directory.report('a0', URI, 1, 'running', None)
    directory.enroll(record(since=12.0, state='running'))
    status = directory.status()['a0']
    assert (status.state, status.since) == ('running', 12.0)
    assert told(directory) == [('birth', None), ('running', None)]


def test_the_name_of_a_process_that_has_just_died_is_free_though_nobody_has_noticed_yet(directory):
    directory.enroll(dead())
    assert directory.taken(['a0', 'a1']) == []
    directory.enroll(dead())
    directory.enroll(record(uri=OTHER))
    assert directory.lookup('a0').asString() == OTHER
    assert directory.taken(['a0', 'a1']) == ['a0']
    assert directory.take_buried() == []


def test_who_cannot_be_seen_is_told_to_renew_its_lease(directory):
    assert directory.enroll(record(lease=5.0)).watched is True
    assert directory.status()['a0'].lease == 0
    assert directory.enroll(record('elsewhere', OTHER, host='another machine', lease=5.0)).watched is False
    assert directory.enroll(record('contained', OTHER, pid_started=1, lease=5.0)).watched is False
    assert directory.status()['contained'].state == 'starting'


def test_renewing_says_whether_the_agent_is_known(directory):
    directory.enroll(record())
    assert directory.renew('a0', URI) is True
    assert directory.renew('a0', OTHER) is False
    assert directory.renew('typo', URI) is False


# -- What has happened ------------------------------------------------------------------------------------------------


def told(directory, name='a0'):
    log = directory.events().log
    return [(event.kind, event.reason) for event in directory.events(log, 0).events if event.name == name]


def test_births_states_and_deaths_are_told_in_order_with_their_reasons(directory):
    directory.enroll(record())
    directory.report('a0', URI, 1, 'running', None)
    directory.report('a0', URI, 2, 'stopped', 'it crashed')
    directory.remove_at('a0', URI, 'it was killed')
    assert told(directory) == [
        ('birth', None),
        ('running', None),
        ('stopped', 'it crashed'),
        ('death', 'it was killed'),
    ]


@pytest.mark.parametrize(
    'end, reason',
    [
        (lambda directory: directory.remove_at('a0', URI), 'it was shut down'),
        (lambda directory: directory.remove('a0'), 'its name was removed'),
        (lambda directory: directory.register('a0', OTHER), 'its name was given to another'),
    ],
)
def test_every_way_to_lose_a_name_is_a_death_that_says_which(directory, end, reason):
    directory.enroll(record())
    end(directory)
    assert told(directory)[1] == ('death', reason)
    assert directory.whereabouts('a0', URI, 0)[1].how == reason


def test_the_obituary_of_one_that_died_says_what_had_gone_before(directory):
    directory.enroll(dead())
    directory.report('a0', URI, 1, 'stopped', 'ValueError: no price')
    directory.reap()
    successor, obituary = directory.whereabouts('a0', URI, 0)
    assert successor is None
    assert obituary.how == 'its process has ended; it had stopped: ValueError: no price'
    assert (obituary.name, obituary.pid, obituary.sudden) == ('a0', os.getpid(), True)
    assert obituary.sentence().startswith('it died at 20')


def test_whoever_has_the_name_now_is_told(directory):
    directory.enroll(record())
    assert directory.whereabouts('a0', URI, 0) == (None, None)
    directory.remove('a0')
    directory.enroll(record(uri=OTHER))
    successor, obituary = directory.whereabouts('a0', URI, LIMIT)
    assert successor == OTHER and obituary.uri == URI


def test_who_has_seen_an_end_first_waits_until_the_name_server_has(directory):
    directory.enroll(record())
    left = threading.Timer(0.05, directory.remove_at, ('a0', URI, 'why not'))
    left.start()
    assert directory.whereabouts('a0', URI, LIMIT)[1].how == 'why not'
    left.join()


def test_whoever_knows_nothing_is_told_who_is_there(directory):
    directory.enroll(record())
    news = directory.events()
    assert news.missed and set(news.present) == {'a0'}
    assert directory.events(news.log, news.newest, 0).events == ()
    assert not directory.events(news.log, news.newest, 0).missed


def test_those_that_died_are_named_once_and_not_if_others_have_their_names(directory):
    directory.enroll(dead())
    directory.enroll(dead('a1', OTHER))
    directory.reap()
    directory.enroll(record())
    assert directory.take_buried() == ['a1']
    assert directory.take_buried() == []
