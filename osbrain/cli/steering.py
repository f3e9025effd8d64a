"""What the verbs that steer agents share: several agents side by side, and each error as a line and an exit code."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from .._remote.errors import NotAnswering, UnknownName, Unreachable
from .._remote.status import AgentStatus
from ..address import SocketAddress
from ..errors import (
    CallerError,
    KeyUnusable,
    NobodyRestarts,
    NotRunning,
    OsBrainError,
    RemoteError,
    WaitTimeout,
)
from .exits import Exit
from .failure import Failure
from .output import complain, printable, say, show_json
from .system import System, unknown
from .waiting import all_within

# How the text begins that the caller of a failing method gets to read (osbrain._failures.failed_call_text).
_FAILED = re.compile(r'Error executing `[^`]*`! \((.*?)\)\n  method: ', re.DOTALL)
# Beyond its own limit: what one order may take, with the questions to the name server before and after.
_MORE = 10.0
# Of what raises an error, the first of these that it is says how the command ends.
_CODES: tuple[tuple[type[BaseException], Exit], ...] = (
    (UnknownName, Exit.UNKNOWN_AGENT),
    (NotAnswering, Exit.NOT_ANSWERING),
    (Unreachable, Exit.NOT_ANSWERING),
    (NotRunning, Exit.NOT_RUNNING),
    (NobodyRestarts, Exit.NOBODY_RESTARTS),
    (CallerError, Exit.CALL_REFUSED),
    (WaitTimeout, Exit.NOT_DONE),
)
# The exit code when several things are wrong is the first of these.
_WORST_FIRST = (
    Exit.UNKNOWN_AGENT,
    Exit.NOT_ANSWERING,
    Exit.NOBODY_RESTARTS,
    Exit.NOT_DONE,
    Exit.NOT_RUNNING,
    Exit.CALL_REFUSED,
    Exit.CALL_FAILED,
)


def code_of(error: BaseException) -> Exit:
    """Return how the command ends that *error* ends; what no one knows has failed in the agent's own code."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.CALL_FAILED)


def line_of(error: BaseException) -> str:
    """Say in one line what *error* says; the traceback is in the agent's log."""
    if isinstance(error, RemoteError):
        return f'{error.type_name}: {_in_short(error.text)}'
    if isinstance(error, OsBrainError):
        return error.sentence()
    return f'{type(error).__name__}: {_in_short(str(error))}'


def _in_short(text: str) -> str:
    failed = _FAILED.match(text)
    return ' '.join(failed[1].split()) if failed else text.strip().partition('\n')[0]


def known_agents(names: Iterable[str], nsaddr: SocketAddress, undone: str) -> dict[str, AgentStatus]:
    """Return all agents by name; a :class:`Failure` says which *names* nobody has, and what is therefore *undone*."""
    with System(nsaddr) as system:
        known = system.status()
    missing = [name for name in names if name not in known]
    if missing:
        sentences = '; '.join(unknown(name, known) for name in missing)
        raise Failure(Exit.UNKNOWN_AGENT, f'{sentences}; {undone}')
    return known


def each_agent(
    names: Sequence[str], nsaddr: SocketAddress, act: Callable[[Any, str, float], bool], timeout: float
) -> dict[str, bool | Exception]:
    """Have *act* done to agents side by side, each within *timeout*; what it returned or raised, by name."""
    known_agents(names, nsaddr, 'nothing has been done')
    outcomes = all_within(timeout + _MORE, {name: partial(act, nsaddr, name, timeout) for name in names})
    for error in outcomes.values():
        if isinstance(error, KeyUnusable):
            raise error
    return outcomes


def tell(outcomes: Mapping[str, bool | Exception], done: Callable[[str, bool], str], fact: str, as_json: bool) -> Exit:
    """Print what came of it, *done* in words and *fact* as its name in JSON; return how the command ends."""
    if as_json:
        show_json([_facts(name, outcome, fact) for name, outcome in outcomes.items()])
    codes = set()
    for name, outcome in outcomes.items():
        if isinstance(outcome, Exception):
            codes.add(code_of(outcome))
            complain(line_of(outcome))
        elif not as_json:
            say(done(printable(name), outcome))
    return next((code for code in _WORST_FIRST if code in codes), Exit.OK)


def _facts(name: str, outcome: bool | Exception, fact: str) -> dict[str, Any]:
    failed = isinstance(outcome, Exception)
    return {
        'name': name,
        'done': not failed,
        fact: None if failed else outcome,
        'problem': line_of(outcome) if isinstance(outcome, Exception) else None,
    }


def meant(word: str, words: Iterable[str]) -> str:
    """Return the hint which of *words* was probably meant; nothing if none is like *word*."""
    close = difflib.get_close_matches(word, list(words), n=1)
    return f' (did you mean {printable(close[0])}?)' if close else ''
