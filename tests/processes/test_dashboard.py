"""The page of a running system, in a browser: what it shows is what there is."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from osbrain import Agent, run_agent, run_agents, run_nameserver
from osbrain.cli import Exit
from osbrain.metrics import Lookout
from osbrain.metrics.graph import graph
from tests.dashboard.browsing import browsing, chromium, until, visit

pytest.importorskip('starlette')
pytest.importorskip('uvicorn')

LONG = 60
LINK = re.compile(r'http://127\.0\.0\.1:(\d+)/\?token=([\w-]{32})\n')


class Clerk(Agent):
    """Counts what it is asked to count."""

    def on_init(self):
        self.counted = 0

    def count(self, number=1):
        self.counted += number
        self.log_info(f'counted to {self.counted}')
        return {'counted': self.counted}

    def fail(self):
        raise ValueError('no price')


@contextmanager
def dashboard(nsproxy, *argv):
    """Run the command; give the link that it prints, and the process."""
    command = [sys.executable, '-m', 'osbrain', 'dashboard', '--nsaddr', str(nsproxy.addr()), *argv]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        link = process.stdout.readline()
        assert LINK.fullmatch(link), process.stderr.read()
        yield link.strip(), process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LONG)


def card(name, state=None):
    return f'.card[data-agent="{name}"]' + (f'[data-state="{state}"]' if state else '')


def true_edges(nsproxy):
    """Who is connected to whom, as the shell would say it."""
    with Lookout(nsproxy.addr(), patience=LONG) as lookout:
        found = graph(lookout.look()).edges
    return sorted([*edge.source[:2], *edge.target[:2]] for edge in found)


def shown_edges(page):
    columns = "['source', 'source_alias', 'target', 'target_alias']"
    cells = f"{columns}.map((column) => row.querySelector('.' + column).textContent)"
    return sorted(page.evaluate(f"[...document.querySelectorAll('#connections-table tbody tr')].map((row) => {cells})"))


@pytest.mark.timeout(300)
def test_the_graph_of_a_hundred_agents_is_the_true_one(nsproxy):
    chromium()
    agents = run_agents([f'agent{number}' for number in range(100)])
    # A tree: each but the first takes from the one that it hangs on, in two ways.
    for number, agent in enumerate(agents):
        agent.bind('PUSH', alias='work')
        agent.bind('PUB', alias='news')
        if number:
            above = agents[(number - 1) // 4]
            agent.connect(above.addr('work'), alias='in', handler='log_info')
            agent.connect(above.addr('news'), alias='heard', handler='log_info')
    expected = true_edges(nsproxy)
    assert len(expected) == 2 * 99
    with dashboard(nsproxy) as (link, _), browsing() as page:
        visit(page, link)
        cards, links = 'document.querySelectorAll(".card")', 'document.querySelectorAll(".link")'
        until(page, f'{cards}.length === 100 && {links}.length === 99')
        pairs = page.evaluate(f'[...{links}].map((one) => [one.dataset.from, one.dataset.to])')
        assert {frozenset(pair) for pair in pairs} == {frozenset((one[0], one[2])) for one in expected}
        page.click('#tab-connections')
        assert shown_edges(page) == expected
        # Who answers late once is shown as silent for a moment.
        until(page, 'document.querySelectorAll(`#agents-table tbody tr[data-state="running"]`).length === 100')


def test_a_killed_agent_turns_dead_with_the_reason_and_a_failed_one_stopped(nsproxy):
    chromium()
    clerk, victim = run_agent('clerk', base=Clerk), run_agent('victim')
    victim.connect(clerk.bind('PULL', alias='in', handler='count'), alias='work')
    with dashboard(nsproxy) as (link, _), browsing() as page:
        visit(page, link)
        page.wait_for_selector(card('victim', 'running'))
        page.wait_for_selector('.link', state='attached')
        os.kill(victim.execute_as_function(os.getpid), signal.SIGKILL)
        page.wait_for_selector(card('victim', 'dead'))
        assert 'killed by SIGKILL' in page.inner_text('#agents-table tr[data-key="victim"] .state')
        # Where it stood, and for whom it worked, can still be seen.
        assert page.locator('.link.lost').count() == 1
        clerk.oneway.fail()
        page.wait_for_selector(card('clerk', 'running'))
        clerk.after(0, 'fail')
        page.wait_for_selector(card('clerk', 'stopped'))
        assert 'ValueError: no price' in page.inner_text('#agents-table tr[data-key="clerk"] .state')
    # Who looks later sees it too.
    with dashboard(nsproxy) as (link, _), browsing() as page:
        visit(page, link)
        page.wait_for_selector(card('victim', 'dead'))


def test_an_agent_that_is_stopped_by_the_system_is_marked_and_the_others_go_on(nsproxy):
    chromium()
    held, other = run_agent('held'), run_agent('other', base=Clerk)
    pid = held.execute_as_function(os.getpid)
    with dashboard(nsproxy) as (link, _), browsing() as page:
        visit(page, link)
        page.wait_for_selector(card('held', 'running'))
        os.kill(pid, signal.SIGSTOP)
        try:
            page.wait_for_selector(card('held', 'silent'))
            page.wait_for_selector(card('other', 'running'))
            page.click(card('other'))
            page.wait_for_selector('.method')
        finally:
            os.kill(pid, signal.SIGCONT)
        page.wait_for_selector(card('held', 'running'))
    assert other.get_attr('counted') == 0


def test_buttons_call_stop_and_restart(nsproxy):
    chromium()
    clerk = run_agent('clerk', base=Clerk, restart='transient')
    pid = clerk.execute_as_function(os.getpid)
    with dashboard(nsproxy) as (link, _), browsing() as page:
        visit(page, link)
        page.click(card('clerk'))
        page.click('.method:text-is("count")')
        page.fill('#call-args', '[5]')
        page.click('#dialog [data-confirm]')
        page.wait_for_selector('.result:not([hidden])')
        assert page.inner_text('.result') == '{\n  "counted": 5\n}'
        page.fill('#call-args', '["five", 6]')
        page.click('#dialog [data-confirm]')
        page.wait_for_selector('.problem:not(:empty)')
        assert clerk.get_attr('counted') == 5
        page.keyboard.press('Escape')
        page.wait_for_selector('#detail .log li')
        assert 'counted to 5' in page.inner_text('#detail .log')
        page.click('[data-action="restart"]')
        page.click('#dialog [data-confirm]')
        page.wait_for_selector('.toast')
        assert clerk.execute_as_function(os.getpid) != pid
        page.click('[data-action="stop"]')
        page.click('#dialog [data-confirm]')
        page.wait_for_selector(card('clerk', 'stopped'))
        assert not clerk.is_running()


def test_a_wrong_token_is_refused_in_the_browser(nsproxy):
    chromium()
    run_agent('clerk')
    with dashboard(nsproxy) as (link, _), browsing() as page:
        page.goto(link[:-1] + ('A' if link[-1] != 'A' else 'B'))
        assert 'needs its token' in page.inner_text('h1')
        page.goto(link.partition('?')[0])
        assert 'needs its token' in page.inner_text('h1')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(nsproxy, number):
    with dashboard(nsproxy) as (_, process):
        process.send_signal(number)
        assert process.wait(LONG) == Exit.OK
        assert process.stderr.read().endswith('The page has ended.\n')


def test_the_page_says_when_the_name_server_has_gone_and_goes_on_with_the_next():
    chromium()
    ns = run_nameserver()
    address = ns.addr()
    with dashboard(ns) as (link, _), browsing() as page:
        visit(page, link)
        ns.shutdown()
        until(page, 'document.getElementById("live").textContent.includes("name server")')
        with run_nameserver(address):
            run_agent('late', nsaddr=address)
            page.wait_for_selector(card('late', 'running'))
            page.wait_for_selector('#live[data-tone="good"]')
