"""Run each small example as a user would, and compare all that it prints with a table."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / 'examples'
LIMIT = 60  # seconds; on an idle machine the slowest takes 1.5

# Where a line comes from: an agent's log record carries its name, what the script prints does not.
RECORD = re.compile(
    r'(DEBUG|INFO|WARNING|ERROR) \[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{6})?\] \((.+?)\): (.*)'
)
SCRIPT = 'the script'

# The name server of 0.6.5 prints these.
CHATTER = re.compile(r'Broadcast server running on .*|NS running on .*|URI = .*|NS shut down\.')


def assert_runs(lines):
    """The late listener heard an unbroken part of the early one's unbroken run, and began later."""
    printed = [re.fullmatch(r'(early|late) heard \[(\d+(?:, \d+)*)\]', line) for line in lines]
    assert all(printed), lines
    assert [match[1] for match in printed] == ['early', 'late']
    early, late = ([int(tick) for tick in match[2].split(', ')] for match in printed)
    assert early == list(range(early[0], early[0] + len(early)))
    assert late == list(range(late[0], late[0] + len(late)))
    assert early[0] + 3 <= late[0]
    assert late[-1] <= early[-1]


def assert_house_is_safe(lines):
    """The friend and the letter came in; of the stranger it is told once, or twice if he was too quick."""
    warnings = [line for line in lines if line.startswith('WARNING')]
    told = r'WARNING tcp://127\.0\.0\.1:\d+ (refused|lost) a peer .*'
    assert warnings and all(re.fullmatch(told, line) for line in warnings), lines
    assert sorted(set(lines) - set(warnings)) == ["INFO got 'a letter'", "INFO got 'a visit'"]


def assert_deaths_are_told(lines):
    """Each clerk that was killed had work, which goes to the others."""
    told = r"WARNING Worker '[\w-]+' \(process \d+\) of 'orders' has died: what it had \(\d+\) goes to others"
    assert all(re.fullmatch(told, line) for line in lines), lines
    assert len(lines) <= 3


