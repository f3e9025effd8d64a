"""Which versions an interpreter has: printed as JSON, for the head of the table."""

import json
import platform

import zmq

try:
    from osbrain import __version__ as osbrain_version
except ImportError:
    osbrain_version = None

if __name__ == '__main__':
    print(
        json.dumps(
            {
                'osbrain': osbrain_version,
                'python': platform.python_version(),
                'pyzmq': zmq.__version__,
                'libzmq': zmq.zmq_version(),
            }
        )
    )
