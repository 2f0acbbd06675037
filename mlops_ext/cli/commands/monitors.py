"""Monitors and data quality from the command line."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import click

from mlops_ext.cli.options import parameters_of, request_of
from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.tree import Leaf, prose
from mlops_ext.monitoring.monitors import service
from mlops_ext.monitoring.monitors.profiles import pinned

if TYPE_CHECKING:
    from mlops_ext.monitoring.monitors.types import AddMonitor

__all__ = ["add", "observe", "quality"]


@click.pass_obj
def _add(session: Session, /, **given: Any) -> Any:
    request = cast("AddMonitor", request_of(service.add, given))
    return session.workspace.call(service.add, pinned(session.workspace, request))


add = Leaf(
    "add",
    params=parameters_of(service.add),
    callback=_add,
    help=prose(service.add.doc),
    short_help=service.add.summary,
)


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


@click.command(cls=Leaf)
@click.argument("data")
@click.option("--reference", default="", help="What is usual: a file, a folder of files, or a dataset reference.")
@click.option("--key", "keys", multiple=True, help="Columns whose values together may not repeat (again).")
@click.option("--at", default="", metavar="COLUMN", help="Column that says when a row is of.")
@click.option("--max-age", default="", metavar="DURATION", help="How old the newest row may be, such as 2d.")
@click.option("--expectations", metavar="FILE", help="Further rules, as TOML; instead of the dataset's own.")
@click.option("--missing", type=click.FloatRange(0, 1), default=0.01, show_default=True, help="Rise that matters.")
@click.option("--outside", type=click.FloatRange(0, 1), default=0.01, show_default=True, help="Share that matters.")
@click.option("--volume", type=click.FloatRange(min=1), default=2.0, show_default=True, help="Factor that matters.")
@click.option("--window", default="", help="Name of the window, such as 2013-03.")
@click.option("--model", default="", help="Reference of the model version that this concerns.")
@click.option("--save", is_flag=True, help="Keep it as a report.")
@click.option("--fail", is_flag=True, help="Exit code 6 when something failed.")
@click.pass_obj
def quality(session: Session, /, data: str, reference: str, fail: bool, **options: Any) -> Any:
    """Look at the quality of DATA: volume, duplicates, freshness, types, missing values, ranges, labels, expectations.

    DATA is a CSV or Parquet file, a folder of them, or a dataset reference; in a notebook also a variable.
    """
    from mlops_ext.monitoring.quality.edge import quality as look

    usual = session.named(reference) if reference else None
    found = look(session.named(data), reference=usual, workspace=session.workspace, **options)
    if fail and not found.passed:
        session.exit_code = REFUSED
    return found
