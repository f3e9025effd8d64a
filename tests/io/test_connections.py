"""Sockets that know whether somebody is connected: what is built on it when either end dies and comes back."""

import pytest
import zmq

from osbrain._clock import Deadline
from osbrain._io.connections import announce, know_peers
from osbrain._io.poller import wait_readable
from osbrain._protocol.patterns.endpoint import PeerGone
from osbrain.errors import WaitTimeout

LIMIT = 5


@pytest.fixture
def ends(new_wire, places):
    """A ROUTER, and a DEALER connected to it; and how to bind another ROUTER in the first one's place."""

    def both(transport):
        def bound(endpoint):
            router = new_wire(zmq.ROUTER)
            know_peers(router)
            return router, router.bind(endpoint, *places[transport][1:])

        router, endpoint = bound(places[transport][0])
        dealer = new_wire(zmq.DEALER)
        announce(dealer)
        dealer.connect(endpoint)
        return router, dealer, lambda: bound(endpoint)[0]

    return both


def heard(router, dealer):
    """What arrives at the router next, while both are looked after as a loop does."""
    deadline = Deadline(LIMIT)
    while not deadline.expired:
        dealer.has_news()
        messages, _ = router.take(1)
        if messages:
            return messages[0]
        wait_readable([router.fd, dealer.fd], 0.01)
    return None


@pytest.mark.parametrize('transport', ['ipc', 'tcp', 'inproc'])
def test_a_connection_announces_itself(ends, transport):
    router, dealer, _ = ends(transport)
    _, frame = heard(router, dealer)
    assert frame == b''


@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_it_does_again_when_the_other_end_has_been_away(ends, transport):
    router, dealer, again = ends(transport)
    heard(router, dealer)
    router.close(0)
    deadline = Deadline(LIMIT)
    while not deadline.expired:
        try:
            dealer.send(b'lost', 0)
        except WaitTimeout:
            break
        wait_readable([dealer.fd], 0.01)
    with pytest.raises(WaitTimeout):
        dealer.send(b'nobody is there', 0)
    _, frame = heard(again(), dealer)
    assert frame == b''


def test_who_has_gone_cannot_be_written_to(ends):
    router, dealer, _ = ends('tcp')
    identity, _ = heard(router, dealer)
    router.send([identity, b'x'])
    dealer.close(0)
    deadline = Deadline(LIMIT)
    with pytest.raises(PeerGone):
        while not deadline.expired:
            router.send([identity, b'x'])
            wait_readable([router.fd], 0.01)
