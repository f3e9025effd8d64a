"""What an agent says of itself: its sockets and handlers, timers, methods and attributes."""

import dataclasses
import functools
import threading

import pytest

from osbrain import Agent, batched
from osbrain._agent.core import core_of
from osbrain._agent.description import describe
from osbrain._descriptions import AttributeDescription, HandlerDescription, MethodDescription

LIMIT = 5  # seconds for what takes milliseconds


@dataclasses.dataclass
class Limits:
    most: int = 3


class Trader(Agent):
    """Buy low.

    Sell high.
    """

    lots = 10

    def on_init(self):
        self.cash = 100.0
        self._secret = 'x'

    def buy(self, symbol: str, *, price: 'float | None' = None, limits=Limits()) -> bool:  # noqa: B008
        """Buy one."""

    def on_message(self, message):
        pass

    def on_topic(self, message, topic):
        pass

    @batched
    def on_many(self, messages):
        pass

    @staticmethod
    def rounded(price, digits=2):
        """Round it."""

    @classmethod
    def named(cls, name):
        pass

    @property
    def worth(self):
        raise AssertionError('asked')

    @functools.cached_property
    def history(self):
        raise AssertionError('asked')

    def __getattr__(self, name):
        raise AttributeError(name)


def own_function(agent, message):
    pass


def described(agent):
    return describe(core_of(agent))


def methods_of(agent):
    return {one.name: one for one in described(agent).methods}


def attributes_of(agent):
    return {one.name: one for one in described(agent).attributes}


def handlers_of(agent, alias):
    (found,) = [one for one in described(agent).endpoints if one.alias == alias]
    return found.handlers


def test_an_agent_says_who_it_is(new_agent):
    found = described(new_agent(Trader, 'a7'))
    assert (found.name, found.kind) == ('a7', f'{__name__}.Trader')
    assert (found.doc, found.running, found.on_error) == ('Buy low.', False, 'stop')


def test_a_class_without_documentation_has_none_and_not_that_of_its_base(new_agent):
    class Silent(Trader):
        pass

    assert described(new_agent(Silent)).doc == ''


def test_an_agent_of_no_class_of_its_own_is_an_agent(new_agent):
    found = described(new_agent())
    assert (found.kind, found.doc) == ('osbrain.Agent', '')


def test_a_running_agent_that_is_busy_is_described_too(new_agent, running):
    agent = new_agent(Trader)
    began, end = threading.Event(), threading.Event()

    def busy(agent):
        began.set()
        end.wait(LIMIT)

    with running(agent):
        agent.after(0, busy, alias='busy')
        assert began.wait(LIMIT)
        found = described(agent)
        end.set()
    assert found.running
    assert [(one.alias, one.due_in < 0) for one in found.timers] == [('busy', True)]


# -- Sockets and handlers ---------------------------------------------------------------------------------------------


def test_a_socket_is_described_with_all_its_aliases(new_agent):
    agent = new_agent(Trader)
    address = agent.bind('PULL', alias='orders', handler='on_message', serializer='json')
    agent.bind('PUSH')
    client = new_agent(Trader, 'b')
    client.connect(address, alias='out')
    client.connect(address, alias='again')
    orders, push = described(agent).endpoints
    assert (orders.alias, orders.aliases, orders.kind, orders.role) == ('orders', ('orders',), 'PULL', 'server')
    assert (orders.transport, orders.serializer, orders.security) == ('inproc', 'json', 'none')
    assert (push.alias, push.aliases, push.handlers) == (push.addresses[0], (), ())
    (out,) = described(client).endpoints
    assert (out.alias, out.aliases, out.role) == ('again', ('out', 'again'), 'client')
    assert out.addresses == orders.addresses


@pytest.mark.parametrize(
    'handler, names',
    [
        ('on_message', ('on_message',)),
        (own_function, ('own_function',)),
        (functools.partial(own_function), ('own_function',)),
        (['on_message', own_function], ('on_message', 'own_function')),
        (batched(lambda agent, messages: None), None),
        ('on_many', ('on_many',)),
        (print, ('print',)),
    ],
)
def test_handlers_go_by_the_names_that_they_were_given(new_agent, handler, names):
    agent = new_agent(Trader)
    agent.bind('PULL', alias='in', handler=handler)
    (found,) = handlers_of(agent, 'in')
    assert found.topic is None
    if names is not None:
        assert found.names == names
    else:
        assert found.names[0].startswith('lambda (test_description.py:')


def test_an_object_that_handles_messages_goes_by_its_class(new_agent):
    class Handler:
        def __call__(self, message):
            pass

    agent = new_agent(Trader)
    agent.bind('REP', alias='in', handler=Handler())
    assert handlers_of(agent, 'in') == (HandlerDescription(('Handler',)),)


def test_subscriptions_are_described_with_their_topics(new_agent):
    agent = new_agent(Trader)
    agent.bind('SUB', alias='in', handler={'a': 'on_message', b'\xff': 'on_topic'})
    agent.subscribe('in', {'b': own_function}, exact=True)
    assert handlers_of(agent, 'in') == (
        HandlerDescription(('on_message',), 'a'),
        HandlerDescription(('on_topic',), r'\xff'),
        HandlerDescription(('own_function',), 'b', True),
    )


