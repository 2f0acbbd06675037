"""Drift between two datasets, for people and for CI."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.tree import Leaf

__all__ = ["drift"]


@click.command(cls=Leaf)
@click.argument("reference")
@click.argument("current")
@click.option("--columns", multiple=True, help="Only this column (again).")
@click.option("--alpha", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Share of false alarms.")
@click.option("--bound", type=click.FloatRange(min=0), default=0.1, show_default=True, help="Least PSI that matters.")
@click.option("--window", default="", help="Name of the current window, such as 2013-03.")
@click.option("--model", default="", help="Reference of the model version that this concerns.")
@click.option("--save", is_flag=True, help="Keep it as a report.")
@click.option("--html", metavar="FILE", help="Also write it as a page.")
@click.option("--fail-on-drift", is_flag=True, help="Exit code 6 when something drifted.")
@click.pass_obj
def drift(
    session: Session,
    /,
    reference: str,
    current: str,
    columns: tuple[str, ...],
    html: str | None,
    fail_on_drift: bool,
    **options: Any,
) -> Any:
    """Compare the dataset CURRENT with REFERENCE, column by column; in a notebook also variables."""
    from mlops_ext.monitoring.edge import drift as compare

    report = compare(
        session.named(reference),
        session.named(current),
        columns=columns or None,
        workspace=session.workspace,
        **options,
    )
    if html:
        report.save_html(session.path(html))
    if fail_on_drift and report.drifted:
        session.exit_code = REFUSED
    return report