# Example -> source of lines -> its lines. Those of one source come in the given order, except that
# the lines in a set come in any order; how the lines of different sources mix is arbitrary.
# A function in place of the lines checks them itself.
EXPECTED = {
    'acknowledged_work.py': {
        SCRIPT: ['orders done: 1500 waiting: 0 given up: 0'],
        'office': assert_deaths_are_told,
    },
    'add_methods.py': {
        SCRIPT: [
            '0.25',
            'trader sees a spread of 0.25',
            'trader sees a spread of 0.25 %',
        ],
    },
    'agents_in_agents.py': {
        SCRIPT: [
            "words: {'one': 5, 'two': 4, 'three': 2}",
            "agents: ['counter-one', 'counter-three', 'counter-two', 'editor', 'reader']",
        ],
    },
    'async_request_reply.py': {
        SCRIPT: ['the client is free: pong'],
        'client': [
            'INFO asked, answers so far: 0',
            {'INFO 1 steps done by hare', 'INFO 3 steps done by tortoise'},
        ],
    },
    'attributes.py': {
        SCRIPT: [
            'area at the start: 6',
            'area after set_attr: 200',
            'width: 5 area: 100',
            "here: ['a', 'b', 'c'] there: ['a', 'b']",
        ],
    },
    'change_of_keys.py': {
        SCRIPT: [
            'with the first key: 1 accepted, the clerk says pong',
            'with the second, while the first is still accepted: 2 accepted, the clerk says pong',
            'with the second alone: 1 accepted, the clerk says pong',
            'the key has changed: True',
        ],
    },
    'checkpoint.py': {
        SCRIPT: ['position after the crash: 70', 'and on it goes: 75'],
    },
    'closed_sockets.py': {
        SCRIPT: ['door: curve letter box: none'],
        'house': assert_house_is_safe,
    },
    'dispatcher.py': {
        SCRIPT: [
            f'tasks done: {list(range(20))}',
            'the fast one did more: True',
        ],
    },
    'hello_world.py': {
        'Example': ['INFO Hello world!'],
    },
    'many_agents.py': {
        SCRIPT: ['running: 31', 'leaves carried: 465'],
    },
    'name_server.py': {
        SCRIPT: ['agents: camera, gripper, wheels', 'gripper answers: pong'],
        'gripper': ['INFO this is the gripper'],
    },
    'newest_only.py': {
        SCRIPT: [
            'published: 2000',
            'few were drawn: True',
            "the last of each: [('ACME', 1000), ('EMCA', -1000)]",
        ],
    },
    'numpy_raw.py': {
        SCRIPT: ['stars at [(100, 200), (100, 200)]'],
        'telescope': ['INFO 614400 bytes, median 10', 'INFO 614400 bytes, median 20'],
    },
    'publish_subscribe.py': {
        SCRIPT: assert_runs,
    },
    'publish_subscribe_filter.py': {
        SCRIPT: ["euro: ['EURUSD 1.08', 'EURJPY 161.2']", "pound: ['GBPUSD 1.26']"],
    },
    'push_pull.py': {
        'recorder': [f'INFO received {celsius} degrees' for celsius in (20.5, 20.7, 21.0)],
    },
    'push_pull_inherit.py': {
        'recorder': [f'INFO received {celsius} degrees' for celsius in (20.5, 21.0, 21.5)],
    },
    'request_reply.py': {
        SCRIPT: ['80 shares: approved', '120 shares: refused'],
        'risk': [
            "INFO asked about {'symbol': 'ACME', 'quantity': 80}",
            "INFO asked about {'symbol': 'ACME', 'quantity': 120}",
        ],
    },
    'request_reply_lambda.py': {
        SCRIPT: ['32 F = 0 C', '50 F = 10 C', '212 F = 100 C'],
    },
    'resubscribe.py': {
        SCRIPT: [
            "at first: ['AAPL']",
            "after subscribe: ['AAPL', 'IBM']",
            "after unsubscribe: ['IBM']",
        ],
    },
    'send_many.py': {
        SCRIPT: [
            'handled one by one: 10000',
            'handled in lists: 10000 at an average of 103.0',
            'calls are few: True',
        ],
    },
    'serializers.py': {
        SCRIPT: ['logbook binds with json'],
        'receiver': [
            "INFO {'symbol': 'ACME', 'bid_ask': (99.5, 99.75), 'day': datetime.date(2024, 5, 1)}",
            "INFO {'symbol': 'ACME', 'bid_ask': [99.5, 99.75]}",
            r"INFO b'\x00\x01 any bytes'",
        ],
    },
    'several_name_servers.py': {
        SCRIPT: [
            "received: ['from the field', 'from the laboratory']",
            "laboratory: ['recorder', 'sensor']",
            "field: ['sensor']",
            'the laboratory goes on: pong',
        ],
    },
    'shutdown.py': {
        SCRIPT: [
            "at first: ['cautious', 'patient', 'steady']",
            "after its shutdown: ['cautious', 'steady']",
            "after a stop loss: ['steady']",
        ],
        'patient': ['INFO closing my positions'],
        'cautious': ['INFO lost too much', 'INFO closing my positions'],
        'steady': ['INFO closing my positions'],
    },
    'stats.py': {
        SCRIPT: [
            'tray PULL received: 1000 errors: 0',
            '99 of 100 were weighed within a second: True',
            "{'picker': 1000, 'scales': 0}",
            'the picker picks: True',
        ],
    },
    'supervised.py': {
        SCRIPT: [
            "running: ['carry', 'desk', 'feed', 'floor', 'momentum', 'reversion']",
            "killed momentum; started again: ['momentum']",
            "killed carry; started again: ['carry']",
            "killed feed; started again: ['carry', 'feed', 'floor', 'momentum', 'reversion']",
            'answers: pong [1, 1]',
        ],
    },
    'sync_publish_subscribe.py': {
        SCRIPT: ['updates, counted from the snapshot: [1, 2, 3]'],
    },
    'timers.py': {
        SCRIPT: ['heart still beating: False'],
        'robot': ['INFO beat 1', 'INFO beat 2', 'INFO beat 3', 'INFO resting'],
    },
    'listening.py': {
        SCRIPT: [
            'shop out request tea',
            'shop in reply tea is on its way',
            'shop out request jam',
            'shop in reply jam is sold out',
        ],
    },
    'record_replay.py': {
        SCRIPT: [
            'exchange prices TEA 19.5',
            'exchange prices TEA 19.75',
            'exchange prices TEA 20.25',
            "sent again: {'exchange': 3}",
            'both know the same: True',
        ],
    },
    'watching.py': {
        SCRIPT: ['died: feed - exit code 3', 'the same proxy: pong'],
        'guard': ['INFO no feed: nobody has this name', 'INFO no feed: exit code 3'],
    },
    'instrument.py': {
        'strategy': ["INFO handled: {'prices': 3, 'news': 1}"],
    },
    'tracing.py': {
        SCRIPT: [
            'traces: 1',
            'feed send out',
            'strategy process ticks',
            'strategy send out',
            'risk process orders',
            'risk send out',
            'broker process tasks',
        ],
    },
    'ventilator.py': {
        SCRIPT: [
            "tasks done: {'Ann': 10, 'Bob': 10, 'Cid': 10}",
            'pi is about 3.1342666666666665',
        ],
    },
}