def test_channels_are_described_with_both_of_their_sockets(new_agent):
    server, client = new_agent(Trader), new_agent(Trader, 'b')
    channel = server.bind('SYNC_PUB', alias='prices', handler='on_message')
    client.connect(channel, alias='feed', handler={'x': 'on_topic'})
    (prices,), (feed,) = described(server).endpoints, described(client).endpoints
    assert (prices.kind, feed.kind) == ('SYNC_PUB', 'SYNC_SUB')
    assert len(prices.addresses) == 2
    assert set(prices.addresses) == set(feed.addresses)
    assert prices.handlers == (HandlerDescription(('on_message',)),)
    assert feed.handlers == (HandlerDescription(('on_topic',), 'x'),)


def test_requests_and_work_are_described(new_agent):
    server, client = new_agent(Trader), new_agent(Trader, 'b')
    client.connect(server.bind('ASYNC_REP', alias='rep', handler='on_message'), alias='req', handler=own_function)
    client.connect(server.bind('ACK_PUSH', alias='work'), alias='worker', handler='on_message')
    assert handlers_of(server, 'rep') == (HandlerDescription(('on_message',)),)
    assert handlers_of(server, 'work') == ()
    assert handlers_of(client, 'req') == (HandlerDescription(('own_function',)),)
    assert handlers_of(client, 'worker') == (HandlerDescription(('on_message',)),)


def test_an_alias_need_not_be_text(new_agent):
    agent = new_agent(Trader)
    agent.bind('PUSH', alias=7)
    (found,) = described(agent).endpoints
    assert found.aliases == ('7',)


# -- Timers -----------------------------------------------------------------------------------------------------------


def test_timers_are_described(new_agent):
    agent = new_agent(Trader)
    agent.each(0.5, 'on_message', 1, alias='often')
    agent.after(100, own_function, 2)
    agent.after(100, lambda agent: None, alias='stopped')
    agent.stop_timer('stopped')
    often, once = described(agent).timers
    assert (often.alias, often.method, often.period) == ('often', 'on_message', 0.5)
    assert (once.method, once.period) == ('own_function', None)
    assert once.alias.startswith('timer-')
    assert often.due_in <= 0 < once.due_in <= 100


# -- Methods ----------------------------------------------------------------------------------------------------------


def test_methods_are_described_without_the_agent_itself(new_agent):
    agent = new_agent(Trader)
    agent.set_method(own_function, added=lambda agent, a=1: a)
    found = methods_of(agent)
    signature = '(symbol: str, *, price: float | None = None, limits=Limits(most=3)) -> bool'
    assert found['buy'] == MethodDescription('buy', signature, 'Buy one.', False)
    assert found['rounded'] == MethodDescription('rounded', '(price, digits=2)', 'Round it.', False)
    assert found['named'].signature == '(name)'
    assert found['own_function'].signature == '(message)'
    assert found['added'].signature == '(a=1)'
    assert not any(name.startswith('_') for name in found)


def test_what_every_agent_has_is_told_from_what_this_one_has(new_agent):
    found = methods_of(new_agent(Trader))
    assert found['send'].inherited
    assert not found['on_init'].inherited
    assert {name for name, one in found.items() if not one.inherited} == {
        'buy', 'on_init', 'on_many', 'on_message', 'on_topic', 'rounded', 'named',
    }  # fmt: skip


def test_a_method_that_hides_its_signature_is_described_all_the_same(new_agent):
    class Odd(Agent):
        def odd(self):
            pass

        odd.__signature__ = 'none'

    assert methods_of(new_agent(Odd))['odd'].signature == '(...)'


def test_a_default_is_not_asked_what_it_looks_like(new_agent):
    class Failing:
        def __repr__(self):
            raise AssertionError('asked')

    class Odd(Agent):
        def odd(self, a=Failing(), b: Failing() = 1):  # noqa: B008
            pass

    assert methods_of(new_agent(Odd))['odd'].signature == '(a=<Failing>, b: <Failing> = 1)'


# -- Attributes -------------------------------------------------------------------------------------------------------


def test_public_attributes_are_described_of_the_agent_and_its_class(new_agent):
    agent = new_agent(Trader, attributes={'prices': {'a': 1}})
    assert attributes_of(agent) == {
        'cash': AttributeDescription('cash', 'float', '100.0'),
        'history': AttributeDescription('history', 'property', ''),
        'lots': AttributeDescription('lots', 'int', '10'),
        'prices': AttributeDescription('prices', 'dict', "{'a': 1}"),
        'worth': AttributeDescription('worth', 'property', ''),
    }


def test_an_agent_of_no_class_of_its_own_has_neither_methods_nor_attributes_of_its_own(new_agent):
    found = described(new_agent())
    assert found.attributes == ()
    assert all(one.inherited for one in found.methods)


def test_an_attribute_whose_repr_fails_does_no_harm(new_agent):
    class Failing:
        def __repr__(self):
            raise ValueError('no')

    agent = new_agent(attributes={'bad': Failing(), 'good': 1})
    assert attributes_of(agent)['bad'].value == '<Failing, whose repr failed: ValueError>'
    assert attributes_of(agent)['good'].value == '1'
