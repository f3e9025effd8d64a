"""Who may talk to a socket: decided before it is made, from what was asked for, the rule, and what an address says."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from .._protocol.msgpack_form import package
from .._security.key import ClusterKey, fingerprint_of
from .._security.keyring import key_path, keyring
from .._security.policy import CURVE, EXECUTING, checked_security, pickle_allowed, security_of
from .._security.private_folders import refuse_shared
from ..address import AgentAddress, AgentAddressSerializer, AgentChannel
from ..errors import KeyUnusable, OptionInvalid, SerializerForbidden
from .places import endpoint_of, host_of


class Protection(NamedTuple):
    """What protects one socket; *key* is the cluster's, where CURVE does."""

    security: str
    key: ClusterKey | None

    @property
    def told(self) -> tuple[str, bytes | None]:
        """What an address says of it: a client finds the key by its identifier."""
        return self.security, None if self.key is None else self.key.identifier


def checked_serializer(serializer: Any) -> AgentAddressSerializer:
    """Return *serializer* if sockets may have it here; :class:`~osbrain.errors.SerializerForbidden` if not."""
    name = AgentAddressSerializer(serializer)
    if name in EXECUTING and not pickle_allowed():
        raise SerializerForbidden(name)
    if name == 'msgpack':
        package()
    return name


def protection_of_bound(
    wanted: str | None, default: str | None, endpoint: str, serializer: str, kept: Any
) -> Protection:
    """Return what protects a socket that is to be bound.

    *wanted* is the socket's own, *default* its agent's. A socket that takes the place of another one, at the address or
    channel *kept*, has the key which that one had, as long as it is accepted: those who know the address expect it.
    """
    transport = endpoint.partition('://')[0]
    if transport == 'inproc' and wanted == CURVE:
        raise OptionInvalid('security', wanted, "'none' (or left out) for inproc, where nobody else can be")
    security = security_of(wanted or default, transport, host_of(endpoint), serializer)
    if security != CURVE:
        return Protection(security, None)
    ring = keyring()
    before = kept.receiver or kept.sender if isinstance(kept, AgentChannel) else kept
    key = ring.find(before.key) if before is not None and before.key else None
    return Protection(security, key or ring.current)


def protection_of_connected(wanted: str | None, default: str | None, server: AgentAddress) -> Protection:
    """Return what protects a socket that is to be connected to *server*."""
    said = server.security
    if said is not None and wanted is not None and wanted != said:
        raise OptionInvalid('security', wanted, f'{said!r}, as {server} says (or left out)')
    endpoint = endpoint_of(server)
    # What the address says is what the other end does; what may run code here is still up to this end.
    security = security_of(said or wanted or default, server.transport, host_of(endpoint), server.serializer)
    if security == CURVE:
        return Protection(security, _key_of(server.key, endpoint))
    if server.transport == 'ipc' and server.serializer in EXECUTING:
        refuse_shared(Path(str(server.address)).absolute())
    return Protection(security, None)


def _key_of(identifier: bytes | None, endpoint: str) -> ClusterKey:
    """Return the key by which *endpoint* is protected: the one in use, if its address names none."""
    ring = keyring()
    found = ring.current if identifier is None else ring.find(identifier)
    if identifier is not None and found is None:
        raise KeyUnusable(
            str(key_path()),
            f'the key {fingerprint_of(identifier)}, with which {endpoint} is protected, is not in it',
            'copy it from a machine of the cluster (osbrain keys copy-instructions, there, tells how)',
        )
    return found or ring.current


def asked_for(security: Any, agent: Any) -> tuple[str | None, str | None]:
    """Return what was asked for a socket and for its *agent*, checked."""
    return checked_security(security), checked_security(agent._security, 'security of the agent')