def run(example):
    """Return exit code, output and errors once nothing that was started can write any more."""
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLES / example)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        pytest.fail(f'{example} runs for more than {LIMIT} s\n{output}\n{errors}')
    return process.returncode, output, errors


def by_source(output):
    """Map each source to its lines in order."""
    sources = {}
    for line in output.splitlines():
        record = RECORD.fullmatch(line)
        if record:
            sources.setdefault(record[2], []).append(f'{record[1]} {record[3]}')
        elif not CHATTER.fullmatch(line):
            sources.setdefault(SCRIPT, []).append(line)
    return sources


def assert_lines(lines, expected):
    """Compare the *lines* of one source with what the table says of them."""
    if callable(expected):
        expected(lines)
        return
    normal = []
    for item in expected:
        if isinstance(item, str):
            normal.append(item)
        else:
            here = slice(len(normal), len(normal) + len(item))
            lines = lines[: here.start] + sorted(lines[here]) + lines[here.stop :]
            normal.extend(sorted(item))
    assert lines == normal


@pytest.mark.parametrize('example', sorted(EXPECTED))
def test_prints_exactly_what_it_promises(example):
    """An example ends by itself, without errors, and every line that it prints is in the table."""
    code, output, errors = run(example)
    assert (code, errors) == (0, ''), output
    sources = by_source(output)
    assert set(sources) == set(EXPECTED[example]), output
    for source, expected in EXPECTED[example].items():
        assert_lines(sources[source], expected)


def test_each_example_has_a_row():
    """No example goes untested, and no row has lost its example."""
    assert sorted(path.name for path in EXAMPLES.glob('[!_]*.py')) == sorted(EXPECTED)


@pytest.mark.parametrize('example', sorted(EXPECTED))
def test_is_short_and_says_what_one_sees(example):
    """An example has fewer than 50 lines and begins with a title and an explanation."""
    lines = (EXAMPLES / example).read_text(encoding='utf-8').splitlines()
    assert len(lines) < 50
    assert re.fullmatch(r'"""[A-Z][^:]+: .+\.', lines[0])
    assert lines[1] == ''
    assert lines[2]
    assert "if __name__ == '__main__':" in lines


def test_readme_lists_each_example_once():
    """The reading list in examples/README.md has exactly the examples that there are."""
    readme = (EXAMPLES / 'README.md').read_text(encoding='utf-8')
    listed = re.findall(r'^\| \[`(\w+\.py)`\]\((\w+\.py)\) \|', readme, re.MULTILINE)
    assert all(text == target for text, target in listed)
    assert sorted(text for text, _ in listed) == sorted(EXPECTED)
