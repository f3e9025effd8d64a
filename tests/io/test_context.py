"""A context ends although its sockets were forgotten, and has room for many of them."""

import threading

import zmq

from osbrain._io.context import give_back, new_context


def test_a_context_has_room_for_more_sockets_than_zeromq_grants_by_itself():
    context = new_context()
    try:
        assert context.get(zmq.MAX_SOCKETS) > zmq.Context.instance().get(zmq.MAX_SOCKETS)
    finally:
        context.term()


def test_giving_back_closes_the_sockets_that_are_open():
    context = new_context()
    sockets = {context.socket(zmq.PUSH) for _ in range(3)}
    next(iter(sockets)).close()
    ended = threading.Thread(target=give_back, args=(context, sockets))
    ended.start()
    ended.join(5)
    assert not ended.is_alive()
    assert context.closed and all(one.closed for one in sockets)
