"""What goes wrong between processes; still Pyro4's errors for whoever catches those."""

from __future__ import annotations

import Pyro4.errors

from ..errors import OsBrainError

ConnectionClosedError = Pyro4.errors.ConnectionClosedError


class Unreachable(OsBrainError, Pyro4.errors.ConnectionClosedError):  # type: ignore[misc]
    """The process at the other end is gone, or went away during the call."""

    def __init__(self, who: str, why: str) -> None:
        super().__init__(who, why)
        self.who, self.why = who, why

    def sentence(self) -> str:
        return f'{self.who} cannot be reached: {self.why}'


class AgentGone(Unreachable):
    """The agent's process has ended; ``why`` says when and how, if its name server knows."""

    def __init__(self, who: str, why: str, under_way: bool = False) -> None:
        super().__init__(who, why)
        #: Whether the call was on its way: it may have been carried out, and was not repeated.
        self.under_way = under_way

    def sentence(self) -> str:
        more = ' (whether the call was carried out is not known, so it was not repeated)' if self.under_way else ''
        return f'{super().sentence()}{more}'


class AnotherCluster(Unreachable, TimeoutError):
    """Whoever answers there has none of our cluster's keys; seen at once, where 0.6.5 waited until its time-out."""

    def __init__(self, who: str, fingerprint: str, path: str) -> None:
        super().__init__(who, 'it belongs to another cluster')
        self.args = (who, fingerprint, path)
        self.fingerprint, self.path = fingerprint, path

    def sentence(self) -> str:
        return (
            f'{self.who} belongs to another cluster: its key is not {self.fingerprint}, the one in {self.path}; '
            'osbrain keys copy-instructions, there, tells how its key comes here'
        )


class NotAnswering(OsBrainError, Pyro4.errors.TimeoutError, TimeoutError):  # type: ignore[misc]
    """The process at the other end took the call but did not answer in time."""

    def __init__(self, who: str, seconds: float) -> None:
        super().__init__(who, seconds)
        self.who, self.seconds = who, seconds

    def sentence(self) -> str:
        return f'{self.who} did not answer within {self.seconds:g} s'


class UnknownName(OsBrainError, Pyro4.errors.NamingError):  # type: ignore[misc]
    """No agent of this name is registered."""

    def __init__(self, name: str, nsaddr: str = '') -> None:
        super().__init__(name, nsaddr)
        self.name, self.nsaddr = name, nsaddr

    def sentence(self) -> str:
        where = f' (name server {self.nsaddr})' if self.nsaddr else ''
        return f'unknown name: {self.name}{where}'


class ShutDownMeanwhile(OsBrainError, Pyro4.errors.NamingError):  # type: ignore[misc]
    """An agent that was to be started again comes when all agents were told to end: it is not wanted any more."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def sentence(self) -> str:
        return f'{self.name!r} is not started again: all agents were shut down meanwhile'


class NameTaken(OsBrainError, Pyro4.errors.NamingError):  # type: ignore[misc]
    """An agent of this name is registered already."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def sentence(self) -> str:
        return f'name already registered: {self.name}'
