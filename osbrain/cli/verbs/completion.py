"""``osbrain completion``: the lines that teach a shell to complete osbrain's verbs, options and agents."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ..exits import Exit
from ..options import examples

# By which the shell tells osbrain that it wants a word completed, not a verb run; click's own rule for the name.
_VARIABLE = '_OSBRAIN_COMPLETE'
_EXAMPLES = (
    'osbrain completion bash >> ~/.bash_completion',
    'osbrain completion zsh > ~/.zfunc/_osbrain     # a folder of $fpath',
    'osbrain completion fish > ~/.config/fish/completions/osbrain.fish',
    'eval "$(osbrain completion bash)"             # for this shell alone',
)


@click.command(short_help='Print what has a shell complete osbrain.', epilog=examples(*_EXAMPLES))
@click.argument('shell', type=click.Choice(('bash', 'zsh', 'fish')))
@click.pass_context
def completion(ctx: click.Context, /, *, shell: str) -> Exit:
    """Print the script that has bash (4.4 or later), zsh or fish complete osbrain.

    Verbs and options are completed, and names of agents, their methods and attributes if the name
    server (--nsaddr, or OSBRAIN_NAMESERVER_ADDRESS) answers at once.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f'this version of click has no completion for {shell}')
    command = ctx.find_root().command
    click.echo(kind.source_template % kind(command, {}, 'osbrain', _VARIABLE).source_vars())
    return Exit.OK
