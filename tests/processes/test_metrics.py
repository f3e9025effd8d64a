"""`osbrain metrics` beside real agents: what they count is told, and one that hangs holds nobody up."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest

from osbrain import run_agent, run_nameserver
from osbrain.cli import Exit
from osbrain.helper import wait_condition

pytest.importorskip('prometheus_client')

from prometheus_client.parser import text_string_to_metric_families as read_text

pytestmark = [pytest.mark.new, pytest.mark.usefixtures('patient_connects')]

LONG = 60


@contextlib.contextmanager
def metrics(nsproxy, *options):
    """The command's process, and the address that it prints."""
    command = [sys.executable, '-m', 'osbrain', 'metrics', '--nsaddr', str(nsproxy.addr()), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def scrape(url):
    """(name, labels) -> value."""
    with urlopen(url, timeout=LONG) as answer:
        text = answer.read().decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in read_text(text)
        for sample in family.samples
    }


def endpoint(name, agent, alias, kind):
    return (f'osbrain_{name}', ('agent', agent), ('alias', alias), ('kind', kind))


def up(agent):
    return ('osbrain_up', ('agent', agent))


def test_what_agents_do_is_told_to_prometheus(nsproxy):
    feed, store = run_agent('feed'), run_agent('store')
    feed.connect(store.bind('PULL', 'in', handler=lambda agent, message: None), 'out')
    feed.send_many('out', list(range(100)))
    with metrics(nsproxy, '--timeout', str(LONG)) as (process, url):
        assert wait_condition(
            lambda: scrape(url)[endpoint('handling_seconds_count', 'store', 'in', 'PULL')] == 100, timeout=LONG
        )
        found = scrape(url)
        assert found[endpoint('sent_messages_total', 'feed', 'out', 'PUSH')] == 100
        assert found[endpoint('received_messages_total', 'store', 'in', 'PULL')] == 100
        assert found[up('feed')] == found[up('store')] == found['osbrain_nameserver_up',] == 1
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=LONG)
    assert (process.returncode, out) == (Exit.OK, '')
    assert err.splitlines()[-1] == 'Nobody answers Prometheus any more.'


def test_an_agent_that_is_stopped_by_the_system_is_down_and_the_others_are_told(nsproxy):
    run_agent('well')
    pid = run_agent('hung').execute_as_function(os.getpid)
    with metrics(nsproxy, '--timeout', '0.5') as (_, url):
        assert wait_condition(lambda: scrape(url)[up('hung')] == 1, timeout=LONG)
        os.kill(pid, signal.SIGSTOP)
        try:
            assert wait_condition(lambda: scrape(url)[up('hung')] == 0, timeout=LONG)
            assert wait_condition(lambda: scrape(url)[up('well')] == 1, timeout=LONG)
        finally:
            os.kill(pid, signal.SIGCONT)
        assert wait_condition(lambda: scrape(url)[up('hung')] == 1, timeout=LONG)


def test_the_name_server_may_go_meanwhile():
    ns = run_nameserver()
    with metrics(ns) as (_, url):
        assert scrape(url)['osbrain_nameserver_up',] == 1
        ns.shutdown()
        began = time.monotonic()
        assert scrape(url) == {('osbrain_nameserver_up',): 0.0}
        assert time.monotonic() - began < LONG
