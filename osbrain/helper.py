"""Waiting for what agents do: for tests, examples and anybody who has to know that something has happened."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

from ._clock import Deadline
from ._ids import unique_identifier
from .errors import OptionInvalid

# An agent's attributes change without telling anybody: this often they are looked at, in seconds.
_LOOK = 0.01


class _WrongArgument(OptionInvalid, AssertionError):
    """An argument of the wrong kind."""


def _until(condition: Callable[[], Any], timeout: float | None) -> Any:
    """Return the first truthy result of *condition*, or its last one after *timeout* seconds (``None``: wait for ever).

    It is looked at at least once.
    """
    deadline = Deadline(timeout)
    pause = threading.Event()
    while True:
        result = condition()
        if result or deadline.expired:
            return result
        pause.wait(deadline.left_or(_LOOK))


def regex_count_in_list(regex: str, strings: Sequence[str]) -> int:
    """In how many of *strings* the regular expression is found; ``.`` matches newlines too."""
    pattern = re.compile(regex, re.DOTALL)
    return sum(1 for text in strings if pattern.search(text))


def logger_received(
    logger: Any,
    message: str,
    log_name: str = 'log_history_info',
    position: int | None = None,
    timeout: float | None = 1.0,
) -> int:
    """How many records of the logger match the regular expression *message*, as soon as one does; 0 after *timeout*.

    *position* limits the look to one record; a *timeout* of ``None`` or 0 waits for ever.
    """

    def count() -> int:
        records = logger.get_attr(log_name)
        if position is not None:
            records = records[position : position + 1 or None]
        return regex_count_in_list(message, records)

    return int(_until(count, timeout or None))


def sync_agent_logger(agent: Any, logger: Any) -> None:
    """Return when what *agent* logs reaches *logger*."""
    pause = 0.001
    while True:
        message = unique_identifier().decode()
        agent.log_info(message)

        def arrived(message: str = message) -> bool:
            history = logger.get_attr('log_history_info')
            return bool(history) and message in history[-1]

        if _until(arrived, pause):
            return
        pause = min(pause * 2, 1.0)


def agent_dies(agent: str, nsproxy: Any, timeout: float | None = 1.0) -> bool:
    """Whether the agent of that name leaves the name server within *timeout* seconds (``None`` or 0: wait for ever)."""
    if not isinstance(agent, str):
        raise _WrongArgument('agent', agent, "an agent's name")
    return bool(_until(lambda: agent not in nsproxy.agents(), timeout or None))


def attribute_match_all(
    attribute: Any, length: int | None = None, data: Any = None, value: Any = None, endswith: Any = None
) -> bool:
    """Whether *attribute* meets every condition given: at least so long, contains, equals, ends with."""
    if length is None and data is None and value is None and endswith is None:
        raise _WrongArgument('condition', None, 'at least one of length, data, value and endswith')
    return (
        (length is None or len(attribute) >= length)
        and (data is None or data in attribute)
        and (value is None or bool(attribute == value))
        and (endswith is None or _ends_with(attribute, endswith))
    )


def _ends_with(sequence: Any, tail: Any) -> bool:
    return bool(len(tail) == 0 or (len(sequence) >= len(tail) and sequence[-len(tail) :] == tail))


def wait_agent_attr(agent: Any, name: str = 'received', timeout: float = 3, **kwargs: Any) -> bool:
    """Whether the attribute *name* meets the conditions of :func:`attribute_match_all` within *timeout* seconds."""
    return bool(_until(lambda: attribute_match_all(agent.get_attr(name), **kwargs), timeout))


def wait_condition(
    condition: Callable[..., Any], *args: Any, negate: bool = False, timeout: float = 3, **kwargs: Any
) -> bool:
    """Whether ``condition(*args, **kwargs)`` is truthy (falsy with *negate*) within *timeout* seconds."""
    return bool(_until(lambda: bool(condition(*args, **kwargs)) != negate, timeout))


def wait_agent_condition(
    agent: Any, condition: Callable[..., Any], *args: Any, timeout: float = 3, **kwargs: Any
) -> bool:
    """As :func:`wait_condition`, with ``condition(agent, *args, **kwargs)`` called inside the agent."""
    return wait_condition(lambda: agent.execute_as_method(condition, *args, **kwargs), timeout=timeout)


def last_received_endswith(agent: Any, tail: Any) -> bool:
    """Whether the last of the agent's ``received`` ends with *tail*; to be called inside the agent."""
    received = getattr(agent, 'received', None)
    return bool(received) and _ends_with(received[-1], tail)  # type: ignore[index]
