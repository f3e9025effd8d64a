"""What another user tries, without osbrain: each way to a path, and how that went, a line of JSON each."""

import errno
import json
import socket
import stat
import sys
from pathlib import Path


def connect(path):
    with socket.socket(socket.AF_UNIX) as ours:
        ours.settimeout(5)
        ours.connect(str(path))
        return 'connected'


def write(path):
    with path.open('ab'):
        return 'opened'


def listen_beside(path):
    with socket.socket(socket.AF_UNIX) as ours:
        ours.bind(f'{path}.mine')
        return 'bound'


def say(target):
    """Send bytes to a port, each part when what came back has ended; return all that comes back.

    It has ended when the other side closes, or says nothing for a while.
    """
    host, port, data = str(target).split(',')
    answer = b''
    with socket.create_connection((host, int(port)), timeout=5) as ours:
        for part in data.split('+'):
            try:
                ours.sendall(bytes.fromhex(part))
                ours.settimeout(2)
                while came := ours.recv(65536):
                    answer += came
                    ours.settimeout(0.3)
            except TimeoutError:
                continue
            except (ConnectionResetError, BrokenPipeError):
                break
    return answer.hex()


WAYS = {
    'say': say,
    'list': lambda path: sorted(one.name for one in path.iterdir()),
    'look': lambda path: stat.S_IFMT(path.stat().st_mode),
    'read': lambda path: path.read_bytes().hex(),
    'write': write,
    'connect': connect,
    'remove': lambda path: path.unlink(),
    'replace': lambda path: path.rename(f'{path}.old') and None,
    'listen beside': listen_beside,
}

for way, name in json.loads(sys.argv[1]):
    try:
        print(json.dumps(WAYS[way](Path(name))))
    except OSError as error:
        print(json.dumps(errno.errorcode[error.errno]))
