"""SYNC_PUB plugged together by lists: publications and replies in one stream, each reply for its requester only."""

import pytest

from osbrain._protocol.patterns.endpoint import Unreadable
from osbrain._protocol.patterns.sync_pub import SyncPub, SyncSub
from osbrain._protocol.requests import WayBack
from osbrain._protocol.serializers import CODECS
from osbrain.errors import HandlerRequired, ReplyHandlerRequired


class System:
    """A publisher and its subscribers, and the lists between them."""

    def __init__(self, channel, new_host, new_wire, serializer, handler):
        self.address, self.codec = channel('SYNC_PUB', serializer), CODECS[serializer]
        self.new_host, self.new_wire = new_host, new_wire
        self.pub = SyncPub(new_host(), self.address, self.codec, (new_wire(), new_wire()), handler)
        self.subs = []

    def subscriber(self, handler):
        twin = self.address.twin()
        sub = SyncSub(self.new_host(), twin, self.codec, (self.new_wire(), self.new_wire()), handler)
        sub.wire.connect(self.pub.wire)
        self.subs.append(sub)
        return sub, sub.host.agent

    def requests(self):
        """Hand the publisher what was asked."""
        for sub in self.subs:
            for frames in sub.wires[1].emptied():
                self.pub.requests.receive(frames)

    def publications(self):
        """Hand the subscribers what their sockets let through of what was published."""
        for frames in self.pub.wire.emptied():
            for sub in self.subs:
                for passed in sub.wire.passed([frames]):
                    sub.receive(passed)


@pytest.fixture
def system(channel, new_host, new_wire):
    def one(serializer='pickle', handler='echo'):
        return System(channel, new_host, new_wire, serializer, handler)

    return one


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill', 'json', 'raw'])
def test_publications_reach_every_subscriber(system, serializer):
    made = system(serializer)
    message = b'news' if serializer == 'raw' else 'news'
    agents = [made.subscriber('on_message')[1] for _ in range(2)]
    made.pub.send(message)
    made.publications()
    assert [agent.received for agent in agents] == [[message], [message]]


def test_topics_work_as_for_any_publisher_and_handlers_get_the_bare_topic(system):
    made = system()
    _, narrow = made.subscriber({'fo': 'on_topic'})
    _, broad = made.subscriber({'': 'on_message'})
    for topic in ('foobar', b'bar', None):
        made.pub.send(topic, topic)
    made.publications()
    assert narrow.received == [(b'fo', 'foobar')]
    assert broad.received == ['foobar', b'bar', None]


def test_topics_can_be_added_and_dropped_while_it_runs(system):
    made = system()
    sub, agent = made.subscriber({'a': 'on_message'})
    sub.subscribe({'b': 'on_message'})
    sub.unsubscribe('a')
    made.pub.send(1, 'a')
    made.pub.send(2, 'b')
    made.publications()
    assert agent.received == [2]


def test_a_reply_reaches_its_requester_only_and_keeps_its_place_in_the_stream(system):
    made = system(handler=lambda agent, message: ('reply', message))
    asking, asker = made.subscriber('on_message')
    _, other = made.subscriber('on_message')
    made.pub.send(1)
    asking.send('x', way_back=WayBack(handler=lambda agent, reply: agent.received.append(reply)))
    made.requests()
    made.pub.send(2)
    made.publications()
    assert asker.received == [1, ('reply', 'x'), 2]
    assert other.received == [1, 2]


@pytest.mark.parametrize('serializer', ['pickle', 'json', 'raw'])
def test_a_reply_is_heard_whatever_topics_were_subscribed(system, serializer):
    made = system(serializer)
    asking, agent = made.subscriber({'topic': 'on_message'})
    message = b'x' if serializer == 'raw' else 'x'
    asking.send(message, way_back=WayBack(handler='on_message'))
    made.requests()
    made.publications()
    assert agent.received == [message]


def test_a_request_needs_a_handler_and_asks_nothing_without(system):
    made = system()
    sub, _ = made.subscriber('on_message')
    with pytest.raises(ReplyHandlerRequired, match='No handler for SYNC_PUB request'):
        sub.send('x')
    assert sub.wires[1].sent == []
    assert sub.host.requests.pending == {}


def test_an_error_in_the_request_s_handler_reaches_on_error(system):
    def fail(agent, message):
        raise LookupError('why')

    made = system(handler=fail)
    sub, agent = made.subscriber('on_message')
    sub.send('x', way_back=WayBack(handler='on_message', on_error=lambda agent, error: agent.received.append(error)))
    with pytest.raises(LookupError):
        made.requests()
    made.publications()
    (error,) = agent.received
    assert isinstance(error, LookupError) and 'why' in str(error)


def test_a_yielded_reply_leaves_before_the_rest_runs(system):
    published = []

    def handler(agent, message):
        yield message
        published.extend(made.pub.wire.sent)

    made = system(handler=handler)
    sub, _ = made.subscriber('on_message')
    sub.send('x', way_back=WayBack(handler='on_message'))
    made.requests()
    assert len(published) == 1


def test_a_wait_without_reply_is_a_warning(system):
    made = system()
    sub, _ = made.subscriber('on_message')
    sub.send('x', way_back=WayBack(handler='on_message', wait=1))
    sub.host.waits[0].action()
    assert 'Did not receive request' in sub.host.warnings[0]


def test_large_publications_and_requests_travel_in_frames_of_their_own(system):
    made = system()
    sub, agent = made.subscriber('on_message')
    body = bytes(100_000)
    made.pub.send(body, 'topic')
    sub.send(body, way_back=WayBack(handler='on_message'))
    made.requests()
    assert [len(frames) for frames in made.pub.wire.sent] == [2, 2]
    made.publications()
    assert agent.received == [body, body]


@pytest.mark.parametrize('frames', [b'', b'x' * 31, b'x' * 40], ids=len)
def test_frames_that_are_no_request_are_unreadable(system, frames):
    made = system()
    with pytest.raises(Unreadable):
        made.pub.requests.receive(frames)
    assert made.pub.wire.sent == []


def test_both_sockets_of_either_end_are_named_so_that_they_close_together(system):
    made = system()
    sub, _ = made.subscriber('on_message')
    assert made.pub.wires == (made.pub.wire, made.pub.requests.wire)
    assert made.pub.parts == (made.pub, made.pub.requests)
    assert len(sub.wires) == 2 and sub.parts == (sub,)


def test_the_publisher_s_handler_is_checked_when_it_is_bound(channel, host, new_wire):
    with pytest.raises(TypeError):
        SyncPub(host, channel('SYNC_PUB'), CODECS['pickle'], (new_wire(), new_wire()), 3)
    assert issubclass(HandlerRequired, ValueError)
