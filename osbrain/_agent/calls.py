"""Methods called by others: whether the call itself was wrong, or what it ran."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._failures import failed_call_text
from ..errors import CallerError, UnknownMethod

# Library methods that run code of the user's; what fails in there is the agent's own failure.
_RUN_CODE = frozenset(
    {'raise_exception', 'execute_as_function', 'execute_as_method', 'safe_call', 'before_loop', 'idle'}
)


class MethodFailed(Exception):
    """What a called method raised, with the text that its caller gets to read."""

    def __init__(self, error: BaseException, text: str, callers_mistake: bool) -> None:
        super().__init__(error, text, callers_mistake)
        self.error, self.text, self.callers_mistake = error, text, callers_mistake


def find_method(agent: Any, name: str) -> Callable[..., Any]:
    """Return the method *name* of *agent*; :class:`~osbrain.errors.UnknownMethod` if there is none."""
    try:
        found = getattr(agent, name)
    except AttributeError:
        raise UnknownMethod(agent.name, name) from None
    if not callable(found):
        raise UnknownMethod(agent.name, f'{name}() (its attribute {name!r} is no method)')
    return found  # type: ignore[no-any-return]


def call_method(agent: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call *name* on *agent*; whatever goes wrong comes out as :class:`MethodFailed`, which says whose mistake it was.

    It is the caller's when the method is not there, when the arguments do not fit it (then no line of it ran), or when
    one of the library's own methods refused them. Everything else is a failure inside the agent's own code.
    """
    method: Any = None
    try:
        method = find_method(agent, name)
        return method(*args, **kwargs)
    except Exception as error:
        never_ran = error.__traceback__ is not None and error.__traceback__.tb_next is None
        mistake = method is None or (never_ran and isinstance(error, TypeError)) or _refused(method, name, error)
        raise MethodFailed(error, failed_call_text(error, name, args, kwargs), mistake) from error


def _refused(method: Any, name: str, error: Exception) -> bool:
    """Whether *method* is the library's own (not overridden, not for running users' code) and raised *error* itself."""
    module = getattr(method, '__module__', None) or ''
    if not module.startswith(f'{__package__.partition(".")[0]}.'):
        return False
    if name in _RUN_CODE:
        # Arguments that do not fit the function that was handed in: the last line that ran is the library's.
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        ours = last is not None and str(last.tb_frame.f_globals.get('__name__', '')).startswith('osbrain.')
        return ours and isinstance(error, (TypeError, CallerError)) and name != 'raise_exception'
    return True
