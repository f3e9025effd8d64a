"""The forms in which a handler may be given, worked out once into a plain call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from functools import partial
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, GeneratorType, MethodType
from typing import Any

from ..errors import HandlerInvalid, HandlerRequired, UnknownMethod, YieldedTwice
from .gathering import Gathering, wants_batches

#: Called with the message.
Call = Callable[[Any], Any]

# Where a call that was made here keeps the handlers that it calls, for those who want to know their names.
_BEHIND = '_osbrain_behind'


def validate_handler(handler: Any, required: bool) -> None:
    """``ValueError`` when a handler is required and there is none."""
    if required and handler is None:
        raise HandlerRequired


def bound_call(handler: Any, agent: Any) -> Callable[..., Any]:
    """Return *handler* ready to be called without its agent.

    It is a method's name, a function that takes the agent first, or a bound method. Other objects that can be called
    (partials, instances, methods of other objects) are taken for functions: they get the agent first if they take that
    many arguments, the message alone otherwise.
    """
    if isinstance(handler, str):
        try:
            found = getattr(agent, handler)
        except AttributeError:
            raise UnknownMethod(agent.name, handler) from None
        if not callable(found):
            raise HandlerInvalid(handler, 'This attribute of the agent is no method')
        return found  # type: ignore[no-any-return]
    if isinstance(handler, (FunctionType, BuiltinFunctionType)):
        return partial(handler, agent)
    if isinstance(handler, MethodType) and handler.__self__ is agent:
        return handler
    if callable(handler) and not isinstance(handler, type):
        return handler if _accepts(handler, 1) and not _accepts(handler, 2) else partial(handler, agent)
    raise HandlerInvalid(handler)


def _accepts(call: Callable[..., Any], count: int) -> bool:
    """Whether *call* can be called with *count* positional arguments; who cannot be asked is believed."""
    given = call.args if isinstance(call, partial) else ()
    try:
        signature = inspect.signature(call.func if isinstance(call, partial) else call)
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*given, *range(count), **(call.keywords if isinstance(call, partial) else {}))
    except TypeError:
        return False
    return True


def message_call(handler: Any, agent: Any) -> Call:
    """Return *handler* as ``call(message)``; :class:`~osbrain.errors.HandlerInvalid` if it cannot be called so."""
    call = bound_call(handler, agent)
    if not _accepts(call, 1):
        raise HandlerInvalid(handler, 'A handler takes the agent and the message (a method: the message)')
    return call


def message_calls(handler: Any, agent: Any, wrap: Callable[[Call], Call] = lambda call: call) -> Call:
    """As :func:`message_call`, but several handlers are called one after the other; *wrap* goes round each."""
    if not isinstance(handler, (list, tuple)):
        return wrap(message_call(handler, agent))
    calls = tuple(wrap(message_call(one, agent)) for one in handler)
    if not calls:
        raise HandlerRequired('PULL')

    def each(message: Any) -> None:
        for call in calls:
            call(message)

    setattr(each, _BEHIND, calls)
    return each


def topic_call(handler: Any, agent: Any, topic: bytes) -> Call:
    """Return *handler* as ``call(message)`` for *topic*, which it gets too if it declares a parameter for it."""
    call = bound_call(handler, agent)
    declared = _declared(call)
    if declared == 2:

        def with_topic(message: Any) -> Any:
            return call(message, topic)

        setattr(with_topic, _BEHIND, (call,))
        return with_topic
    if declared == 1:
        return call
    raise HandlerInvalid(handler, 'A handler takes the agent, the message and, if it wants, the topic')


def delivery_call(handler: Any, agent: Any) -> tuple[Callable[..., Any], bool]:
    """Return *handler* as ``call(message)``, and whether it declares a parameter for what is known of the message.

    It is done when it returns: generators and coroutines, which have not begun then, are refused, and so are handlers
    of lists, in which one message cannot be told from another.
    """
    call = bound_call(handler, agent)
    declared = _declared(call)
    if not declared:
        raise HandlerInvalid(handler, 'A handler takes the agent, the message and, if it wants, what is known of it')
    function = call.func if isinstance(call, partial) else call
    if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
        raise HandlerInvalid(handler, 'This handler would not have begun when it returns: it cannot yield or await')
    if wants_batches(call):
        raise HandlerInvalid(handler, 'Each message is done by itself: its handler cannot be batched')
    return call, declared == 2


def _declared(call: Callable[..., Any]) -> int:
    """How many of message and topic *call* declares: 1 or 2; defaults count, ``*args`` takes both; 0 is neither."""
    given = len(call.args) if isinstance(call, partial) else 0
    try:
        parameters = list(inspect.signature(call.func if isinstance(call, partial) else call).parameters.values())
    except (TypeError, ValueError):
        return 1
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return 2
    positional = [one for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    required = [one for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    count = len(positional) - given
    return count if count in (1, 2) and not required else 0


def reply_call(handler: Any, agent: Any) -> Callable[..., Any]:
    """Bind a handler that comes with one request; done for each request, so it is looked at quickly."""
    if isinstance(handler, FunctionType):
        code = handler.__code__
        needed = code.co_argcount - len(handler.__defaults__ or ())
        if needed > 2 or (code.co_argcount < 2 and not code.co_flags & inspect.CO_VARARGS):
            raise HandlerInvalid(handler, 'A handler takes the agent and the reply')
        return partial(handler, agent)
    return bound_call(handler, agent)


def error_call(handler: Any, agent: Any) -> Callable[[BaseException | None], Any]:
    """``on_error`` of a request as ``call(error)``; it takes the agent and, if it wants, the error."""
    call = bound_call(handler, agent)
    if _accepts(call, 1):
        return call
    return lambda error: call()


def first_reply(result: Any) -> tuple[Any, Generator[Any, Any, Any] | None]:
    """Return the reply that a handler's result stands for, and the code that is to run after it was sent."""
    if type(result) is GeneratorType:
        return next(result, None), result
    return result, None


def execute_code_after_yield(generator: Generator[Any, Any, Any]) -> None:
    """Run the rest of a *generator* that has yielded once; ``ValueError`` if it yields again."""
    for _ in generator:
        generator.close()
        raise YieldedTwice


def names_of(call: Any) -> tuple[str, ...]:
    """Return how the handlers behind *call*, which was made here or given as one, are called by who wrote them."""
    while isinstance(call, (Gathering, partial)):
        call = call.call if isinstance(call, Gathering) else call.func
    if isinstance(call, str):
        return (call,)
    if isinstance(call, FunctionType):
        behind = vars(call).get(_BEHIND)
        return (_name_of(call),) if behind is None else tuple(name for one in behind for name in names_of(one))
    if isinstance(call, MethodType):
        return names_of(call.__func__)
    return (str(getattr(call, '__name__', None) or type(call).__name__),)


def _name_of(function: FunctionType) -> str:
    if function.__name__ != '<lambda>':
        return function.__name__
    code = function.__code__
    return f'lambda ({PurePath(code.co_filename).name}:{code.co_firstlineno})'
