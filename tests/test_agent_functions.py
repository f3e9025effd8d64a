"""What ``osbrain.agent`` offers without any process: functions, and agents as local objects."""

import gc
import json
import pickle
import re
import threading
import time
import warnings
from datetime import datetime, timezone

import cloudpickle
import dill
import pytest

import osbrain
from osbrain import Agent
from osbrain.address import AgentAddressSerializer
from osbrain.agent import (
    TOPIC_SEPARATOR,
    compose_message,
    deserialize_message,
    execute_code_after_yield,
    serialize_message,
)

PICKLES = {'pickle': pickle, 'cloudpickle': cloudpickle, 'dill': dill}


# ---- messages ------------------------------------------------------------------------------


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill', 'json'])
@pytest.mark.parametrize(
    'message',
    [None, True, 42, 1.5, 'año', [1, [2, 3]], {'price': 101.25, 'lots': [1, 2]}, ''],
    ids=repr,
)
def test_what_is_serialized_comes_back(serializer, message):
    serialized = serialize_message(message, serializer)
    assert isinstance(serialized, bytes)
    assert deserialize_message(serialized, serializer) == message
    assert deserialize_message(memoryview(serialized), serializer) == message
    assert serialize_message(message, AgentAddressSerializer(serializer)) == serialized


@pytest.mark.parametrize('serializer', sorted(PICKLES))
def test_pickles_keep_types_and_use_the_highest_protocol(serializer):
    message = (b'\x80', {1, 2}, datetime(2024, 5, 1), 3 + 4j)
    serialized = serialize_message(message, serializer)
    assert serialized[:2] == bytes([0x80, pickle.HIGHEST_PROTOCOL])
    assert PICKLES[serializer].loads(serialized) == message
    assert deserialize_message(serialized, serializer) == message


@pytest.mark.parametrize('serializer', ['cloudpickle', 'dill'])
def test_cloudpickle_and_dill_carry_closures(serializer):
    step = 5
    function = deserialize_message(serialize_message(lambda x: x + step, serializer), serializer)
    assert function(2) == 7


def test_json_is_utf8_text_without_tuples_and_without_bytes():
    serialized = serialize_message({'name': 'año', 'pair': (1, 2)}, 'json')
    assert json.loads(serialized.decode('utf-8')) == {'name': 'año', 'pair': [1, 2]}
    assert deserialize_message('["año"]'.encode(), 'json') == ['año']
    with pytest.raises(TypeError):
        serialize_message({'data': b'bytes'}, 'json')


@pytest.mark.parametrize('message', [b'', b'\x80\x00raw', memoryview(b'view'), object()])
def test_raw_messages_are_left_alone(message):
    assert serialize_message(message, 'raw') is message
    assert deserialize_message(message, 'raw') is message


def test_unknown_serializers_are_named_in_the_error():
    with pytest.raises(ValueError, match='not supported for serialization') as error:
        serialize_message('text', 'yaml')
    assert 'yaml' in str(error.value)
    with pytest.raises(ValueError, match='not supported for deserialization') as error:
        deserialize_message(b'text', 'yaml')
    assert 'yaml' in str(error.value)


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill', 'json'])
@pytest.mark.parametrize('topic', [b'', b'topic'])
def test_a_separator_parts_topic_and_message(serializer, topic):
    assert TOPIC_SEPARATOR == b'\x80'
    composed = compose_message(b'message', topic, AgentAddressSerializer(serializer))
    assert composed == topic + b'\x80' + b'message'


def test_nothing_parts_topic_and_message_of_raw_sockets():
    raw = AgentAddressSerializer('raw')
    assert compose_message(b'message', b'topic', raw) == b'topicmessage'
    assert compose_message(b'message', b'', raw) == b'message'
    for text in ('raw', 'pickle'):
        with pytest.raises((AttributeError, TypeError, ValueError)):
            compose_message(b'message', b'topic', text)


def test_the_code_after_the_one_yield_of_a_handler_is_executed():
    steps = []

    def handler():
        steps.append('before')
        yield 'reply'
        steps.append('after')

    generator = handler()
    assert next(generator) == 'reply'
    assert steps == ['before']
    execute_code_after_yield(generator)
    assert steps == ['before', 'after']


