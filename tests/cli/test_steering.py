"""Calling and setting from a shell: what is written there, and each mistake as one line with its exit code."""

import json
import threading

import pytest

from osbrain import Agent
from osbrain.cli import Exit, steering
from osbrain.errors import NotRunning, RemoteError, WaitTimeout


class Feed(Agent):
    def on_init(self):
        self.price = 1
        self.log = []

    def note(self, *args, **kwargs):
        self.log.append((args, kwargs))
        return [*args, kwargs]

    def quote(self, symbol, digits=2):
        return f'{symbol}: {self.price:.{digits}f}'

    def odd(self):
        return {1: 'two\x1b[2J'}

    def fail(self):
        raise LookupError('no price\nat all')

    def wait(self):
        threading.Event().wait(1)


@pytest.fixture
def feed(here):
    return here.run(Feed)


@pytest.fixture
def on(osbrain, server):
    """Run a verb on the name server."""
    return lambda *argv: osbrain(*argv, '--nsaddr', server.local)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """What agents log is of no interest."""
    monkeypatch.setattr('osbrain._agent.log.log', lambda *_: None)


def refused(result, code):
    """Check that a command has done nothing but say why, in one line; return that."""
    assert (result.code, result.out) == (code, '')
    assert result.err.startswith('osbrain ')
    assert result.err.count('\n') == 1
    return result.err.rstrip()


# -- call


@pytest.mark.parametrize(
    'argv, expected',
    [
        ([], [{}]),
        (['1', '-2.5e3', '"EURUSD"', 'null'], [1, -2500.0, 'EURUSD', None, {}]),
        (['[1, {"a": true}]', 'depth=5', 'when="a=b"'], [[1, {'a': True}], {'depth': 5, 'when': 'a=b'}]),
        (['größe=-1'], [{'größe': -1}]),
        (['"a=1"'], ['a=1', {}]),
    ],
)
def test_arguments_are_json_and_so_is_the_result(feed, on, argv, expected):
    result = on('call', 'feed', 'note', *argv)
    assert (result.code, result.err) == (Exit.OK, '')
    assert json.loads(result.out) == expected
    assert list(feed.log[0][0]) == expected[:-1]
    assert feed.log[0][1] == expected[-1]


def test_what_is_no_json_is_shown_as_python_shows_it_and_cannot_upset_a_terminal(feed, on):
    result = on('call', 'feed', 'odd')
    assert (result.code, result.out) == (Exit.OK, "{1: 'two\\x1b[2J'}\n")
    assert json.loads(on('call', 'feed', 'odd', '--json').out) == {'result': None, 'repr': "{1: 'two\\x1b[2J'}"}
    assert json.loads(on('call', 'feed', 'ping', '--json').out) == {'result': 'pong', 'repr': None}


@pytest.mark.parametrize(
    'arg, said',
    [
        ('EURUSD', 'Invalid value for ARG: \'EURUSD\' is not JSON (a text is written \'"EURUSD"\')'),
        ("it's", 'is not JSON (a text needs quotes of its own)'),
        ('NaN', 'is not JSON'),
        ('{"a": 1', 'is not JSON'),
        ('', 'is not JSON'),
        ('symbol=EURUSD', "Invalid value for symbol=: 'EURUSD' is not JSON"),
        ('--dpeth', 'is not JSON'),
        ('[' * 100_000, 'is not JSON'),
    ],
)
def test_an_argument_that_is_not_json_is_told_and_nothing_is_called(feed, on, arg, said):
    assert said in refused(on('call', 'feed', 'note', arg), Exit.USAGE)
    assert feed.log == []


def test_an_argument_that_is_given_twice_is_told(feed, on):
    assert 'depth= is given twice' in refused(on('call', 'feed', 'note', 'depth=1', 'depth=2'), Exit.USAGE)


@pytest.mark.parametrize(
    'argv, said',
    [
        (['quote'], "quote(symbol, digits=2) of agent 'feed' cannot be called so: missing a required argument"),
        (['quote', '1', '2', '3'], 'cannot be called so: too many positional arguments'),
        (['quote', '1', 'digit=2'], "cannot be called so: got an unexpected keyword argument 'digit'"),
        (['qoute', '1'], "agent 'feed' object has no attribute 'qoute' (did you mean quote?)"),
        (['zzzzzz'], "agent 'feed' object has no attribute 'zzzzzz'"),
        (['price'], 'is no method'),
        (['_uuid'], "no exposed attribute or method '_uuid'"),
    ],
)
def test_a_call_that_does_not_fit_the_agent_is_told_and_the_agent_goes_on(feed, on, argv, said):
    assert said in refused(on('call', 'feed', *argv), Exit.CALL_REFUSED)
    assert feed.is_running()
    assert feed.counters()['errors'] == 0


def test_a_method_that_fails_is_told_in_one_line(here, on):
    here.run(Feed)
    line = refused(on('call', 'feed', 'fail'), Exit.CALL_FAILED)
    assert line == 'osbrain call: the call has failed: LookupError: no price at all'


def test_an_agent_that_is_busy_is_waited_for_as_long_as_was_said(feed, on):
    assert on('call', 'feed', 'wait').code == Exit.OK
    line = refused(on('call', 'feed', 'wait', '--timeout', '0.1'), Exit.NOT_ANSWERING)
    assert line == "osbrain call: agent 'feed' did not answer within 0.1 s; the call may still be carried out"
    assert on('call', 'feed', 'quote', '1', '--unsafe').code == Exit.OK


