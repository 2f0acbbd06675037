"""Shows what a thing was made of and what was made of it, as a table or as OpenLineage."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from mlops_ext.cli.files import write_whole
from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue

__all__ = ["lineage"]


@click.command(cls=Leaf)
@click.argument("ref")
@click.option("--up", is_flag=True, help="Only what it was made of.")
@click.option("--down", is_flag=True, help="Only what was made of it.")
@click.option("--depth", type=click.IntRange(1, 100), default=10, show_default=True, help="Steps to follow at most.")
@click.option("--limit", type=click.IntRange(1, 10000), default=1000, show_default=True, help="Nodes at most.")
@click.option("--format", "form", type=click.Choice(["table", "openlineage"]), default="table", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Where OpenLineage goes to; stdout when left out.")
@click.pass_obj
def lineage(
    session: Session, ref: str, up: bool, down: bool, depth: int, limit: int, form: str, output: str | None
) -> Any:
    """Show what REF was made of and what was made of it.

    As OpenLineage it writes run events, one JSON document a line.
    """
    from mlops_ext.governance import lineage as graphs
    from mlops_ext.governance import openlineage
    from mlops_ext.governance.types import ShowLineage

    if up and down:
        raise InvalidValue("--up and --down", hint="Leave both out to see both")
    direction = "up" if up else "down" if down else "both"
    request = ShowLineage(ref=ref, direction=direction, depth=depth, limit=limit)
    if form == "table":
        return session.workspace.call(graphs.show, request)
    found = session.workspace.call(openlineage.export, request)
    if found.cut:
        session.messages.print(found.cut, markup=False)
    lines = [json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in found.events]
    if output is not None:
        return {"file": output, "bytes": write_whole(session.path(output), lines), "events": len(lines)}
    sys.stdout.write(b"".join(lines).decode())
    return None
