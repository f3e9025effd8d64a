"""What running agents say is recorded, survives its recorder, and is said again: nobody can tell the difference."""

import os
import re
import signal
import subprocess
import sys
import time
import warnings

import pytest

from osbrain import Agent, NSProxy, config, run_agent, run_nameserver
from osbrain.errors import OptionInvalid, RecordingInvalid, StartFailed, UnknownAlias, WaitTimeout
from osbrain.helper import agent_dies, wait_agent_attr, wait_condition
from osbrain.proxy import AgentGone, UnknownName
from osbrain.recording import Player, Recording, record, replay

LONG = 60  # seconds in which what is awaited happens, on a machine with ten times as much to do


class Receiver(Agent):
    """Keeps what it gets, with the topic."""

    def on_init(self):
        self.received = []

    def take(self, message, topic=None):
        self.received.append((message, topic))

    def work(self, message):
        self.take(message)


class Feed(Agent):
    """Sends through a socket of each kind, whatever the kind carries."""

    def on_init(self):
        self.bind('PUB', alias='bars')
        self.bind('PUB', alias='ticks', serializer='json')
        self.bind('PUB', alias='bytes', serializer='raw')
        self.bind('PUSH', alias='jobs')
        self.bind('SYNC_PUB', alias='news', handler='on_question')
        self.bind('ACK_PUSH', alias='orders')

    def on_question(self, request):
        return request

    def speak(self):
        for n in range(20):
            self.send('bars', {'n': n, 'when': (2012, n)}, topic=f'{"AAPL" if n % 2 else "IBM"}.')
            self.send('ticks', [n, None, 'x' * n], topic='é')
            self.send('bytes', bytes([n, 128, 255]), topic='raw-')
            self.send('jobs', ('job', n))
            self.send('news', n, topic='today')
            self.send('orders', n)
        self.send_many('bars', [{'n': n} for n in range(100, 110)], topic='IBM.')
        self.send_many('jobs', list(range(50)))
        self.send('bars', bytes(200_000), topic='large')


ALIASES = ('bars', 'ticks', 'bytes', 'jobs', 'news', 'orders')


def listen(feed, name):
    """Connect a receiver to each socket of *feed*; return one for each alias."""
    receivers = {}
    for alias in ALIASES:
        receiver = run_agent(f'{name}.{alias}', base=Receiver)
        where = feed.addr(alias)
        ready = {} if alias in ('jobs', 'orders') else {'ready': LONG}
        receiver.connect(where, handler='work' if alias in ('jobs', 'orders') else 'take', **ready)
        receivers[alias] = receiver
    return receivers


