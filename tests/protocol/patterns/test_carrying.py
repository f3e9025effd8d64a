"""Endpoints that carry send what a serializer has written before, and hand out what came as it came."""

import pytest

from osbrain._protocol.patterns.pub_sub import Pub
from osbrain._protocol.patterns.push_pull import Pull, Push
from osbrain._protocol.serializers import CODECS

SERIALIZERS = sorted(CODECS)
MESSAGE = {name: b'bytes' if name == 'raw' else ['a', 1, None] for name in SERIALIZERS}


@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_what_is_carried_is_handled_as_if_it_had_been_written_here(make, agent, serializer):
    push, pull = make(Push, 'PUSH', serializer), make(Pull, 'PULL', serializer, 'on_message')
    push.carry()
    push.send(CODECS[serializer].dump(MESSAGE[serializer]))
    pull.receive(*push.wire.emptied())
    assert agent.received == [MESSAGE[serializer]]


@pytest.mark.parametrize('serializer', SERIALIZERS)
def test_what_is_published_so_is_the_same_on_the_wire(make, serializer):
    usual, carrying = make(Pub, 'PUB', serializer), make(Pub, 'PUB', serializer)
    carrying.carry()
    for pub in (usual, carrying):
        pub.receive(b'\x01')
    usual.send(MESSAGE[serializer], topic='topic')
    carrying.send(CODECS[serializer].dump(MESSAGE[serializer]), topic=b'topic')
    assert usual.wire.emptied() == carrying.wire.emptied()


@pytest.mark.parametrize('frames', [b'not even a pickle', [b'several', b'frames']])
def test_nothing_is_read_of_what_comes(make, agent, frames):
    pull = make(Pull, 'PULL', 'pickle', 'on_message')
    pull.carry()
    pull.receive(frames)
    assert agent.received == [frames]


def test_a_batch_comes_in_one_piece(make, agent):
    push, pull = make(Push, 'PUSH'), make(Pull, 'PULL', 'pickle', 'on_message')
    pull.carry()
    push.send_many([1, 2, 3])
    (frame,) = push.wire.emptied()
    assert pull.split(frame) == [frame]
