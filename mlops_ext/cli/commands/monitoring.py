"""Drift between two datasets and a model's dashboard, for people and for CI; and a try of an alert's channel."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.tree import Leaf

__all__ = ["dashboard", "drift", "store_reference", "test_channel"]


def _names(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Split what was given again or with commas; nothing between commas is no name."""
    return tuple(name for text in texts for name in (part.strip() for part in text.split(",")) if name)


@click.command(cls=Leaf)
@click.argument("reference")
@click.argument("current")
@click.option("--columns", multiple=True, callback=_names, help="Only these columns (again, or with commas).")
@click.option(
    "--categorical", multiple=True, callback=_names, help="Columns to compare as categories, whatever their type."
)
@click.option("--numeric", multiple=True, callback=_names, help="Columns to compare as numbers, whatever their type.")
@click.option("--target", default="", help="The label's column; compared whatever --columns says.")
@click.option("--prediction", default="", help="The prediction's column; compared whatever --columns says.")
@click.option("--slices", multiple=True, callback=_names, help="Compare all once more by these columns' labels.")
@click.option("--together", is_flag=True, help="Also ask a classifier to tell the sides apart by all columns.")
@click.option("--text", multiple=True, callback=_names, help="Columns whose words that classifier compares.")
@click.option("--statistics", multiple=True, callback=_names, help="Only these, and what the verdict needs.")
@click.option("--alpha", type=click.FloatRange(0, 1), default=0.05, show_default=True, help="Share of false alarms.")
@click.option("--bound", type=click.FloatRange(min=0), default=0.1, show_default=True, help="Least PSI that matters.")
@click.option("--also", multiple=True, metavar="REFERENCE", help="A further window of the reference (again).")
@click.option(
    "--season", type=click.Choice(["month", "weekday"]), default=None, help="Only the reference's same season."
)
@click.option("--at", default="", metavar="COLUMN", help="Column that says when a row is of, for --season.")
@click.option("--window", default="", help="Name of the current window, such as 2013-03.")
@click.option("--model", default="", help="Reference of the model version that this concerns.")
@click.option("--save", is_flag=True, help="Keep it as a report.")
@click.option("--out", metavar="FILE", help="Also write rows and verdict as JSON.")
@click.option("--html", metavar="FILE", help="Also write it as a page.")
@click.option("--fail-on-drift", is_flag=True, help="Exit code 6 when something drifted.")
@click.pass_obj
def drift(
    session: Session,
    /,
    reference: str,
    current: str,
    also: tuple[str, ...],
    out: str | None,
    html: str | None,
    fail_on_drift: bool,
    **options: Any,
) -> Any:
    """Compare CURRENT with REFERENCE, column by column.

    Each is a CSV or Parquet file, a folder of them, or a dataset reference; in a notebook also a variable.
    """
    from mlops_ext.monitoring.drift.edge import drift as compare

    report = compare(
        [session.named(each) for each in (reference, *also)] if also else session.named(reference),
        session.named(current),
        workspace=session.workspace,
        **{name: given for name, given in options.items() if given not in (None, ())},
    )
    if out:
        report.save_json(session.path(out))
    if html:
        report.save_html(session.path(html))
    if fail_on_drift and report.drifted:
        session.exit_code = REFUSED
    return report


@click.command("store-reference", cls=Leaf)
@click.argument("reference")
@click.argument("file")
@click.option("--also", multiple=True, metavar="REFERENCE", help="A further window of the reference (again).")
@click.option("--categorical", multiple=True, callback=_names, help="Columns that are categories from now on.")
@click.option("--numeric", multiple=True, callback=_names, help="Columns that are numbers from now on.")
@click.pass_obj
def store_reference(session: Session, /, reference: str, file: str, also: tuple[str, ...], **options: Any) -> Any:
    """Keep REFERENCE ready in FILE, whose name ends in .reference; `mlops drift FILE CURRENT` then sorts it no more."""
    from mlops_ext.monitoring.drift.edge import store_reference as store

    windows = [session.named(each) for each in (reference, *also)]
    stored = store(windows, session.path(file), workspace=session.workspace, **options)
    return {"reference": str(stored), "bytes": stored.stat().st_size}


@click.command(cls=Leaf)
@click.argument("model")
@click.option("--metric", default="", help="Metric to judge the windows by; the alerts' own when left out.")
@click.option("--most", type=click.IntRange(1, 200), default=24, show_default=True, help="Windows at most, the newest.")
@click.option("--html", metavar="FILE", help="Also write it with every figure as one page that needs no network.")
@click.option("--fail-on-alert", is_flag=True, help="Exit code 6 when an alert is open.")
@click.pass_obj
def dashboard(session: Session, model: str, metric: str, most: int, html: str | None, fail_on_alert: bool) -> Any:
    """Show how MODEL does: is it all right, since when not, what moved, and what to do."""
    from mlops_ext.monitoring.dashboard.edge import Dashboard

    board = Dashboard(model, metric=metric, most=most, workspace=session.workspace)
    if html:
        board.save_html(session.path(html))
    if fail_on_alert and board.health.alerts:
        session.exit_code = REFUSED
    return board


@click.command("test", cls=Leaf)
@click.argument("channel")
@click.pass_obj
def test_channel(session: Session, channel: str) -> Any:
    """Send a message through CHANNEL of mlops.toml, so that you see it arrive before an alert depends on it."""
    from mlops_ext.errors import NotFound
    from mlops_ext.monitoring.alerts.channels import send
    from mlops_ext.monitoring.alerts.types import Alert
    from mlops_ext.records import new_id, now

    known = {each.name: each for each in session.workspace.settings.alerts.channels}
    if channel not in known:
        raise NotFound.of("channel", channel, known)
    moment, actor = now(), session.workspace.actor.name
    alert = Alert(
        id=new_id(), monitor="test", model="none", kind="drift", window="test", windows=("test",), severity="info",
        message=f"{actor} tries the channel {channel}; nothing is wrong.",
        created_at=moment, created_by=actor, seen_at=moment,
    )  # fmt: skip
    send(known[channel], alert, "raised", alert.id)
    return alert
