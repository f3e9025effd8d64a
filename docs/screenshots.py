"""Make the pictures of the page for README and manual: `python -m docs.screenshots` in the root of the repository.

The trading example runs, with a strategy that crashes half-way; the page looks at it, and Chromium, without a window,
at the page. It is that of the system (Debian's `chromium`), or the one in the environment variable CHROMIUM.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import threading
from datetime import date
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from examples.trading.plan import make_plan
from examples.trading.platform import Platform
from examples.trading.watch import Watch
from osbrain import SocketAddress, run_nameserver
from osbrain.dashboard.serving import listen, page

DOCS = Path(__file__).resolve().parent
CHROMIUM = ('chromium', 'chromium-browser', 'google-chrome')
# Nobody else is asked anything.
QUIET = (
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
)
# Dates of the example, and how many a second.
FIRST, LAST, SPEED = date(2004, 1, 1), date(2005, 12, 31), 12.0
SABOTAGED = 'crossover'
# Milliseconds that anything may take; most of it is over in one second.
PATIENCE = 120_000
# After the crash, for the others to show that they go on; the other half of the run takes longer.
HISTORY = 10_000


def chromium() -> str | None:
    """Return the program, if there is one."""
    return os.environ.get('CHROMIUM') or next(filter(None, map(shutil.which, CHROMIUM)), None)


def open_page(browser: Browser, link: str, theme: str) -> Page:
    """Open the page as on a screen with fine dots, and wait until all agents are there."""
    shown = browser.new_page(viewport={'width': 1440, 'height': 900}, device_scale_factor=1.25, color_scheme=theme)
    shown.set_default_timeout(PATIENCE)
    shown.goto(link)
    shown.click('.card[data-agent="broker"]')
    return shown


def take(address: SocketAddress, program: str) -> None:
    """Take both pictures of the system at *address*, one in the light and one in the dark."""
    listener = listen('127.0.0.1', 0)
    token = secrets.token_urlsafe()
    with page(address, listener, token), sync_playwright() as playwright:
        link = f'http://127.0.0.1:{listener.getsockname()[1]}/?token={token}'
        with playwright.chromium.launch(executable_path=program, args=list(QUIET)) as browser:
            pages = {theme: open_page(browser, link, theme) for theme in ('light', 'dark')}
            for shown in pages.values():
                shown.wait_for_selector(f'.card[data-agent="{SABOTAGED}"][data-state="stopped"]')
                shown.wait_for_timeout(HISTORY / len(pages))
            for theme, shown in pages.items():
                shown.mouse.move(0, 0)
                picture = DOCS / ('dashboard.png' if theme == 'light' else f'dashboard-{theme}.png')
                shown.screenshot(path=picture)
                sys.stdout.write(f'{picture}\n')


def main() -> int:
    """Run the example until the pictures are taken."""
    program = chromium()
    if program is None:
        sys.stderr.write('No chromium on this machine: apt-get install chromium, or set CHROMIUM.\n')
        return 1
    with run_nameserver() as nameserver:
        platform = Platform(make_plan(start=FIRST, end=LAST, speed=SPEED, sabotage=SABOTAGED))
        platform.wire()
        trading = threading.Thread(target=Watch(platform).trade, args=(lambda _done: None,), daemon=True)
        trading.start()
        take(nameserver.addr(), program)
    return 0


if __name__ == '__main__':
    sys.exit(main())
