"""What the contenders that use osbrain share; nothing here that 0.6.5 does not have."""

import contextlib
import time

import osbrain

LOOK_EVERY = 0.05  # seconds: often enough, and too rarely to disturb who is looked at


def be_open():
    """Have agents do over tcp what bare pyzmq does there, without CURVE, unless somebody asks for it.

    Releases that know no such setting are open anyway.
    """
    if osbrain.config.get('SECURITY', 'none') is None:
        osbrain.config['SECURITY'] = 'none'
    osbrain.config['LET_STRANGERS_RUN_CODE'] = True


@contextlib.contextmanager
def name_server():
    """Run a name server for the time of a work."""
    be_open()
    ns = osbrain.run_nameserver()
    try:
        yield ns
    finally:
        ns.shutdown()


def wait_for(agent, attribute):
    """Return the attribute of an agent as soon as it is not None; the caller's time limit ends a wait in vain."""
    while True:
        value = agent.get_attr(attribute)  # never waits for the agent's loop
        if value is not None:
            return value
        time.sleep(LOOK_EVERY)
