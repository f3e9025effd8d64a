"""How the command ends, as names: a script asks for the number, a person reads the name."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeVar

_E = TypeVar('_E', bound='Exit')


class Exit(IntEnum):
    """Exit codes of ``osbrain``; ``meaning`` says in a few words when each is used."""

    meaning: str

    def __new__(cls: type[_E], value: int, meaning: str) -> _E:
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, 'what was asked for has been done'
    FAILED = 1, 'something else went wrong; the line on standard error says what'
    USAGE = 2, 'the command line is wrong: nothing has been done'
    NO_NAMESERVER = 3, 'nobody answers at the address of the name server'
    NOT_A_NAMESERVER = 4, 'something listens at that address, but it does not answer as a name server'
    PORT_TAKEN = 5, 'the port that was to be listened at is in use'
    PORT_FORBIDDEN = 6, 'the system does not let this user have that port'
    NOT_THIS_MACHINE = 7, 'the address that was to be listened at is not one of this machine'
    UNKNOWN_AGENT = 8, 'no agent has this name'
    NOT_ANSWERING = 9, 'an agent is registered, but does not answer'
    NOT_RUNNING = 10, 'an agent answers, but does not run: it is starting, was stopped, or crashed'
    AGENTS_LEFT = 11, 'agents were still there when the time for shutting down was over'
    KEY_UNUSABLE = 12, 'the file of the cluster key cannot be used: missing, no key, or others may read it'
    CERTIFICATE_UNUSABLE = 13, 'the certificate of this machine cannot be used, or not be made'
    KEY_EXISTS = 14, 'there is a key already, and it was left as it is'
    CALL_REFUSED = 20, 'the agent has no such method or attribute, or does not take these arguments'
    CALL_FAILED = 21, 'the method that was called has failed'
    NOBODY_RESTARTS = 22, 'an agent is to be started again that nobody would start again'
    NOT_DONE = 23, 'an agent has not stopped, or does not run again, within the time given'
    FAULTS_FOUND = 24, 'something is wrong; each line says what and how to mend it'
    EXTRA_MISSING = 30, 'this verb needs a package that is not installed'
    # What shells report for a command that Ctrl-C has ended: 128 + SIGINT.
    INTERRUPTED = 130, 'ended by Ctrl-C'
