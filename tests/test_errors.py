"""The tree drawn in the docstring of ``osbrain.errors`` is the one that the classes make, and every leaf is whole."""

import builtins
import copy
import inspect
import pickle
import re
from typing import NamedTuple

import cloudpickle
import Pyro4.errors
import pytest

from osbrain import errors
from osbrain._protocol.patterns.endpoint import Unreadable
from osbrain._remote import errors as remote
from osbrain.errors import CallerError, OsBrainError

# One error of each class, as the library makes them.
EXAMPLES = [
    errors.OsBrainError('what', 'happened'),
    errors.CallerError('what', 'was', 'wrong'),
    errors.UnknownAlias('typo', 'a0', ('pub', 'rep')),
    errors.UnknownTimer('typo', 'a0'),
    errors.UnknownTopic(b'typo', 'sub'),
    errors.UnknownChild('typo', 'team', ('a0', 'a1')),
    errors.UnknownMethod('a0', 'typo'),
    errors.NotExposed('a0', 'typo'),
    errors.AttributeTaken('name'),
    errors.NameInvalid(3, 'a name is a text'),
    errors.ArgumentsInvalid('a0', 'ping', '()', 'too many positional arguments'),
    errors.NobodyRestarts('a0'),
    errors.AddressInvalid('nowhere', 'This host is not known'),
    errors.PortInvalid('80'),
    errors.ServerAddressRequired('a client'),
    errors.NotAnAddress('nowhere'),
    errors.AlreadyConnected('a server', 'a0'),
    errors.KindUnsupported('PUSH', 'it cannot receive'),
    errors.HandlerRequired('PULL'),
    errors.ReplyHandlerRequired('ASYNC_REQ'),
    errors.HandlerInvalid(3),
    errors.OptionInvalid('timeout', 'soon', 'a number'),
    errors.TopicInvalid(3, 'a topic is text or bytes'),
    errors.MessageInvalid('json', 'bytes', 'TypeError: not serializable'),
    errors.Unpicklable('an argument of the call', 'TypeError: a lock'),
    errors.LoggerInvalid(3, 'An AgentAddress must be provided for logging!'),
    errors.PeriodInvalid(-1, 'a period'),
    errors.RequestsFull('rep', 10),
    errors.MessageTooLarge('the call', 700, 600),
    errors.JournalInvalid('/file', 'it is corrupt'),
    errors.Unprotected('pickle', 'SWITCH'),
    errors.SerializerForbidden('dill'),
    errors.KeyUnusable('/file', 'it is too short', 'osbrain keys new'),
    errors.CertificateUnusable('/file', 'it has expired', 'osbrain keys certificate'),
    errors.CallCycle(('a', 'b', 'a')),
    errors.NotRunning('a0', 'it was stopped'),
    errors.YieldedTwice(),
    errors.MessageUndecodable('pickle', 'garbage'),
    errors.StartFailed('the report', 'a0'),
    errors.RestartsExceeded('team', 'a0', 3, 5.0, 'the report'),
    errors.WaitTimeout('nobody answers', 1.5),
    errors.WaitTimeout('nobody answers'),
    errors.LimitReached('tasks', 10),
    errors.LimitReached('tasks', 10, 2, 5, 1.5),
    errors.JournalFailed('/file', 'disk full'),
    errors.ShutdownTimeout(('a0', 'a1'), 10.0),
    errors.RemoteError('module.Odd', 'its text', 'Traceback ...'),
    Unreadable('pickle', 'garbage'),
    remote.Unreachable('agent a0', 'connection refused'),
    remote.AgentGone('agent a0', 'connection refused'),
    remote.NotAnswering('agent a0', 0.5),
    remote.AnotherCluster('agent a0', '3f0a-91c2-77de-0b45', '/home/me/.config/osbrain/cluster.key'),
    remote.UnknownName('a0', '127.0.0.1:1234'),
    remote.ShutDownMeanwhile('a0'),
    remote.NameTaken('a0'),
]

