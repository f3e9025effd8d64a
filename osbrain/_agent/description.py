"""What an agent says of itself when somebody asks: read beside its loop, so that a busy agent answers too."""

from __future__ import annotations

import inspect
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from .._clock import monotonic
from .._descriptions import (
    AgentDescription,
    AttributeDescription,
    EndpointDescription,
    HandlerDescription,
    MethodDescription,
    TimerDescription,
)
from .._glances import glance, glances
from .._protocol.handlers import names_of
from .._protocol.patterns.endpoint import Endpoint, place_text, places_of
from ..address import AgentAddress, AgentChannel
from .agent import Agent
from .core import Core

_METHODS = (FunctionType, BuiltinFunctionType, MethodType, partial)
_ADDRESSES = (AgentAddress, AgentChannel)
# Whose text is that of Python's own code.
_PLAIN_ANNOTATIONS = ('builtins', 'types', 'typing', 'collections.abc')
_MISSING = object()


def describe(core: Core) -> AgentDescription:
    """Return what the agent of *core* is; none of its code runs for that but what shows values as text."""
    agent = core.agent
    methods, attributes = _members(agent)
    texts = glances({name: value for name, value in attributes.items() if value is not property})
    return AgentDescription(
        name=str(core.name),
        kind=public_name(type(agent)),
        doc='' if type(agent) is Agent else _first_line(type(agent)),
        running=core.running,
        on_error=core.on_error,
        endpoints=tuple(_endpoints(core)),
        timers=tuple(_timers(core)),
        methods=tuple(methods[name] for name in sorted(methods)),
        attributes=tuple(_attribute(name, attributes[name], texts.get(name, '')) for name in sorted(attributes)),
    )


def public_name(cls: type) -> str:
    """Name *cls* as people know it: ours are in private rooms."""
    module = 'osbrain' if cls.__module__.startswith('osbrain.') else cls.__module__
    return f'{module}.{cls.__qualname__}'


# -- Endpoints and timers ---------------------------------------------------------------------------------------------


def _endpoints(core: Core) -> list[EndpointDescription]:
    with core.endpoints.lock:
        named = list(core.endpoints.items())
    aliases: dict[int, list[str]] = {id(endpoint): [] for _, endpoint in named}
    for name, endpoint in named:
        if not isinstance(name, _ADDRESSES):
            aliases[id(endpoint)].append(str(name))
    once = {id(endpoint): endpoint for _, endpoint in named}
    return [_endpoint(endpoint, tuple(aliases[key])) for key, endpoint in once.items()]


def _endpoint(endpoint: Endpoint, aliases: tuple[str, ...]) -> EndpointDescription:
    places = places_of(endpoint.address)
    return EndpointDescription(
        alias=endpoint.label,
        aliases=aliases,
        kind=str(endpoint.address.kind),
        role=str(places[0].role),
        transport=str(endpoint.address.transport),
        serializer=endpoint.codec.name,
        addresses=tuple(map(place_text, places)),
        security=places[0].security or '',
        handlers=tuple(
            HandlerDescription(names_of(one.call), _topic(one.topic), one.exact) for one in endpoint.handlers()
        ),
    )


def _topic(topic: bytes | None) -> str | None:
    return None if topic is None else topic.decode(errors='backslashreplace')


def _timers(core: Core) -> list[TimerDescription]:
    now = monotonic()
    return [
        TimerDescription(_said(timer.alias), ', '.join(names_of(timer.action)), timer.period, timer.due - now)
        for timer in core.timers.known()
    ]


def _said(alias: Any) -> str:
    """Return the alias of a timer as text; those that are made up are bytes."""
    return alias.decode(errors='backslashreplace') if isinstance(alias, bytes) else str(alias)


# -- Methods and attributes -------------------------------------------------------------------------------------------


def _members(agent: Any) -> tuple[dict[str, MethodDescription], dict[str, Any]]:
    """Return the public methods, and attributes as they are: values; ``property`` for what is only made if asked for.

    Nothing is asked of the agent, whose ``__getattr__`` and properties may do anything.
    """
    own = dict(vars(agent))
    methods: dict[str, MethodDescription] = {}
    attributes: dict[str, Any] = {}
    for name in {*dir(type(agent)), *own}:
        if name.startswith('_') or name == 'name':
            continue
        value = own[name] if name in own else inspect.getattr_static(type(agent), name, _MISSING)
        inherited = name not in own and inspect.getattr_static(Agent, name, _MISSING) is value
        if isinstance(value, (*_METHODS, classmethod, staticmethod)):
            methods[name] = _method(name, value, name in own, inherited)
        elif value is not _MISSING and not inherited:
            is_made = name not in own and hasattr(type(value), '__get__')
            attributes[name] = property if is_made else value
    return methods, attributes


def _method(name: str, value: Any, is_own: bool, inherited: bool) -> MethodDescription:
    function = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
    # What is stored on the agent itself is bound already, and so is a static method.
    takes_agent = not (is_own or isinstance(value, staticmethod))
    return MethodDescription(name, _signature(function, takes_agent), _first_line(function), inherited)


def _signature(function: Any, takes_agent: bool) -> str:
    try:
        signature = inspect.signature(function)
        parameters = list(signature.parameters.values())
        if (
            takes_agent
            and parameters
            and parameters[0].kind
            in (
                inspect.Parameter.POSITIONAL_ONLY,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
            )
        ):
            parameters = parameters[1:]
        shown = [
            one.replace(
                default=_shown(one.default, partial(glance, ask=False)), annotation=_shown(one.annotation, _annotation)
            )
            for one in parameters
        ]
        returns = _shown(signature.return_annotation, _annotation)
        return str(signature.replace(parameters=shown, return_annotation=returns))
    except Exception:  # builtins need not tell, and a __signature__ may be anything
        return '(...)'


class _Text(str):
    """Is written as it is where others are written by ``repr``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _shown(value: Any, text: Any) -> Any:
    return value if value is inspect.Parameter.empty else _Text(text(value))


def _annotation(annotation: Any) -> str:
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, type) and type(annotation).__module__ == 'builtins':
        return annotation.__qualname__
    if type(annotation).__module__ in _PLAIN_ANNOTATIONS:
        return repr(annotation).replace('typing.', '')
    return glance(annotation, ask=False)


def _first_line(documented: Any) -> str:
    while isinstance(documented, (partial, MethodType)):
        documented = documented.func if isinstance(documented, partial) else documented.__func__
    text = vars(documented).get('__doc__') if isinstance(documented, type) else documented.__doc__
    lines = text.strip().splitlines() if isinstance(text, str) else []
    return lines[0].strip() if lines else ''


def _attribute(name: str, value: Any, text: str) -> AttributeDescription:
    return AttributeDescription(name, 'property' if value is property else type(value).__name__, text)
