"""Bringing over what another registry holds, from the command line."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.tree import Leaf

__all__ = ["mlflow"]


@click.command(cls=Leaf)
@click.argument("uri")
@click.option("--dry-run", is_flag=True, help="Only count what would come.")
@click.pass_obj
def mlflow(session: Session, uri: str, dry_run: bool) -> Any:
    """Bring over the runs and models of the MLflow store at URI: a server, sqlite:///FILE or a folder.

    What came over before stays as it is; an import that was broken off goes on. Exit code 6: something was left out or
    differs afterwards, and is named.
    """
    from mlops_ext.cli.progress import Bytes
    from mlops_ext.models.importing.edge import import_mlflow

    with Bytes(session, "runs and versions") as bar:
        report = import_mlflow(uri, dry_run=dry_run, progress=bar.update, workspace=session.workspace)
    session.exit_code = REFUSED if report.differences else 0
    return report
