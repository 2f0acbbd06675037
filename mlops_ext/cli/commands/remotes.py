"""Versions of datasets to another store and from it."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf

__all__ = ["pull", "push"]


@click.command(cls=Leaf)
@click.argument("datasets", nargs=-1)
@click.option("--to", default="", metavar="REMOTE", help="A remote of mlops.toml, a URL or a folder.")
@click.option("--all", "every", is_flag=True, help="Every dataset.")
@click.option("--as", "under", default="", metavar="NAME", help="Another name for the dataset there.")
@click.option("--verify", is_flag=True, help="Read what is there, and send flipped pieces again.")
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
@click.pass_obj
def push(
    session: Session, datasets: tuple[str, ...], to: str, every: bool, under: str, verify: bool, dry_run: bool
) -> Any:
    """Send versions of DATASETS to another store; only the pieces that it lacks travel.

    A bare name sends all versions, `name@3` or `name@latest` one. What broke off goes on when it is repeated. Without
    --to the only remote of mlops.toml is taken.
    """
    from mlops_ext.cli.progress import Bytes
    from mlops_ext.datasets.remotes.edge import push as send

    given = [session.named(each) for each in datasets] or None
    with Bytes(session, "push") as bar:
        return send(
            given,
            to=to,
            all=every,
            as_=under,
            verify=verify,
            dry_run=dry_run,
            progress=bar.update,
            workspace=session.workspace,
        )


@click.command(cls=Leaf)
@click.argument("datasets", nargs=-1)
@click.option("--from", "source", default="", metavar="REMOTE", help="A remote of mlops.toml, a URL or a folder.")
@click.option("--all", "every", is_flag=True, help="Every dataset.")
@click.option("--as", "under", default="", metavar="NAME", help="Another name for the dataset here.")
@click.option("--dry-run", is_flag=True, help="Only say what would be fetched.")
@click.pass_obj
def pull(session: Session, datasets: tuple[str, ...], source: str, every: bool, under: str, dry_run: bool) -> Any:
    """Fetch versions of DATASETS from another store; only the pieces that are missing here travel.

    A bare name fetches all versions, `name@3` or `name@latest` one. Numbers stay: where one is taken here by other
    content nothing is fetched. Without --from the only remote of mlops.toml is taken.
    """
    from mlops_ext.cli.progress import Bytes
    from mlops_ext.datasets.remotes.edge import pull as fetch

    given = [session.named(each) for each in datasets] or None
    with Bytes(session, "pull") as bar:
        return fetch(
            given, from_=source, all=every, as_=under, dry_run=dry_run, progress=bar.update, workspace=session.workspace
        )
