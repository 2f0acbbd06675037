"""Monitors from the command line: rows of a file as a batch."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf

__all__ = ["observe"]


@click.command(cls=Leaf)
@click.argument("monitor")
@click.argument("rows")
@click.option("--batch", default="", metavar="ID", help="Tells repetitions; the same batch again changes nothing.")
@click.option("--at", type=click.DateTime(), help="When the rows were seen, UTC; now when left out.")
@click.pass_obj
def observe(session: Session, /, monitor: str, rows: str, batch: str, at: datetime | None) -> Any:
    """Count ROWS, a CSV or Parquet file, into the window of a stream that MONITOR watches.

    In a notebook ROWS may be a variable with a frame. Batches larger than memory belong into a dataset.
    """
    from mlops_ext.monitoring.monitors.edge import observe as count

    given = session.named(rows)
    frame = session.path(given) if isinstance(given, str) else given
    return count(monitor, frame, batch=batch, at=at, workspace=session.workspace)
