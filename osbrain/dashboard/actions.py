"""What a page has done to an agent: it is checked here, and carried out as from a shell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _steering as steering
from ..address import SocketAddress
from ..errors import OsBrainError
from .patches import Json

# Seconds that a method may take, unless the page says otherwise, and at most.
_TIMEOUT = 10.0
_LONGEST = 300.0


class Refused(OsBrainError, ValueError):
    """A page asks for what makes no sense."""

    def sentence(self) -> str:
        return str(self.args[0])


def act(nsaddr: SocketAddress, action: str, request: Json) -> Json:
    """Carry out one of :data:`ACTIONS`; *request* names the agent and whatever else it takes."""
    return _CARRIED_OUT[action](nsaddr, _field(request, 'name', str), request)


def _call(nsaddr: SocketAddress, name: str, request: Json) -> Json:
    method = _field(request, 'method', str)
    args, kwargs = _field(request, 'args', list, []), _field(request, 'kwargs', dict, {})
    timeout = float(_field(request, 'timeout', (int, float), _TIMEOUT))
    if not 0 < timeout <= _LONGEST:
        raise Refused(f'a call may take more than 0 and at most {_LONGEST:g} seconds')
    result = steering.call(nsaddr, name, method, args, kwargs, timeout)
    return {'done': f'{name}.{method} has returned.', 'result': result.text, 'is_json': result.is_json}


def _stop(nsaddr: SocketAddress, name: str, _request: Json) -> Json:
    ran = steering.stop(nsaddr, name)
    return {'done': f'{name} has stopped.' if ran else f'{name} did not run any more.'}


def _kill(nsaddr: SocketAddress, name: str, _request: Json) -> Json:
    from_outside = steering.kill(nsaddr, name)
    return {'done': f'{name} did not react: its process was ended.' if from_outside else f'{name} was killed.'}


def _restart(nsaddr: SocketAddress, name: str, _request: Json) -> Json:
    killed = steering.restart(nsaddr, name)
    return {'done': f'{name} did not react and was killed; it runs again.' if killed else f'{name} runs again.'}


_CARRIED_OUT: dict[str, Callable[[SocketAddress, str, Json], Json]] = {
    'call': _call,
    'stop': _stop,
    'kill': _kill,
    'restart': _restart,
}
#: What a page can ask for; ``forget`` is about what it shows, and no agent hears of it.
ACTIONS = (*_CARRIED_OUT, 'forget')

_WORDS = {str: 'a text', list: 'a list', dict: 'an object'}


def _field(request: Json, field: str, kind: Any, default: Any = None) -> Any:
    value = request.get(field, default)
    if not isinstance(value, kind) or isinstance(value, bool) or value == '':
        raise Refused(f'{field!r} has to be {_WORDS.get(kind, "a number")}')
    return value