def test_a_second_yield_and_other_errors_after_the_first_are_errors():
    def twice():
        yield 1
        yield 2

    def failing():
        yield 1
        raise KeyError('late')

    generator = twice()
    next(generator)
    with pytest.raises(ValueError, match='Reply handler yielded more than once!'):
        execute_code_after_yield(generator)
    generator = failing()
    next(generator)
    with pytest.raises(KeyError, match='late'):
        execute_code_after_yield(generator)


# ---- construction --------------------------------------------------------------------------


def test_a_hundred_local_agents_are_built_at_once_with_names_of_their_own():
    begin = time.monotonic()
    agents = [Agent() for _ in range(100)]
    assert time.monotonic() - begin < 5
    assert len({agent.name for agent in agents}) == 100
    assert len({agent._uuid for agent in agents}) == 100
    for agent in agents:
        assert isinstance(agent._uuid, bytes)
        assert agent.name == agent._uuid.decode()
        assert agent.is_running() is False
        assert agent.ping() == 'pong'


def test_constructor_parameters_are_kept():
    agent = Agent('Ana')
    assert agent.name == 'Ana'
    assert (agent._host, agent._serializer, agent._transport) == ('127.0.0.1', None, None)
    assert agent._poll_timeout == 1000
    assert agent._DEBUG is False

    agent = Agent(name=None, host='127.0.0.2', serializer='json', transport='tcp')
    assert agent.name == agent._uuid.decode()
    assert (agent._host, agent._serializer, agent._transport) == ('127.0.0.2', 'json', 'tcp')


def test_defaults_of_a_local_agent_decide_how_it_binds(monkeypatch):
    agent = Agent(host='127.0.0.1', serializer='json', transport='tcp')
    address = agent.bind('PUSH')
    assert (address.transport, address.serializer) == ('tcp', 'json')
    assert address.address.host == '127.0.0.1'
    agent.close_all()

    agent = Agent()
    monkeypatch.setitem(osbrain.config, 'SERIALIZER', 'dill')
    monkeypatch.setitem(osbrain.config, 'TRANSPORT', 'inproc')
    address = agent.bind('PUSH')
    assert (address.transport, address.serializer) == ('inproc', 'dill')
    agent.close_all()


def test_attributes_are_there_when_on_init_runs():
    class Trader(Agent):
        currency = 'EUR'

        def on_init(self):
            self.budget = 2 * self.cash
            self.seen_name = self.name

    agent = Trader('t', attributes={'cash': 100, '_private': 'p', 'strategy': lambda x: -x})
    assert (agent.cash, agent.budget, agent.seen_name) == (100, 200, 't')
    assert agent._private == 'p'
    assert agent.strategy(3) == -3


@pytest.mark.parametrize('key', ['name', 'ping', 'on_init', 'currency', 'quote', '_uuid'])
def test_an_attribute_that_the_agent_already_has_is_an_error(key):
    class Trader(Agent):
        currency = 'EUR'

        def quote(self):
            return 1

    with pytest.raises(KeyError) as error:
        Trader(attributes={'fine': 1, key: 'mine'})
    assert 'Agent already has "%s" attribute!' % key in str(error.value)


def test_an_exception_in_on_init_leaves_the_constructor():
    class Broken(Agent):
        def on_init(self):
            raise ZeroDivisionError('in on_init')

    with pytest.raises(ZeroDivisionError, match='in on_init'):
        Broken()


def test_a_subclass_may_override_the_constructor():
    class Wrapped(Agent):
        def __init__(self, name='', host=None, serializer=None, transport=None, attributes=None):
            self.early = 'set before the base class'
            super().__init__(
                name=name,
                host=host,
                serializer=serializer,
                transport=transport,
                attributes=attributes,
            )
            self.late = self.early.upper()

        def on_init(self):
            self.from_init = self.early

    agent = Wrapped(name='w', attributes={'x': 1})
    assert (agent.name, agent.x, agent.from_init) == ('w', 1, 'set before the base class')
    assert agent.late == 'SET BEFORE THE BASE CLASS'
    with pytest.raises(KeyError, match='Agent already has "early" attribute!'):
        Wrapped(attributes={'early': 1})


# ---- attributes and methods ----------------------------------------------------------------