# What programs of 0.6.5 look for in the text (the contract's fragments).
FRAGMENTS = {
    errors.UnknownMethod: 'object has no attribute',
    errors.NotExposed: 'has no exposed attribute',
    errors.AttributeTaken: 'Agent already has "name" attribute!',
    errors.PortInvalid: 'expecting type int',
    errors.ServerAddressRequired: 'A server address must be provided',
    errors.AlreadyConnected: 'Undefined behavior!',
    errors.HandlerRequired: 'This socket requires a handler!',
    errors.ReplyHandlerRequired: 'No handler for ASYNC_REQ request',
    errors.HandlerInvalid: 'Unknown handler type',
    errors.LoggerInvalid: 'An AgentAddress must be provided for logging!',
    errors.NotRunning: 'Agent must be running to safely execute methods!',
    errors.YieldedTwice: 'Reply handler yielded more than once!',
    errors.StartFailed: 'An error occurred while creating the daemon!',
    errors.ShutdownTimeout: 'not shutdown after',
    remote.UnknownName: 'unknown name',
    remote.NameTaken: 'name already registered',
}

OLD_REMOTE = {
    remote.Unreachable: Pyro4.errors.ConnectionClosedError,
    remote.AgentGone: Pyro4.errors.ConnectionClosedError,
    remote.NotAnswering: (Pyro4.errors.CommunicationError, TimeoutError),
    remote.AnotherCluster: (Pyro4.errors.ConnectionClosedError, TimeoutError),
    remote.UnknownName: Pyro4.errors.NamingError,
    remote.NameTaken: Pyro4.errors.NamingError,
}


@pytest.fixture(autouse=True)
def leaves_nothing():
    """Nothing here starts a process or writes a file: looking for them takes longer than the tests."""


class Drawn(NamedTuple):
    """One class as the docstring draws it."""

    name: str
    parent: str
    catches: frozenset


def drawn():
    """Read the tree out of the docstring: (class, its parent, the built-in types by which it is caught)."""
    parents = {}
    for line in errors.__doc__.splitlines():
        found = re.fullmatch(r' {4}((?:[│ ] {3})*)(?:[├└]── )?(\w+)(?: \.+ (.*))?', line)
        if not found or not re.fullmatch(r'[│├└─ ]*\w+(?: \.+ .*)?', line):
            continue
        indent, name, rest = found.groups()
        branch = '──' in line
        depth = len(indent) // 4 + branch
        if not branch and name != 'OsBrainError':
            continue
        parents[depth] = name
        parent = parents.get(depth - 1, 'Exception')
        rest = rest or ''
        aside = re.search(r'\((\w+): ', rest)
        catches = frozenset(word for word in re.findall(r'\w+', rest.partition(' (')[0]) if hasattr(builtins, word))
        yield Drawn(name, parent, catches | frozenset(re.findall(r'\(an? (\w+)\)', rest)))
        if aside:
            yield Drawn(aside.group(1), name, frozenset())


DRAWN = {one.name: one for one in drawn()}


def own_classes():
    return {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, OsBrainError) and value.__module__ == errors.__name__
    }


def kind(error):
    return type(error).__name__


def same(one, other):
    """Whether two errors have the same class, facts, fields and text."""
    assert type(one) is type(other)
    assert one.args == other.args
    assert vars(one) == vars(other)
    assert str(one) == str(other)
    return True


def test_every_class_is_drawn_and_everything_that_is_drawn_is_a_class():
    assert set(DRAWN) == set(own_classes())


@pytest.mark.parametrize('name', sorted(DRAWN))
def test_a_class_hangs_where_it_is_drawn(name):
    cls = own_classes()[name]
    above = [base for base in cls.__mro__[1:] if base.__name__ == DRAWN[name].parent]
    assert above, f'{name} is drawn below {DRAWN[name].parent}'
    for other in own_classes().values():
        if other is not cls and issubclass(cls, other):
            # Whoever else is above it is above its parent too, or is one of the two that share facts.
            assert issubclass(above[0], other) or (name, other.__name__) == ('PortInvalid', 'AddressInvalid')


@pytest.mark.parametrize('name', sorted(name for name, one in DRAWN.items() if one.catches))
def test_a_class_is_caught_as_the_types_that_are_drawn_beside_it(name):
    cls = own_classes()[name]
    for old in DRAWN[name].catches:
        assert issubclass(cls, getattr(builtins, old)), f'{name} is drawn as {old}'


