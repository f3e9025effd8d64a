"""Let the notebooks be brought up to date: pytest tests/notebooks --refresh writes what they show now."""

import pytest


def pytest_addoption(parser):
    parser.addoption(
        '--refresh',
        action='store_true',
        help='write the fresh output into the notebooks instead of comparing it with what is there',
    )


@pytest.fixture
def refresh(request):
    """Whether the notebooks are to be written."""
    # The option is unknown when pytest was not started on this folder.
    return request.config.getoption('--refresh', default=False)
