"""Give tests of real processes a name server that is gone when they are."""
import pytest

from osbrain import run_nameserver


@pytest.fixture
def nsproxy():
    """A running name server; whatever is registered when the test ends is shut down with it."""
    ns = run_nameserver()
    yield ns
    ns.shutdown()
