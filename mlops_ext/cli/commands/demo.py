"""The whole story on real flights."""

from __future__ import annotations

import json
from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf

__all__ = ["demo"]


@click.command(cls=Leaf)
@click.option("--dir", "folder", metavar="FOLDER", help="A new or empty folder. Default: mlops-demo.")
@click.option("--months", default="1-6", show_default=True, help="From January to which month.")
@click.option("--lab", is_flag=True, help="Open JupyterLab there when the story is told.")
@click.pass_obj
def demo(session: Session, folder: str | None, months: str, lab: bool) -> Any:
    """Snapshot, join, train, promote, score, watch, retrain, refuse, roll back: on the flights of 2013."""
    from rich.console import Console

    from mlops_ext.demo import main as story

    console = session.messages if session.json else Console()
    result = story.run_demo(session.path(folder) if folder else None, months, console)
    if not result.ok:
        session.exit_code = 1
        if not session.json:
            session.messages.print(f"mlops: {result.message}\n{result.hint}", markup=False, style="red")
    elif lab:
        session.exit_code = story.open_lab(result.workspace)
    return json.loads(result.to_json()) if session.json else None
