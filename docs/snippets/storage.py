"""A name server that is killed and started again with its file."""

import os
import signal
import tempfile
from pathlib import Path

from osbrain import NSProxy, run_agent
from osbrain.nameserver import random_nameserver_process, run_nameserver

if __name__ == '__main__':
    folder = tempfile.TemporaryDirectory()
    file = Path(folder.name) / 'names.sqlite'
    process = random_nameserver_process(storage=file)
    feed, broker = run_agent('feed'), run_agent('broker')
    dead = NSProxy().status()['broker'].pid

    os.kill(process.pid, signal.SIGKILL)
    process.join()
    os.kill(dead, signal.SIGKILL)

    ns = run_nameserver(process.addr, storage=file)
    print(ns.agents(), ns.status()['feed'].state)
    print(ns.proxy('feed').ping())
    ns.shutdown()
    folder.cleanup()