def heard(receivers, expected=None):
    """Return what each receiver has got, once it is as much as *expected*, or as a feed says."""
    counts = {alias: len(those) for alias, those in expected.items()} if expected else {
        'bars': 31, 'ticks': 20, 'bytes': 20, 'jobs': 70, 'news': 20, 'orders': 20
    }  # fmt: skip
    for alias, receiver in receivers.items():
        assert wait_agent_attr(receiver, 'received', length=counts[alias], timeout=LONG), alias
    return {alias: receiver.get_attr('received') for alias, receiver in receivers.items()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'day.mcap'


def end(*agents):
    """Shut agents down, and wait until their names are free."""
    names = [agent.get_attr('name') for agent in agents]
    for agent in agents:
        agent.shutdown()
    with NSProxy(agents[0].nsaddr()) as ns:
        for name in names:
            assert agent_dies(name, ns, timeout=LONG)


# -- Recording and replaying -------------------------------------------------------------------------------------------


def test_nobody_can_tell_a_replay_from_what_was_recorded(nsproxy, path):
    """Every kind of socket, serializers, topics, batches, large messages: all arrives again, in the same order."""
    feed = run_agent('feed', base=Feed)
    live = listen(feed, 'live')
    with record(path, *(f'feed:{alias}' for alias in ALIASES)) as recorder:
        feed.speak()
    expected = heard(live)
    assert (recorder.recorded.missed, recorder.recorded.lost) == (0, ())
    end(feed)
    with replay(path, speed=0) as again:
        assert again.left_out == ()
        later = listen(nsproxy.proxy('feed'), 'later')
        replayed = again.play(patience=LONG)
        assert heard(later, expected) == expected
    assert replayed.messages == {'feed': sum(map(len, expected.values()))}
    assert (replayed.overflows, replayed.damages, replayed.late) == (0, (), 0.0)
    assert 'feed' not in nsproxy.agents()


class Noting(Player):
    """Notes what it has sent, and when."""

    def on_init(self):
        super().on_init()
        self.noted = []

    def on_sent(self, message):
        self.noted.append((message.alias, message.value, time.monotonic()))


def publish_slowly(agent):
    for n in range(5):
        agent.after(0.2 * n, 'send', 'bars', n)
        agent.after(0.2 * n + 0.1, 'send', 'trades', n)


def test_the_order_across_sockets_and_the_pauses_are_kept(nsproxy, path):
    feed = run_agent('feed')
    feed.bind('PUB', alias='bars')
    feed.bind('PUB', alias='trades')
    with record(path, 'feed:bars', 'feed:trades') as recorder:
        feed.execute_as_method(publish_slowly)
        assert wait_condition(lambda: recorder.recorded.messages == 10, timeout=LONG)
    end(feed)
    with replay(path, speed=2, names={'feed': 'again'}, base=Noting) as again:
        assert again.names == ('again',)
        began = time.monotonic()
        again.play(wait=0)
        noted = again.agents['again'].get_attr('noted')
    assert [(alias, n) for alias, n, _ in noted] == [(alias, n) for n in range(5) for alias in ('bars', 'trades')]
    # Nothing is sent before it is due: 0.9 seconds after the first, at twice the speed.
    assert noted[-1][2] - began >= 0.4


def test_what_nobody_is_subscribed_to_is_recorded_too(nsproxy, path):
    feed = run_agent('feed')
    feed.bind('PUB', alias='bars')
    with record(path, 'feed:bars'):
        for n in range(3):
            feed.send('bars', n)
    assert [message.value for message in Recording(path)] == [0, 1, 2]


def test_all_that_was_sent_before_the_stop_is_recorded(nsproxy, path):
    """However much is on its way."""
    feed = run_agent('feed')
    feed.bind('PUB', alias='bars')
    with record(path, 'feed:bars') as recorder:
        feed.execute_as_method(lambda agent: [agent.send('bars', n) for n in range(5_000)])
    assert [message.value for message in Recording(path)] == list(range(5_000))
    assert recorder.recorded.messages == 5_000


def test_an_agent_that_comes_back_is_recorded_again(nsproxy, path):
    def start():
        feed = run_agent('feed')
        feed.bind('PUB', alias='bars')
        return feed

    feed = start()
    with record(path, 'feed:bars') as recorder:
        feed.send('bars', 'before')
        assert wait_condition(lambda: recorder.recorded.messages == 1, timeout=LONG)
        end(feed)
        assert wait_condition(lambda: recorder.recorded.lost, timeout=LONG)
        feed = start()
        deadline = time.monotonic() + LONG
        while recorder.recorded.messages == 1 and time.monotonic() < deadline:
            feed.send('bars', 'after')
            time.sleep(0.05)
    assert [message.value for message in Recording(path)][:2] == ['before', 'after']
    assert [source.agent for source in recorder.recorded.lost] == ['feed']


def test_requests_replies_and_failures_are_recorded_and_left_out_of_a_replay(nsproxy, path):
    def answer(agent, request):
        if request == 'no':
            raise ValueError('never')
        return request * 2

    server = run_agent('server', on_error='continue')
    address = server.bind('REP', alias='answers', handler=answer)
    client = run_agent('client')
    client.connect(address, alias='questions')
    with record(path, 'server:answers', 'client:questions'):
        assert client.send_recv('questions', 21) == 42
        with pytest.raises(Exception, match='never'):
            client.send_recv('questions', 'no')
    at_server = [message for message in Recording(path) if message.agent == 'server']
    facts = [(message.track.direction, message.track.what) for message in at_server]
    assert facts == [('in', 'request'), ('out', 'reply'), ('in', 'request'), ('out', 'failure')]
    assert [message.value for message in at_server[:3]] == [21, 42, 'no']
    assert isinstance(at_server[3].value, ValueError)
    with pytest.raises(RecordingInvalid, match='nothing to be sent again'):
        replay(path)


def test_whoever_asks_a_replay_is_told_that_it_answers_nothing(nsproxy, path):
    feed = run_agent('feed', base=Feed)
    with record(path, 'feed:news'):
        feed.send('news', 1)
    end(feed)
    client = run_agent('client', base=Receiver)
    with replay(path) as again:
        client.connect(again.agents['feed'].addr('news'), alias='news', handler='take', ready=LONG)
        client.send('news', 'what is new?', handler='take', on_error='take')
        assert wait_agent_attr(client, 'received', length=1, timeout=LONG)
        assert 'answers nothing' in str(client.get_attr('received')[0][0])
        again.play(patience=LONG)
        assert wait_agent_attr(client, 'received', length=2, timeout=LONG)


# -- In step with receipts ---------------------------------------------------------------------------------------------


class Paced(Agent):
    """Publishes the next number when the one before was received."""

    def on_init(self):
        self.bind('PUB', alias='bars')
        self.bind('PULL', alias='receipts', handler='on_receipt')
        self.done = 0

    def go(self):
        self.send('bars', self.done)

    def on_receipt(self, receipt):
        self.done = receipt + 1
        if self.done < 10:
            self.go()


class Reader(Agent):
    """Sends a receipt for each number, when it is told to."""

    def on_init(self):
        self.received = []

    def on_bar(self, number):
        self.received.append(number)
        if self.diligent:
            self.send('receipts', number)


@pytest.fixture
def paced(nsproxy, path):
    """A recording of a feed that is paced by receipts."""
    feed = run_agent('feed', base=Paced)
    reader = run_agent('reader', base=Reader, attributes={'diligent': True})
    reader.connect(feed.addr('receipts'), alias='receipts')
    reader.connect(feed.addr('bars'), handler='on_bar', ready=LONG)
    with record(path, 'feed:bars', 'feed:receipts'):
        feed.go()
        assert wait_agent_attr(feed, 'done', value=10, timeout=LONG)
    end(feed, reader)
    return path


def read_again(again, diligent):
    reader = run_agent('reader again', base=Reader, attributes={'diligent': diligent})
    reader.connect(again.agents['feed'].addr('receipts'), alias='receipts')
    reader.connect(again.agents['feed'].addr('bars'), handler='on_bar', ready=LONG)
    return reader


def test_in_step_a_message_is_sent_when_the_receipts_before_it_have_come(nsproxy, paced):
    with replay(paced, speed=0, in_step=LONG) as again:
        reader = read_again(again, diligent=True)
        assert again.play().messages == {'feed': 10}
        assert reader.get_attr('received') == list(range(10))


def test_in_step_nobody_is_waited_for_longer_than_was_said(nsproxy, paced):
    with replay(paced, speed=0, in_step=0.5) as again:
        reader = read_again(again, diligent=False)
        with pytest.raises(RecordingInvalid, match="feed could not go on: of 1 messages to 'receipts' 0 have come"):
            again.play()
        assert wait_agent_attr(reader, 'received', length=1, timeout=LONG)
        assert reader.get_attr('received') == [0]


# -- What can go wrong -------------------------------------------------------------------------------------------------


def test_what_cannot_be_recorded_is_told_and_leaves_no_file(nsproxy, path):
    feed = run_agent('feed')
    feed.bind('PUB', alias='bars')
    with pytest.raises(UnknownName):
        record(path, 'feed:bars', 'nobody:bars')
    with pytest.raises(UnknownAlias):
        record(path, 'feed:trades')
    with pytest.raises(OptionInvalid):
        record(path)
    assert not path.exists()
    path.write_text('precious')
    with pytest.raises(OptionInvalid, match='a file that is not there yet'):
        record(path, 'feed:bars')
    assert path.read_text() == 'precious'


@pytest.fixture
def short(nsproxy, path):
    """A recording of three numbers of an agent that has ended since."""
    feed = run_agent('feed')
    feed.bind('PUB', alias='bars')
    with record(path, 'feed:bars'):
        for n in range(3):
            feed.send('bars', n)
    end(feed)
    return path


def test_a_name_that_is_taken_is_left_to_whoever_has_it(nsproxy, short):
    run_agent('feed')
    with pytest.raises(StartFailed, match='already registered'):
        replay(short)
    assert nsproxy.proxy('feed').ping() == 'pong'


def test_receivers_that_do_not_come_are_waited_for_so_long_and_no_longer(nsproxy, short):
    with replay(short) as again:
        began = time.monotonic()
        with pytest.raises(WaitTimeout, match='too few receivers are connected to feed:bars'):
            again.play(patience=0.3)
        assert 0.3 <= time.monotonic() - began < LONG
        assert again.play(wait=0).messages == {'feed': 3}


class Doomed(Player):
    """Is killed when it has sent its first message."""

    def on_sent(self, message):
        os.kill(os.getpid(), signal.SIGKILL)


def test_an_agent_that_is_killed_ends_the_replay_with_an_error(nsproxy, short, monkeypatch):
    # Who is killed leaves the files of its sockets behind.
    monkeypatch.setitem(config, 'TRANSPORT', 'tcp')
    with replay(short, base=Doomed) as again, pytest.raises(AgentGone, match='killed by SIGKILL'):
        again.play(wait=0)


# -- The recorder is killed --------------------------------------------------------------------------------------------


class Ticker(Agent):
    """Publishes a number every few milliseconds."""

    def on_init(self):
        self.bind('PUB', alias='ticks')
        self.number = 0
        self.each(0.005, 'tick')

    def tick(self):
        self.number += 1
        self.send('ticks', self.number)


def recorder_of(nsproxy, path, *arguments):
    """Start `osbrain record` and wait until it records."""
    command = [sys.executable, '-m', 'osbrain', 'record', '-o', str(path), '--nsaddr', str(nsproxy.nsaddr())]
    process = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr.readline().startswith('Recording ')
    return process


def values(path):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return [message.value for message in Recording(path)]


def is_recorded(path, count):
    return path.exists() and len(path.read_bytes()) > 100 and len(values(path)) >= count


@pytest.mark.parametrize('after', [1, 150, 400])
def test_a_recorder_that_is_killed_leaves_all_but_the_last_second(nsproxy, path, after):
    """With kill -9, which nobody can catch."""
    ticker = run_agent('ticker', base=Ticker)
    process = recorder_of(nsproxy, path, 'ticker:ticks')
    try:
        first = ticker.get_attr('number')
        assert wait_condition(is_recorded, path, after, timeout=LONG)
    finally:
        process.kill()
        process.communicate(timeout=LONG)
    assert process.returncode == -signal.SIGKILL
    recording = Recording(path)
    assert 'was not finished' in recording.trouble
    found = values(path)
    assert len(found) >= after
    assert found == list(range(found[0], found[0] + len(found)))
    assert found[0] <= first + 1
    # The agent goes on, and its tap ends by itself.
    last = ticker.get_attr('number')
    assert wait_condition(lambda: ticker.get_attr('number') > last, timeout=LONG)


WRITER = '''
import os, sys
from osbrain.recording.observation import Observation, Source
from osbrain.recording.writing import Tape
tape = Tape(sys.argv[1])
source = Source('feed', 'bars', 'PUB', 'raw')
number = 0
while True:
    for _ in range(5):
        number += 1
        body = b'%d ' % number + os.urandom(200_000)
        tape.add(Observation(source, number, 'out', number, number, b'', 'message', body, len(body)))
    tape.flush()
    print(number, flush=True)
'''


@pytest.mark.parametrize('lines', [1, 7, 20])
def test_what_was_written_is_there_however_much_is_being_written_when_it_is_killed(path, lines):
    """Megabytes are under way: the last of them are cut off somewhere, and all before them are whole."""
    writer = subprocess.Popen([sys.executable, '-c', WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    for _ in range(lines):
        written = int(writer.stdout.readline())
    writer.kill()
    out, _ = writer.communicate(timeout=LONG)
    written = int((out.split() or [written])[-1])
    found = [int(value.split()[0]) for value in values(path)]
    assert found == list(range(1, len(found) + 1))
    assert len(found) >= written >= 5 * lines


def test_what_is_left_by_a_recorder_that_was_killed_is_replayed(nsproxy, path):
    ticker = run_agent('ticker', base=Ticker)
    process = recorder_of(nsproxy, path, 'ticker:ticks')
    assert wait_condition(is_recorded, path, 10, timeout=LONG)
    process.kill()
    process.communicate(timeout=LONG)
    expected = values(path)
    end(ticker)
    receiver = run_agent('receiver', base=Receiver)
    command = [sys.executable, '-m', 'osbrain', 'replay', str(path), '--nsaddr', str(nsproxy.nsaddr()), '--speed', '0']
    again = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert 'was not finished' in again.stderr.readline()
    assert again.stderr.readline().startswith('ticker: there. Waiting for a receiver')
    receiver.connect(nsproxy.proxy('ticker').addr('ticks'), handler='take')
    out, err = again.communicate(timeout=LONG)
    assert (again.returncode, out) == (0, '')
    assert f'{len(expected):,} messages in ' in err
    assert wait_agent_attr(receiver, 'received', length=len(expected), timeout=LONG)
    assert [number for number, _ in receiver.get_attr('received')] == expected


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_recorder_that_is_asked_to_end_finishes_its_file(nsproxy, path, number):
    ticker = run_agent('ticker', base=Ticker)
    process = recorder_of(nsproxy, path, 'ticker:ticks', '--json')
    before = ticker.get_attr('number')
    assert wait_condition(lambda: ticker.get_attr('number') > before, timeout=LONG)
    process.send_signal(number)
    out, err = process.communicate(timeout=LONG)
    assert (process.returncode, err) == (0, '')
    recording = Recording(path)
    assert recording.trouble is None
    assert f'"messages": {len(list(recording))}' in out
    assert '"missed": 0' in out


def test_a_recorder_ends_by_itself_when_the_whole_system_has_ended(path):
    ns = run_nameserver()
    run_agent('ticker', base=Ticker)
    process = recorder_of(ns, path, 'ticker:ticks')
    ns.shutdown()
    _, err = process.communicate(timeout=LONG)
    assert process.returncode == 16
    assert 'ticker:ticks ended meanwhile' in err
    assert Recording(path).trouble is None


# -- The rest of the command line (tests/cli/test_recordings.py has what needs no agents) ------------------------------


def osbrain(nsproxy, *argv):
    """Run a command; return its exit code and what it printed on standard error."""
    command = [sys.executable, '-m', 'osbrain', *map(str, argv), '--nsaddr', str(nsproxy.nsaddr())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)
    assert done.stdout == ''
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    'arguments, code, told',
    [
        (['feed:trades'], 15, "has no socket 'trades'"),
        (['feed:bars', '-o', '/dev/full', '--overwrite'], 18, 'could not be written: No space left on device'),
        (['feed:bars', '-o', '/no/such/folder/day.mcap'], 18, '/no/such/folder/day.mcap: No such file or directory'),
        (['feed:bars', '-o', __file__], 2, 'a file that is not there yet'),
    ],
)
def test_what_cannot_be_recorded_is_one_line(nsproxy, path, arguments, code, told):
    run_agent('feed').bind('PUB', alias='bars')
    ended, err = osbrain(nsproxy, 'record', *(['-o', path] if '-o' not in arguments else []), *arguments)
    assert ended == code
    assert told in err
    assert err.count('\n') == 1


def test_a_recorder_ends_after_so_many_seconds(nsproxy, path):
    run_agent('ticker', base=Ticker)
    code, err = osbrain(nsproxy, 'record', '-o', path, 'ticker:ticks', '--seconds', 0.5)
    assert code == 0
    assert re.fullmatch(r'Recording ticker:ticks into .*\n[\d,]+ messages \([\d,]+ bytes\) in \d+\.\d s\.\n', err)
    assert Recording(path).trouble is None


def test_a_replay_to_nobody_ends_with_its_exit_code(nsproxy, short):
    code, err = osbrain(nsproxy, 'replay', short, '--patience', 0.2)
    assert code == 19
    assert 'too few receivers are connected to feed:bars' in err
    assert 'feed' not in nsproxy.agents()


def test_ctrl_c_ends_a_replay_and_its_agents(nsproxy, short):
    command = [sys.executable, '-m', 'osbrain', 'replay', str(short), '--nsaddr', str(nsproxy.nsaddr())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr.readline().startswith('feed: there.')
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=LONG)
    assert (process.returncode, err.strip()) == (130, 'Interrupted.')
    assert wait_condition(lambda: 'feed' not in nsproxy.agents(), timeout=LONG)
