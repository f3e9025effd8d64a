"""Sockets that nobody listens on are removed, once they are old enough to be known as dead; nothing else is."""

import os
import socket
import time

import pytest

from osbrain._io import dead_sockets
from osbrain._io.dead_sockets import remove_dead_sockets


@pytest.fixture
def put(folder):
    """Put a socket into the folder, as old as given; return the listening socket, which is open."""
    made = []

    def one(name, age=60.0, listens=True):
        path = folder / name
        made.append(socket.socket(socket.AF_UNIX))
        made[-1].bind(str(path))
        if listens:
            made[-1].listen()
        os.utime(path, (time.time() - age,) * 2)
        return made[-1]

    yield one
    for each in made:
        each.close()


@pytest.fixture(params=[True, False], ids=['listed', 'not listed'])
def listing(request, monkeypatch):
    if not request.param:
        monkeypatch.setattr(dead_sockets, '_listed', set)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_only_old_sockets_that_nobody_has_are_removed(folder, put, listing):
    put('dead').close()
    put('dead too').close()
    put('living')
    put('young', age=0).close()
    (folder / 'file').touch()
    os.utime(folder / 'file', (0, 0))
    (folder / 'folder').mkdir()
    (folder / 'link').symlink_to(folder / 'living')
    assert remove_dead_sockets(folder) == 2
    assert names(folder) == ['file', 'folder', 'link', 'living', 'young']


def test_one_that_is_bound_and_does_not_listen_yet_stays(folder, put):
    put('about to listen', listens=False)
    assert remove_dead_sockets(folder) == 0
    assert names(folder) == ['about to listen']


def test_one_that_is_too_busy_to_answer_stays(folder, put, listing):
    busy = put('busy')
    busy.listen(0)
    with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(str(folder / 'busy'))
        assert remove_dead_sockets(folder) == 0


def test_a_folder_that_is_not_there_holds_none(folder):
    assert remove_dead_sockets(folder / 'missing') == 0


def test_they_can_be_told_without_being_removed(folder, put, listing):
    put('dead').close()
    put('living')
    assert dead_sockets.dead_sockets(folder) == [folder / 'dead']
    assert names(folder) == ['dead', 'living']