def test_an_agent_that_has_stopped_can_be_called_nevertheless_and_can_go_on(here, on):
    agent = here.run(Feed, stopped=True)
    assert "Agent 'feed' is not" in (line := refused(on('call', 'feed', 'note'), Exit.NOT_RUNNING))
    assert line.endswith('(--unsafe calls it nevertheless)')
    assert on('call', 'feed', 'note', '--unsafe').code == Exit.OK
    assert on('call', 'feed', 'run').code == Exit.OK
    assert agent._Agent__core.wait_for_running(10)


# -- set


def test_attributes_are_set_in_order(feed, on):
    result = on('set', 'feed', 'price=[1, 2]', 'log="x=y"')
    assert result == (Exit.OK, 'feed: price is set.\nfeed: log is set.\n', '')
    assert (feed.price, feed.log) == ([1, 2], 'x=y')


@pytest.mark.parametrize(
    'setting, code, said',
    [
        ('price', Exit.USAGE, "'price' is not of the form ATTR=JSON"),
        ('=3', Exit.USAGE, 'is not of the form ATTR=JSON'),
        ('my price=3', Exit.USAGE, 'is not of the form ATTR=JSON'),
        ('price=high', Exit.USAGE, '\'high\' is not JSON (a text is written \'"high"\')'),
        ('prise=3', Exit.CALL_REFUSED, "has no attribute 'prise' (--new sets it nevertheless)"),
        ('quote=3', Exit.CALL_REFUSED, "quote must be an attribute of agent 'feed', not 'a method'"),
        ('_host="x"', Exit.CALL_REFUSED, "no exposed attribute or method '_host'"),
    ],
)
def test_what_cannot_be_set_is_told(feed, on, setting, code, said):
    assert said in refused(on('set', 'feed', setting), code)
    assert feed.price == 1


def test_a_new_attribute_has_to_be_asked_for(feed, on):
    assert on('set', 'feed', 'prise=3', '--new').code == Exit.OK
    assert feed.prise == 3


# -- stop, kill, restart


def test_an_agent_stops_and_says_how_it_goes_on(feed, on):
    assert on('stop', 'feed') == (Exit.OK, 'feed has stopped (osbrain call feed run has it go on).\n', '')
    assert on('stop', 'feed').out == 'feed was not running (osbrain call feed run has it go on).\n'
    assert json.loads(on('stop', 'feed', '--json').out) == [
        {'name': 'feed', 'done': True, 'ran': False, 'problem': None}
    ]


def test_one_that_is_busy_is_told_and_stops_later(feed, on):
    caller = threading.Thread(target=lambda: feed.safe_call('wait'))
    caller.start()
    line = refused(on('stop', 'feed', '--timeout', '0.05'), Exit.NOT_DONE)
    assert "agent 'feed' is busy and stops as soon as it is done with what it does" in line
    caller.join(10)
    assert on('stop', 'feed').code == Exit.OK


def test_one_that_nobody_starts_again_is_told_what_to_do(feed, on):
    line = refused(on('restart', 'feed'), Exit.NOBODY_RESTARTS)
    assert "nobody would start agent 'feed' again: it was started without restart=" in line
    result = on('restart', 'feed', '--json')
    assert json.loads(result.out)[0]['problem'] in result.err
    assert feed.is_running()


@pytest.mark.parametrize('verb', ['stop', 'kill', 'restart'])
def test_if_one_name_is_unknown_nothing_is_done(feed, on, verb):
    line = refused(on(verb, 'feed', 'fede'), Exit.UNKNOWN_AGENT)
    assert line == f'osbrain {verb}: no agent is called fede (did you mean feed?); nothing has been done'
    assert feed.is_running()


@pytest.mark.parametrize('argv', [('call', 'fede', 'ping'), ('set', 'fede', 'a=1')])
def test_an_unknown_name_is_told_with_the_one_that_was_meant(feed, on, argv):
    assert 'no agent is called fede (did you mean feed?)' in refused(on(*argv), Exit.UNKNOWN_AGENT)


@pytest.mark.parametrize('verb', ['stop', 'kill'])
def test_an_agent_of_another_machine_that_does_not_answer_is_told(on, server, silent, verb):
    server._server.register('mute', f'PYRO:a@{silent}')
    line = refused(on(verb, 'mute', '--timeout', '0.2'), Exit.NOT_ANSWERING)
    assert 'did not answer within' in line


STEERING = [('call', 'a', 'ping'), ('set', 'a', 'b=1'), ('stop', 'a'), ('kill', 'a'), ('restart', 'a'), ('logs',)]


@pytest.mark.parametrize('argv', STEERING)
def test_a_name_server_that_is_none_is_one_line(osbrain, free_port, argv):
    line = refused(osbrain(*argv, '--nsaddr', free_port), Exit.NO_NAMESERVER)
    assert f'no name server at 127.0.0.1:{free_port}: nobody listens there' in line
    assert 'which name server?' in refused(osbrain(*argv), Exit.USAGE)


@pytest.mark.parametrize('argv', STEERING)
def test_somebody_who_is_no_name_server_is_one_line(osbrain, foreign, argv):
    assert 'does not answer as an osbrain name server' in refused(
        osbrain(*argv, '--nsaddr', foreign), Exit.NOT_A_NAMESERVER
    )


# -- Errors as lines


@pytest.mark.parametrize(
    'error, code, line',
    [
        (NotRunning('a', 'it was stopped'), Exit.NOT_RUNNING, 'it was stopped'),
        (WaitTimeout('busy', 3), Exit.NOT_DONE, 'busy (waited 3 s)'),
        (RemoteError('their.Odd', 'why\nTraceback'), Exit.CALL_FAILED, 'their.Odd: why'),
        (ValueError('one\ntwo'), Exit.CALL_FAILED, 'ValueError: one'),
    ],
)
def test_an_error_is_a_line_and_a_code(error, code, line):
    assert steering.code_of(error) is code
    assert line in steering.line_of(error)
    assert '\n' not in steering.line_of(error)