def test_every_leaf_is_caught_as_something_of_0_6_5():
    for cls in own_classes().values():
        if cls in (OsBrainError, CallerError):
            continue
        old = [
            base
            for base in cls.__mro__
            if base.__module__ == 'builtins' and base not in (Exception, BaseException, object)
        ]
        assert old, f'{cls.__name__} cannot be caught as any built-in error'


def test_no_built_in_type_is_left_out_of_the_drawing():
    """What a class derives from directly, beside classes of ours, stands in the drawing."""
    for name, cls in own_classes().items():
        direct = {base.__name__ for base in cls.__bases__ if base.__module__ == 'builtins'} - {'Exception'}
        inherited = {old for above in cls.__mro__ if above.__name__ in DRAWN for old in DRAWN[above.__name__].catches}
        assert direct <= inherited, f'{name} is also {direct - inherited}'


def test_there_is_an_example_of_every_class():
    assert {type(error) for error in EXAMPLES} >= set(own_classes().values())


@pytest.mark.parametrize('error', EXAMPLES, ids=kind)
def test_an_error_is_a_sentence_that_holds_its_facts(error):
    text = str(error)
    assert text and not text.startswith(('<', '('))
    for fact in error.args:
        for part in fact if isinstance(fact, tuple) else (fact,):
            if isinstance(part, float):
                assert f'{part:g}' in text
            elif part is not None:
                assert str(part) in text or repr(part) in text or isinstance(error, errors.StartFailed)


@pytest.mark.parametrize('cls', sorted(FRAGMENTS, key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__)
def test_old_programs_find_their_words_in_the_text(cls):
    (error,) = [error for error in EXAMPLES if type(error) is cls]
    assert FRAGMENTS[cls] in str(error)


def test_an_error_without_reason_or_kind_is_a_sentence_too():
    assert str(errors.HandlerRequired()) == 'This socket requires a handler!'
    assert str(errors.NotRunning('a0')).endswith("Agent 'a0' is not")
    assert 'none' in str(errors.UnknownAlias('typo', 'a0'))
    assert str(remote.UnknownName('a0')) == 'unknown name: a0'


@pytest.mark.parametrize('module', [pickle, cloudpickle], ids=['pickle', 'cloudpickle'])
@pytest.mark.parametrize('error', EXAMPLES, ids=kind)
def test_an_error_survives_pickling(error, module):
    assert same(module.loads(module.dumps(error)), error)
    # ... and a copy of a copy is no worse.
    assert same(module.loads(module.dumps(module.loads(module.dumps(error)))), error)


@pytest.mark.parametrize('error', EXAMPLES, ids=kind)
def test_an_error_can_be_copied(error):
    assert same(copy.copy(error), error)
    assert same(copy.deepcopy(error), error)


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_of_pickle_will_do(protocol):
    error = errors.UnknownAlias('typo', 'a0', ('pub',))
    assert same(pickle.loads(pickle.dumps(error, protocol)), error)


def test_the_text_that_came_with_an_error_survives_pickling():
    error = errors.UnknownAlias('typo', 'a0')
    error.remote_text = 'as the other process wrote it'
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == 'as the other process wrote it'


@pytest.mark.parametrize('cls', sorted(OLD_REMOTE, key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__)
def test_errors_between_processes_are_still_those_of_pyro(cls):
    old = OLD_REMOTE[cls]
    for one in old if isinstance(old, tuple) else (old,):
        assert issubclass(cls, one)
    assert issubclass(cls, Pyro4.errors.PyroError) and issubclass(cls, OsBrainError)


def test_whoever_catches_the_root_catches_them_all():
    for error in EXAMPLES:
        with pytest.raises(OsBrainError):
            raise error


def test_values_that_cannot_travel_are_kept_as_text():
    def handler():
        """Local, so that pickle cannot find it."""

    for error in (errors.HandlerInvalid(handler), errors.NotAnAddress(handler), errors.LoggerInvalid(handler, 'why')):
        assert 'handler' in str(pickle.loads(pickle.dumps(error)))
