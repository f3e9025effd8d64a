"""The running system that a verb acts on: its name server, and what that says of the agents."""

from __future__ import annotations

import difflib
import socket
from collections.abc import Callable, Iterable
from typing import TypeVar

from .._remote.errors import AnotherCluster, Unreachable
from .._remote.link import Link, nameserver_link
from .._remote.status import AgentStatus
from ..address import SocketAddress
from ..errors import KeyUnusable, WaitTimeout
from ..proxy import NSProxy
from .exits import Exit
from .failure import Failure
from .output import printable
from .waiting import within

_T = TypeVar('_T')
_S = TypeVar('_S', bound='System')

# Seconds for which a name server is tried that is not there, so that one that is just being started is found.
_PATIENCE = 2.0
# Seconds that the name server may take for an answer.
_ANSWER = 3.0


class System:
    """A running name server and its agents; whatever goes wrong with it is a :class:`Failure`."""

    def __init__(self, address: SocketAddress) -> None:
        self.address = address
        try:
            # An answer that comes in drips keeps Pyro's own time-out from running out.
            self.ns = within(_PATIENCE + 0.5, lambda: NSProxy(address, timeout=_PATIENCE))
        except KeyUnusable:
            raise
        except AnotherCluster as error:
            raise Failure(Exit.NOT_A_NAMESERVER, str(error)) from None
        except Exception:
            # Whatever a foreign server may have sent: it does not answer as a name server.
            raise nobody_answers(address) from None

    def ask(self, question: Callable[[], _T], seconds: float = _ANSWER) -> _T:
        """Return the answer of the name server, which may take *seconds*."""
        try:
            return within(seconds, question)
        except (Unreachable, WaitTimeout) as error:
            what = f'the name server at {self.address} has stopped answering: {error}'
            raise Failure(Exit.NO_NAMESERVER, what) from None
        except Exception as error:
            what = f'the name server at {self.address} failed: {type(error).__name__}: {error}'
            raise Failure(Exit.FAILED, what) from None

    def status(self) -> dict[str, AgentStatus]:
        """All agents by name, in the order of their names."""

        def ask() -> dict[str, AgentStatus]:
            return self.ns.status()  # type: ignore[no-any-return]

        known = self.ask(ask)
        return {name: known[name] for name in sorted(known)}

    def forget(self, record: AgentStatus, why: str) -> None:
        """Remove the name of an agent, unless another agent has taken it since; *why* is what others are told."""
        self.ask(lambda: self.ns.remove_at(record.name, record.uri, why))

    def line(self) -> Link:
        """Return a link to the name server, by which it has just answered."""
        link = nameserver_link(self.address)
        self.ask(lambda: link.call('unsafe', 'ping', (), {}, timeout=_ANSWER))
        return link

    def release(self) -> None:
        """Close the connection."""
        self.ns.release()

    def __enter__(self: _S) -> _S:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


def listens(address: SocketAddress, seconds: float = 0.3) -> bool:
    """Whether anybody accepts connections at *address*."""
    try:
        socket.create_connection((address.host, address.port), seconds).close()
    except OSError:
        return False
    return True


def nobody_answers(address: SocketAddress) -> Failure:
    """Why no name server was found at *address*."""
    if listens(address):
        what = f'what listens at {address} does not answer as an osbrain name server: is the port right?'
        return Failure(Exit.NOT_A_NAMESERVER, what)
    what = f'no name server at {address}: nobody listens there (osbrain nameserver {address} starts one)'
    return Failure(Exit.NO_NAMESERVER, what)


def unknown(name: str, known: Iterable[str]) -> str:
    """Say that no agent has this name, and which name was probably meant."""
    close = difflib.get_close_matches(name, list(known), n=1)
    hint = f'did you mean {printable(close[0])}?' if close else 'osbrain agents lists those that there are'
    return f'no agent is called {printable(name)} ({hint})'
