"""``osbrain keys``: the key of the cluster, how it gets to other machines, and how it is replaced."""

from __future__ import annotations

import os
import shlex
import socket
import time
from pathlib import Path
from typing import Any

import click

from ..._security.certificates import Certificates, certificates, files
from ..._security.key import ClusterKey
from ..._security.keyring import VARIABLE, Keyring, key_path, read_keyring, write_keyring
from ...errors import CertificateUnusable
from ..exits import Exit
from ..failure import Failure
from ..options import days, examples, json_option
from ..output import say, show_json, show_table

_EXAMPLES = (
    'osbrain keys show-fingerprint',
    'osbrain keys copy-instructions lab4      # how another machine gets the key',
    'osbrain keys certificate                 # before listening for other machines',
    'osbrain keys rotate                      # replace the key, nobody stops',
)
# Where a key is on a machine where nothing is set otherwise, from the home directory.
_USUAL = '.config/osbrain/cluster.key'


@click.group(
    invoke_without_command=True,
    subcommand_metavar='VERB ...',
    short_help="Look at the cluster's key, replace it, take it to other machines.",
    epilog=examples(*_EXAMPLES),
)
@click.pass_context
def keys(ctx: click.Context) -> Exit:
    """Look at the key of the cluster, replace it, take it to other machines.

    Who has the key may call, read and feed every agent. It is made on first use, and on one machine
    nobody has to know of it. No verb prints it.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        return Exit.USAGE
    return Exit.OK


# -- show-fingerprint


@keys.command(
    'show-fingerprint',
    short_help='Show which keys are accepted, and the certificate.',
    epilog=examples('osbrain keys show-fingerprint', "osbrain keys show-fingerprint --json | jq -r '.keys[0]'"),
)
@json_option
def show_fingerprint(*, as_json: bool) -> Exit:
    """Show the fingerprints of the keys that are accepted, the one in use first, and the state of the certificate.

    Machines of one cluster show the same. A fingerprint says nothing about the key: it may be told to
    anybody.
    """
    path = key_path()
    ring = read_keyring(path)
    certificate, problem = _certificate()
    if as_json:
        show_json(_facts(path, ring, certificate, problem))
        return Exit.OK
    say(f'Key file: {path}')
    trusted = certificate.trusted if certificate else ()
    states = ('in use', *['accepted'] * len(ring.keys[1:]))
    authorities = ['trusted' if key.fingerprint in trusted else 'none' for key in ring.keys]
    fingerprints = [key.fingerprint for key in ring.keys]
    show_table(('fingerprint', 'key', 'authority'), list(zip(fingerprints, states, authorities, strict=True)))
    if certificate:
        say(f'Certificate: {files().node}, of {certificate.issuer}, valid until {_day(certificate.ends)}.')
    else:
        say(f'Certificate: {problem}')
    return Exit.OK


def _certificate() -> tuple[Certificates | None, str]:
    """Return the certificate of this machine, or why there is none that can be used."""
    if not any(path.exists() for path in files()):
        return None, 'none, so this machine cannot listen for others (osbrain keys certificate makes one)'
    try:
        return certificates(), ''
    except CertificateUnusable as error:
        return None, str(error)


def _facts(path: Path, ring: Keyring, certificate: Certificates | None, problem: str) -> dict[str, Any]:
    return {
        'path': str(path),
        'keys': [key.fingerprint for key in ring.keys],
        'certificate': {
            'path': str(files().node),
            'issuer': certificate.issuer if certificate else None,
            'authorities': list(certificate.trusted) if certificate else [],
            'until': _day(certificate.ends) if certificate else None,
            'problem': problem or None,
        },
    }


def _day(moment: float) -> str:
    return time.strftime('%Y-%m-%d', time.gmtime(moment))


# -- new


@keys.command(short_help='Make a key where there is none.', epilog=examples('osbrain keys new'))
@click.option('--force', is_flag=True, help='Make it although there is one, which is lost.')
def new(*, force: bool) -> Exit:
    """Make a key where there is none.

    With --force also where there is one, as after others may have seen it. Who has the old key is a
    stranger from then on: running agents keep the connections that they have, and sockets that are
    bound still ask for the old key. So end the system before, and copy the new key to every machine.
    To replace a key while everything runs there is osbrain keys rotate.
    """
    path, key = key_path(), ClusterKey.new()
    if not write_keyring(path, Keyring((key,)), replace=force):
        problem = f'there is a key already, which stays as it is: {path}'
        raise Failure(Exit.KEY_EXISTS, f'{problem} (osbrain keys rotate replaces it, --force at once)')
    say(f'New key {key.fingerprint} in {path}.')
    if force:
        say('Who has another key is a stranger now: end what still runs with it, then start it again.', err=True)
        _tell_others()
    return Exit.OK


# -- rotate


@keys.command(
    short_help='Replace the key while everything runs.',
    epilog=examples(
        'osbrain keys rotate             # one machine: a new key, the old one is still accepted',
        'osbrain keys rotate --prepare   # several machines: a new key is accepted, not used yet',
        'osbrain keys rotate --use 3f0a-91c2-77de-0b45',
        'osbrain keys rotate --finish    # drop the old keys',
    ),
)
@click.option('--prepare', is_flag=True, help='Make a key that is accepted but not used yet.')
@click.option('--use', metavar='FINGERPRINT', help='Use this one of the accepted keys.')
@click.option('--finish', is_flag=True, help='Drop all keys but the one in use.')
def rotate(*, prepare: bool, use: str | None, finish: bool) -> Exit:
    """Replace the key while everything runs.

    Makes a new key that is used from now on; the old one is still accepted until --finish. On several
    machines begin with --prepare, so that every machine accepts the new key before any of them uses
    it, and copy the key file to all of them after each step (osbrain keys copy-instructions).

    Running processes read the file again when it has changed.
    """
    if prepare + finish + (use is not None) > 1:
        raise click.UsageError('--prepare, --use and --finish are steps: take one after the other')
    path = key_path()
    ring = read_keyring(path)
    if finish:
        after = Keyring((ring.current,))
    elif prepare:
        after = Keyring((*ring.keys, ClusterKey.new()))
    elif use is not None:
        chosen = _chosen(ring, use)
        after = Keyring((chosen, *(key for key in ring.keys if key != chosen)))
    else:
        after = Keyring((ClusterKey.new(), *ring.keys))
    write_keyring(path, after)
    accepted = ', '.join(key.fingerprint for key in after.keys[1:]) or 'no other'
    say(f'In use: {after.current.fingerprint}. Accepted as well: {accepted}.')
    _tell_others()
    if prepare:
        say(f'Then, here: osbrain keys rotate --use {after.keys[-1].fingerprint}', err=True)
    elif not finish:
        say('When every machine has it, here: osbrain keys rotate --finish', err=True)
    return Exit.OK


def _chosen(ring: Keyring, fingerprint: str) -> ClusterKey:
    for key in ring.keys:
        if key.fingerprint == fingerprint.strip().lower():
            return key
    known = ', '.join(key.fingerprint for key in ring.keys)
    raise click.BadParameter(f'{fingerprint!r} is none of the keys that are accepted ({known})', param_hint='--use')


def _tell_others() -> None:
    """Say what follows from a key file that has changed."""
    say('Processes of this machine read it by themselves. Other machines need a copy:', err=True)
    say('osbrain keys copy-instructions', err=True)
    if any(path.exists() for path in files()):
        say('The certificates belong to the keys; here and on the other machines: osbrain keys certificate', err=True)


# -- certificate


@keys.command(
    short_help='Make the certificate with which this machine listens for others.',
    epilog=examples('osbrain keys certificate', 'osbrain keys certificate --days 90'),
)
@click.option(
    '--days', 'valid', metavar='DAYS', type=days, default=825, show_default=True, help='How long it is to be valid.'
)
def certificate(*, valid: int) -> Exit:
    """Make the certificate with which this machine listens for others, and connects to them.

    It comes from the key, so no certificate has to be copied: run this on each machine. It takes the
    place of an older one, and running processes take it up by themselves. The package cryptography
    makes it: pip install 'osbrain[tls]'.
    """
    ring, where = read_keyring(key_path()), files()
    try:
        from ..._security.authority import write_certificates  # noqa: PLC0415  (only this verb needs the package)
    except ImportError as error:
        problem = f'what makes it is not installed ({error})'
        raise CertificateUnusable(str(where.node), problem, "pip install 'osbrain[tls]'") from None
    write_certificates(ring, where, valid, socket.gethostname())
    made = certificates()
    say(f'Certificate of {made.issuer}, valid until {_day(made.ends)}: {where.node}')
    return Exit.OK


# -- copy-instructions


@keys.command(
    'copy-instructions',
    short_help='Say how another machine gets the key.',
    epilog=examples('osbrain keys copy-instructions lab4', 'osbrain keys copy-instructions ann@lab4.example.org'),
)
@click.argument('machine', metavar='[MACHINE]', default='MACHINE')
def copy_instructions(*, machine: str) -> Exit:
    """Print the commands that take the key to another machine, and what is to be done there.

    Nothing is copied, and the key is not printed.
    """
    path = key_path()
    ring = read_keyring(path)
    given = bool(os.environ.get(VARIABLE))
    target = Path(path if given else _USUAL)
    arriving = target.with_name(f'{target.name}.new')
    folder, beside, there = (shlex.quote(str(one)) for one in (target.parent, arriving, target))
    host = shlex.quote(machine)
    lines = [
        f'# The key {ring.current.fingerprint} goes from here to {machine}: who can read it on the way can call',
        '# every agent. Here:',
        f'ssh {host} {shlex.quote(f"umask 077 && mkdir -p {folder}")}',
        f'scp {shlex.quote(str(path))} {shlex.quote(f"{machine}:{arriving}")}',
        f'ssh {host} {shlex.quote(f"chmod 600 {beside} && mv {beside} {there}")}',
        f'# On {machine}:',
        *([f'export {VARIABLE}={there}    # for every program that uses osbrain'] if given else []),
        "osbrain keys certificate         # needs pip install 'osbrain[tls]'",
        f'osbrain keys show-fingerprint    # has to show {ring.current.fingerprint}',
    ]
    for line in lines:
        click.echo(line)
    return Exit.OK
