"""What monitoring knows of a model follows its new name: reports, logged batches, alerts, mutes and monitors."""

from __future__ import annotations

from sqlalchemy import func, literal, update

from mlops_ext.monitoring.alerts.tables import alerts, mutes
from mlops_ext.monitoring.monitors.tables import monitors
from mlops_ext.monitoring.tables import logged_batches, reports
from mlops_ext.store.catalog import Change

__all__ = ["follow"]

_NAMES = (reports, logged_batches, alerts, mutes, monitors)
_REFERENCES = (
    (reports.c.model, ""),
    (logged_batches.c.model, ""),
    (alerts.c.model, ""),
    (monitors.c.model, ""),
    (reports.c.reference, "model:"),
    (reports.c.current, "model:"),
)
"""Columns that hold references to versions of models, and how these begin."""


def follow(change: Change, old: str, new: str) -> None:
    """Let rows of a model carry its new name, so that they are found, joined and matched by it as before.

    Parameters
    ----------
    change : Change
        The transaction that renames the model.
    old, new : str
        Its name until now, and from now on.
    """
    for table in _NAMES:
        change.execute(update(table).where(table.c.model_name == old).values(model_name=new))
    change.execute(update(monitors).where(monitors.c.model == old).values(model=new))
    for column, kind in _REFERENCES:
        begins = f"{kind}{old}@"
        rest = func.substr(column, len(begins))
        those = update(column.table).where(func.substr(column, 1, len(begins)) == begins)
        change.execute(those.values({column: literal(f"{kind}{new}").concat(rest)}))
