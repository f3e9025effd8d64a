"""A browser without a window, for tests that look at the page as people do."""

import contextlib
import os
import shutil
import time

import pytest

QUIET = (
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
)
# Milliseconds; on an idle machine everything that is waited for takes less than a second.
LONG = 60_000


def chromium():
    found = os.environ.get('CHROMIUM') or next(filter(None, map(shutil.which, ('chromium', 'chromium-browser'))), None)
    if found is None:
        pytest.skip('no chromium on this machine (apt-get install chromium)')
    return found


@contextlib.contextmanager
def browsing(**options):
    """Open a page in a browser of its own; what goes wrong in its scripts is an error here."""
    api = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    program = chromium()
    wrong = []
    with (
        api.sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=list(QUIET), timeout=LONG) as browser,
    ):
        page = browser.new_page(**{'viewport': {'width': 1400, 'height': 900}, **options})
        page.set_default_timeout(LONG)
        page.on('pageerror', lambda error: wrong.append(str(error)))
        yield page
    assert wrong == []


def visit(page, link):
    """Open a link to the page, and wait until its scripts are there and know what there is."""
    page.goto(link)
    page.wait_for_selector('#live[data-tone]')


def until(page, expression):
    """Wait until *expression* is true in the page, whose policy forbids to have it do so by itself."""
    deadline = time.monotonic() + LONG / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)