def test_set_attr_sets_any_attributes_in_the_given_order():
    class Recorder(Agent):
        def on_init(self):
            self.order = []

        first = property(lambda self: 1, lambda self, value: self.order.append(('first', value)))
        last = property(lambda self: 2, lambda self, value: self.order.append(('last', value)))

    agent = Recorder()
    assert agent.set_attr(last=1, first=2, _private='p', plain=[1]) is None
    assert agent.set_attr(first=3, last=4) is None
    assert agent.order == [('last', 1), ('first', 2), ('first', 3), ('last', 4)]
    assert (agent._private, agent.plain) == ('p', [1])


def test_get_attr_finds_instance_and_class_attributes_properties_and_methods():
    class Circle(Agent):
        unit = 'cm'

        def on_init(self):
            self.radius = 2

        @property
        def diameter(self):
            return 2 * self.radius

        def scaled(self, factor):
            return factor * self.radius

    agent = Circle('c')
    for name, value in [('name', 'c'), ('unit', 'cm'), ('radius', 2), ('diameter', 4)]:
        assert agent.get_attr(name) == value
    assert agent.get_attr('_running') is False
    assert agent.get_attr('_pending_requests') == {}
    assert agent.get_attr('scaled')(10) == 20
    with pytest.raises(AttributeError, match='object has no attribute') as error:
        agent.get_attr('colour')
    assert 'colour' in str(error.value)


def test_functions_become_methods_under_their_own_or_the_given_names():
    agent = Agent('a')
    step = 10

    def count(self, by=1):
        self.total = getattr(self, 'total', 0) + by * step
        return self.total

    def shout(self):
        return self.name.upper()

    assert agent.set_method(count, shout) == 'shout'
    assert agent.set_method(add=count, half=lambda self: self.total / 2) == 'half'
    assert (agent.count(), agent.add(by=2), agent.half(), agent.shout()) == (10, 30, 15, 'A')
    assert agent.set_method(shout, last=count) == 'last'


def test_set_method_replaces_existing_methods_of_this_object_alone():
    class Greeter(Agent):
        def greet(self):
            return 'hello'

    agent, other = Greeter(), Greeter()
    agent.set_method(greet=lambda self: 'hi')
    assert (agent.greet(), other.greet()) == ('hi', 'hello')
    agent.set_method(greet=lambda self, name: 'hi ' + name)
    assert agent.greet('Bob') == 'hi Bob'
    agent.set_attr(greet=lambda: 'an attribute')
    assert agent.greet() == 'an attribute'


@pytest.mark.parametrize(
    'error',
    [Exception, pytest.param((TypeError, ValueError), marks=pytest.mark.new)],
    ids=['some error', 'a telling error'],
)
def test_set_method_needs_a_function(error):
    with pytest.raises(error):
        Agent().set_method()


def test_functions_are_executed_with_and_without_the_agent_and_not_stored():
    agent = Agent('a')

    def describe(*args, **kwargs):
        return args, kwargs

    assert agent.execute_as_function(describe, 1, two=2) == ((1,), {'two': 2})
    assert agent.execute_as_method(describe, 1, two=2) == ((agent, 1), {'two': 2})
    assert agent.execute_as_method(lambda self: self.name) == 'a'
    assert agent.execute_as_function(len, 'abc') == 3
    for name in ('describe', '<lambda>', 'len'):
        assert not hasattr(agent, name)
    with pytest.raises(ZeroDivisionError):
        agent.execute_as_function(lambda: 1 / 0)


# ---- sockets without a loop ----------------------------------------------------------------


@pytest.mark.parametrize('serializer', ['pickle', 'cloudpickle', 'dill', 'json', 'raw'])
@pytest.mark.parametrize('transport', ['ipc', 'tcp'])
def test_local_agents_exchange_messages_without_a_running_loop(transport, serializer):
    puller, pusher = Agent('puller', transport=transport), Agent('pusher')
    address = puller.bind('PULL', alias='in', handler=print, serializer=serializer)
    assert puller.addr('in') == address
    assert pusher.connect(address, alias='out') == address.twin()
    messages = [b'one', b'two'] if serializer == 'raw' else ['one', [2, 'three']]
    for message in messages:
        pusher.send('out', message)
    assert puller.recv('in') == messages[0]
    assert puller.recv(address) == messages[1]

    assert puller.has_socket('in') and puller.has_socket(address)
    puller.close('in')
    pusher.close_all(linger=0)
    for agent, socket in [(puller, 'in'), (puller, address), (pusher, 'out')]:
        assert not agent.has_socket(socket)


