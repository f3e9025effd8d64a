"""A change of keys: the key of a cluster is replaced while everything runs, and nobody is shut out.

Take it for a key that has been in use for long enough. In a shell it is the same two commands, `osbrain keys rotate`
and `osbrain keys rotate --finish`; between them both keys are accepted, and processes read the file by themselves.
"""

import json
import os
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from osbrain import Proxy, run_agent, run_nameserver
from osbrain.cli import main


def keys(*words):
    """Do what `osbrain keys` does in a shell; return what it prints."""
    with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()):
        main(['keys', *words])
    return printed.getvalue()


def report(when):
    accepted = json.loads(keys('show-fingerprint', '--json'))['keys']
    # A new proxy makes a new connection, for which both ends show that they have the key.
    print(f'{when}: {len(accepted)} accepted, the clerk says {Proxy("clerk").ping()}')
    return accepted


if __name__ == '__main__':
    with tempfile.TemporaryDirectory() as folder:
        # A key of this program's own, so that yours stays what it is.
        os.environ['OSBRAIN_KEY_FILE'] = str(Path(folder, 'cluster.key'))
        keys('new')
        with run_nameserver():
            run_agent('clerk')
            (first,) = report('with the first key')
            keys('rotate')
            second, old = report('with the second, while the first is still accepted')
            keys('rotate', '--finish')
            (last,) = report('with the second alone')
    print('the key has changed:', first == old != second == last)
