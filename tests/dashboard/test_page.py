"""The page in a browser, looking at a system that exists on paper only."""

import re

import pytest

from tests.dashboard.browsing import browsing, until, visit
from tests.dashboard.conftest import served
from tests.dashboard.made_up import MadeUp, agent, edge, hundred


def graph_of(page):
    """Who is drawn, and who is drawn connected to whom."""
    cards = page.evaluate("[...document.querySelectorAll('.card')].map((card) => card.dataset.agent)")
    lines = page.evaluate("[...document.querySelectorAll('.link')].map((line) => [line.dataset.from, line.dataset.to])")
    return sorted(cards), {frozenset(line) for line in lines}


def places_of(page):
    return page.evaluate("[...document.querySelectorAll('.card')].map((card) => card.getAttribute('transform'))")


def rows_of(page, table, *columns):
    """The cells of some columns of a table, as they stand there."""
    read = '([table, columns]) => [...document.querySelectorAll(`${table} tbody tr`)].map('
    read += '(row) => columns.map((column) => row.querySelector(`.${column}`).textContent))'
    return page.evaluate(read, [table, columns])


def card(name):
    return f'.card[data-agent="{name}"]'


@pytest.fixture
def small():
    agents = {'feed': agent('lab.Feed', sent=40.0), 'sink': agent('lab.Sink', sent=0, received=40.0, supervised=True)}
    return MadeUp(agents, [edge('feed', 'sink', sent=40.0)])


def test_a_hundred_agents_are_drawn_and_listed_as_they_are():
    system = hundred()
    with served(system) as link, browsing() as page:
        visit(page, link)
        cards, lines = graph_of(page)
        assert cards == sorted(system.agents)
        assert lines == {frozenset((one['source'], one['target'])) for one in system.edges.values()}
        # Nobody stands where somebody else does.
        assert len(set(places_of(page))) == 100
        assert sorted(row[0] for row in rows_of(page, '#agents-table', 'name')) == cards
        page.click('#tab-connections')
        found = rows_of(page, '#connections-table', 'source', 'source_alias', 'kinds', 'target', 'target_alias')
        assert sorted(found) == sorted(
            [
                one['source'],
                one['source_alias'],
                f'{one["source_kind"]} → {one["target_kind"]}',
                one['target'],
                one['target_alias'],
            ]
            for one in system.edges.values()
        )


def test_rates_states_and_reasons_follow_what_happens(small):
    with served(small) as link, browsing() as page:
        visit(page, link)
        until(page, "document.querySelector('.label')?.textContent === '40/s'")
        small.edges = {key: {**one, 'sent': 1234.0} for key, one in small.edges.items()}
        until(page, "document.querySelector('.label').textContent === '1.2k/s'")
        small.agents['sink'] = agent('lab.Sink', 'dead', reason='killed by SIGKILL', ended=1_790_000_100.0)
        page.wait_for_selector(card('sink') + '[data-state="dead"]')
        assert 'dead: killed by SIGKILL' in page.inner_text('#agents-table tr[data-key="sink"] .state')
        said = "document.getElementById('announcer').textContent"
        until(page, f"{said}.includes('sink: dead, killed by SIGKILL')")
        assert page.title() == '(1) osbrain'
        page.click(card('sink'))
        assert 'killed by SIGKILL' in page.inner_text('#detail .reason')
        # The dead can be asked nothing.
        assert not page.is_visible('#detail .actions')
        del small.agents['sink']
        until(page, "document.querySelectorAll('.card').length === 1")


def test_a_button_acts_behind_a_question_and_tells_what_came_of_it(small):
    with served(small) as link, browsing() as page:
        visit(page, link)
        page.click(card('sink'))
        page.click('[data-action="restart"]')
        assert page.inner_text('#dialog-title') == 'Restart sink?'
        page.keyboard.press('Escape')
        page.click('[data-action="stop"]')
        assert small.acted == []
        page.click('#dialog [data-confirm]')
        page.wait_for_selector('.toast')
        assert page.inner_text('.toast') == 'stop is done.'
        assert small.acted == [('stop', {'name': 'sink'})]
        page.keyboard.press('Escape')
        page.click(card('feed'))
        assert page.is_disabled('[data-action="restart"]')


def test_a_method_is_called_with_json_and_its_result_is_shown(small):
    with served(small) as link, browsing() as page:
        visit(page, link)
        page.click(card('feed'))
        page.click('.method')
        page.fill('#call-args', '["IBM"')
        page.click('#dialog [data-confirm]')
        page.wait_for_selector('.problem:not(:empty)')
        assert 'no JSON list' in page.inner_text('.problem')
        assert small.acted == []
        page.fill('#call-args', '["IBM"]')
        page.click('#dialog [data-confirm]')
        page.wait_for_selector('.result:not([hidden])')
        assert page.inner_text('.result') == '42.5'
        assert small.acted == [('call', {'name': 'feed', 'method': 'price', 'args': ['IBM'], 'kwargs': {}})]


def test_the_table_sorts_and_filters():
    names = {'a2': 5, 'a10': 50, 'b': 0.5}
    system = MadeUp({name: agent('lab.X', sent=sent) for name, sent in names.items()})
    with served(system) as link, browsing() as page:
        visit(page, link)
        page.wait_for_selector('#agents-table tbody tr')

        def listed():
            return [row[0] for row in rows_of(page, '#agents-table', 'name')]

        assert listed() == ['a2', 'a10', 'b']
        page.click('#agents-table thead button:has-text("Out")')
        assert listed() == ['a10', 'a2', 'b']
        page.click('#agents-table thead button:has-text("Out")')
        assert listed() == ['b', 'a2', 'a10']
        assert page.get_attribute('#agents-table th[aria-sort]', 'aria-sort') == 'ascending'
        page.keyboard.press('/')
        page.keyboard.type('a1')
        assert listed() == ['a10']
        assert page.inner_text('#count') == '1 of 3'


