"""The command line: ``osbrain VERB``; each end has its exit code, each mistake its line on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

import click

from .. import __version__
from ..errors import CertificateUnusable, KeyUnusable, OsBrainError
from .exits import Exit
from .failure import Failure
from .options import examples
from .output import say
from .verbs import VERBS

__all__ = ['Exit', 'main']

_EXAMPLES = (
    'osbrain nameserver 127.0.0.1:9090',
    'export OSBRAIN_NAMESERVER_ADDRESS=127.0.0.1:9090    # in another terminal',
    'python my_agents.py',
    'osbrain ls',
    'osbrain top',
    'osbrain ping feed',
    'osbrain shutdown',
)
_CODES = '\n'.join(f'  {code.value:>3}  {code.meaning}' for code in Exit)


@click.group(
    invoke_without_command=True,
    context_settings={'help_option_names': ['-h', '--help'], 'max_content_width': 100},
    subcommand_metavar='VERB ...',
    epilog=f'{examples(*_EXAMPLES)}\n\n\b\nExit codes:\n{_CODES}',
)
@click.version_option(__version__, message='osbrain %(version)s')
@click.pass_context
def _osbrain(ctx: click.Context) -> Exit:
    """Agents in processes of their own: start a name server, look at its agents, end them.

    Start a name server, tell the other verbs and your programs where it is, and look. osbrain VERB
    --help says more of each verb.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        return Exit.USAGE
    return Exit.OK


for _verb in VERBS:
    _osbrain.add_command(_verb)


def main(argv: list[str] | None = None) -> int:
    """Run the command *argv* (the process's own without it) and return its exit code, which is one of :class:`Exit`."""
    try:
        return int(_osbrain.main(argv, prog_name='osbrain', standalone_mode=False) or Exit.OK)
    except click.Abort:
        say('Interrupted.', err=True)
        return Exit.INTERRUPTED
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else 'osbrain'
        say(f'{path}: {error.format_message().rstrip(".")} (see {path} --help)', err=True)
        return Exit.USAGE
    except Failure as error:
        say(f'{error.path}: {error.format_message()}', err=True)
        return error.code
    except KeyUnusable as error:
        say(f'osbrain: {error}', err=True)
        return Exit.CERTIFICATE_UNUSABLE if isinstance(error, CertificateUnusable) else Exit.KEY_UNUSABLE
    except (OsBrainError, OSError) as error:
        say(f'osbrain: {error}', err=True)
        return Exit.FAILED
    finally:
        for stream in (sys.stdout, sys.stderr):
            _give_up_output(stream)


def _give_up_output(stream: Any) -> None:
    """Drop what could not be written, as on a full disk; Python would try once more when it ends, and complain."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        stream.flush()
        return
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