@pytest.mark.new
def test_a_local_agent_may_be_dropped_with_its_sockets_open():
    """The garbage collector neither waits for anything nor complains."""
    dropped = threading.Event()

    def drop():
        agent = Agent(transport='tcp')
        agent.circle = agent
        agent.connect(agent.bind('PUSH', alias='out'), alias='in', handler=print)
        agent.send('out', 'never read')
        del agent
        gc.collect()
        dropped.set()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        threading.Thread(target=drop, daemon=True).start()
        assert dropped.wait(10)
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize(
    'mistake',
    [
        lambda agent: agent.addr('typo'),
        lambda agent: agent.close('typo'),
        lambda agent: agent.send('typo', 'message'),
        lambda agent: agent.recv('typo'),
        lambda agent: agent.send_recv('typo', 'message'),
        lambda agent: agent.stop_timer('typo'),
    ],
    ids=['addr', 'close', 'send', 'recv', 'send_recv', 'stop_timer'],
)
def test_an_unknown_alias_is_a_key_error(mistake):
    with pytest.raises(KeyError, match='typo'):
        mistake(Agent())


def test_safe_calls_need_a_running_agent():
    with pytest.raises(RuntimeError, match='Agent must be running to safely execute methods!'):
        Agent().safe_call('ping')
    with pytest.raises(NotImplementedError):
        Agent()._loopback('EXECUTE_METHOD', ('ping', (), {}))


def test_a_local_agent_answers_the_plain_questions():
    agent = Agent()
    assert agent.list_timers() == []
    assert agent.stop_all_timers() is None
    assert agent.stop() == 'OK'
    assert agent.get_attr('_keep_alive') is False
    assert not agent.has_socket('nothing')
    with pytest.raises(RuntimeError, match='User raised an exception!'):
        agent.raise_exception()


@pytest.mark.parametrize('logger', [5, 'a name', None, object()], ids=['number', 'text', 'None', 'object'])
def test_only_addresses_and_proxies_are_loggers(logger):
    with pytest.raises(ValueError, match='An AgentAddress must be provided for logging!'):
        Agent().set_logger(logger)


# ---- log records of a local agent ----------------------------------------------------------

RECORD = re.compile(r'(\w+) \[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{6})?)\] \((.*?)\): (.*)\n')


@pytest.mark.parametrize('level, stream', [('DEBUG', 'out'), ('INFO', 'out'), ('WARNING', 'out'), ('ERROR', 'err')])
def test_without_a_logger_each_level_goes_to_its_stream_in_one_line(level, stream, capsys):
    agent = Agent('a 0')
    agent._DEBUG = True
    before = datetime.now(timezone.utc).replace(tzinfo=None)
    assert getattr(agent, 'log_' + level.lower())('hello, log') is None
    after = datetime.now(timezone.utc).replace(tzinfo=None)
    captured = capsys.readouterr()
    record = RECORD.fullmatch(getattr(captured, stream))
    assert record.groups()[0::2] == (level, 'a 0')
    assert record[4] == 'hello, log'
    assert captured.out + captured.err == record[0]
    form = '%Y-%m-%d %H:%M:%S.%f' if '.' in record[2] else '%Y-%m-%d %H:%M:%S'
    assert before <= datetime.strptime(record[2], form) <= after


@pytest.mark.parametrize(
    'message',
    [(1, 2), (1,), (), '100 %s %d%', {'x': 1}, None, b'bytes', ValueError('bad')],
    ids=repr,
)
def test_any_object_is_logged_as_percent_s_formats_it(message, capsys):
    Agent('a').log_info(message)
    assert capsys.readouterr().out.endswith(' (a): %s\n' % (message,))


def test_debug_records_are_dropped_unless_debugging(capsys):
    agent = Agent('a')
    agent.log_debug('unseen')
    agent.set_attr(x=1)
    agent.set_method(f=lambda self: 1)
    assert capsys.readouterr() == ('', '')
    agent._DEBUG = True
    agent.log_debug('seen')
    agent._DEBUG = False
    agent.log_debug('unseen again')
    assert re.fullmatch(r'DEBUG \[.*\] \(a\): seen\n', capsys.readouterr().out)