def test_everything_is_reached_with_the_keyboard(small):
    with served(small) as link, browsing() as page:
        visit(page, link)
        page.wait_for_selector(card('feed'))
        page.focus(card('feed'))
        assert 'feed, Feed, running' in page.get_attribute(card('feed'), 'aria-label')
        page.keyboard.press('ArrowRight')
        assert page.evaluate('document.activeElement.dataset.agent') == 'sink'
        page.keyboard.press('Enter')
        assert page.inner_text('#detail h2') == 'sink'
        page.keyboard.press('Escape')
        assert page.is_hidden('#detail')
        page.focus('#tab-graph')
        page.keyboard.press('ArrowRight')
        assert page.is_visible('#connections-table')
        page.focus('#agents-table tbody button')
        page.keyboard.press('ArrowDown')
        page.keyboard.press('Enter')
        assert page.inner_text('#detail h2') == 'sink'


def test_log_lines_are_shown_as_they_come_and_as_text(small):
    small.lines['1'] = {'agent': 'feed', 'when': 1_790_000_000.0, 'level': 'INFO', 'text': 'first'}
    with served(small) as link, browsing() as page:
        visit(page, link)
        page.click('#tab-log')
        page.wait_for_selector('#log li')
        markup = '<img src=x onerror=alert(1)>'
        small.lines['2'] = {'agent': 'sink', 'when': 1_790_000_001.0, 'level': 'ERROR', 'text': markup}
        small.lines['3'] = {'agent': 'sink', 'when': 1_790_000_002.0, 'level': 'DEBUG', 'text': 'quiet'}
        until(page, "document.querySelectorAll('#log li').length === 2")
        assert page.inner_text('#log li:last-child .text') == markup
        page.select_option('#level', 'DEBUG')
        assert page.locator('#log li .text').all_inner_texts() == ['first', markup, 'quiet']


def test_names_of_any_kind_do_no_harm():
    name = '"><script>alert(1)</script>\' & \u202e \U0001f40d' + 'x' * 300
    system = MadeUp({name: agent('<b>'), 'b': agent()}, [edge(name, 'b', aliases=('<i>', '${x}'))])
    with served(system) as link, browsing() as page:
        visit(page, link)
        page.wait_for_selector(card('b'))
        assert graph_of(page) == (sorted(system.agents), {frozenset((name, 'b'))})
        page.click('#agents-table tbody tr:first-child button')
        assert page.evaluate("document.querySelector('#detail h2').textContent") == name
        assert page.evaluate('document.querySelectorAll("script").length') == 1


READ = ('#detail .muted', '#agents-table td.state', '.top .where', '#agents-table thead button', '.badge', '.act.kill')


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_text_can_be_read_in_the_light_and_in_the_dark(small, scheme):
    with served(small) as link, browsing(color_scheme=scheme) as page:
        visit(page, link)
        page.click(card('sink'))
        page.wait_for_selector('#detail .badge')
        for what in READ:
            # WCAG 2.2, 1.4.3: 4.5 to 1 for text of this size.
            assert contrast(page, what) >= 4.5, what
        before = page.evaluate('getComputedStyle(document.body).backgroundColor')
        for _ in range(2):
            page.click('#theme')
        assert (page.evaluate('getComputedStyle(document.body).backgroundColor') != before) == (scheme == 'light')


def contrast(page, selector):
    """The contrast of a text to what is behind it, by WCAG's formula."""
    climb = 'while (getComputedStyle(one).backgroundColor === "rgba(0, 0, 0, 0)") one = one.parentElement;'
    # In one go: what is shown may be replaced at any moment.
    colours = page.evaluate(
        f'(selector) => {{ let one = document.querySelector(selector); const text = getComputedStyle(one).color;'
        f' {climb} return [text, getComputedStyle(one).backgroundColor]; }}',
        selector,
    )
    dark, bright = sorted(map(luminance, colours))
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [int(number) / 255 for number in re.findall(r'\d+', colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_wrong_token_is_refused_and_a_new_one_asked_for(small):
    with served(small) as link, browsing() as page:
        page.goto(link[:-1])
        assert 'needs its token' in page.inner_text('h1')
        visit(page, link)
        page.wait_for_selector(card('feed'))
        # The token does not stay where others may see it.
        assert 'token' not in page.url
        page.context.clear_cookies()
        page.reload()
        assert 'needs its token' in page.inner_text('h1')


def test_a_page_whose_server_has_ended_says_so(small):
    with browsing() as page:
        with served(small) as link:
            visit(page, link)
        page.wait_for_selector('#live[data-tone="warn"]')
        assert 'connection lost' in page.inner_text('#live')


def test_the_same_system_is_always_laid_out_the_same(small):
    system = hundred()
    with served(system) as link, browsing() as page:
        visit(page, link)
        before = places_of(page)
        system.edges = {key: {**one, 'sent': 7777.0} for key, one in system.edges.items()}
        titles = "[...document.querySelectorAll('.link title')]"
        until(page, f"{titles}.every((title) => title.textContent.includes('7.8k/s'))")
        assert places_of(page) == before
