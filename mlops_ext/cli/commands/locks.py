"""The lock from the command line."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.tree import Leaf

__all__ = ["lock", "update"]


@click.command(cls=Leaf)
@click.option("--check", is_flag=True, help="Write nothing; exit code 6 when the lock is not what the notebooks load.")
@click.pass_obj
def lock(session: Session, check: bool) -> Any:
    """Write mlops.lock: each dataset and model that the project's notebooks load by a bare name, with its version.

    What is found is what the code names and what runs were seen to read. Lines that are there stay as they are.
    """
    from mlops_ext.runs.ci.lock import lock as do

    done = do(session.workspace, write=not check)
    for each in done.missing:
        session.messages.print(f"nothing here is named {each}", markup=False, style="yellow")
    if check and (done.added or done.removed or done.missing):
        session.exit_code = REFUSED
    return done


@click.command(cls=Leaf)
@click.argument("names", nargs=-1)
@click.pass_obj
def update(session: Session, names: tuple[str, ...]) -> Any:
    """Move NAMES in mlops.lock, or all, to their latest version."""
    from mlops_ext.runs.ci.lock import update as do

    return do(session.workspace, names)
