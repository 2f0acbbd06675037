"""Completion for shells, as click makes it."""

from __future__ import annotations

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf

__all__ = ["completion"]


@click.command(cls=Leaf)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def completion(session: Session, shell: str) -> object:
    """Write the script that lets SHELL complete mlops.

    For bash: eval "$(mlops completion bash)"
    """
    from click.shell_completion import get_completion_class

    from mlops_ext.cli.tree import Root

    script = get_completion_class(shell)
    if script is None:
        raise click.UsageError(f"no completion for {shell}")
    text = script(Root(()), {}, "mlops", "_MLOPS_COMPLETE").source()
    if session.json:
        return {"shell": shell, "script": text}
    click.echo(text)
    return None
