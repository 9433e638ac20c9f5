"""`dq completion`: the script that teaches a shell to complete `dq`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  dq completion bash >> ~/.bashrc
    zsh:   dq completion zsh >> ~/.zshrc
    fish:  dq completion fish > ~/.config/fish/completions/dq.fish

    Start a new shell afterwards. Completion in bash needs version 4.4 or later.
    """  # noqa: D301 - click reads the backspace
    from dq.cli import COMPLETE_VARIABLE

    found = get_completion_class(shell)
    assert found is not None
    script = found(context.find_root().command, {}, "dq", COMPLETE_VARIABLE)
    click.echo(script.source_template % script.source_vars())
