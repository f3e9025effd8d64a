"""Give tests of the page a server with a system that exists on paper only."""

import contextlib

import pytest

pytest.importorskip('starlette')
pytest.importorskip('uvicorn')

from osbrain.dashboard.app import application
from osbrain.dashboard.guard import Guard
from osbrain.dashboard.observer import Observer
from osbrain.dashboard.serving import listen, serving

TOKEN = 'the-right-token'


@contextlib.contextmanager
def served(system, period=0.1):
    """Serve the page of *system*; give the link to it."""
    observer = Observer(system, period)
    listener = listen('127.0.0.1', 0)
    port = listener.getsockname()[1]
    try:
        with serving(Guard(application(observer, system), TOKEN, port), listener, before_end=observer.close):
            yield f'http://127.0.0.1:{port}/?token={TOKEN}'
    finally:
        observer.close()
