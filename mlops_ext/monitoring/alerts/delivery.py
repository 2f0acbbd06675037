"""Delivery: notices go out through the channels of mlops.toml, at least once each, with patience."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from mlops_ext.errors import MlopsError
from mlops_ext.monitoring.alerts.channels import send
from mlops_ext.monitoring.alerts.service import alert_of
from mlops_ext.monitoring.alerts.tables import alerts, notices
from mlops_ext.monitoring.alerts.types import SEVERITIES, Alert
from mlops_ext.records import now
from mlops_ext.settings import Channel, read_settings
from mlops_ext.store.catalog import Change
from mlops_ext.workspace import Workspace

__all__ = ["deliver"]

KEPT = timedelta(days=1)
"""An older notice is no news: a channel that is added later does not hear of it."""
MOST_ATTEMPTS = 8
LEASE_SECONDS = 120.0
_BATCH = 100
log = logging.getLogger("mlops_ext.monitoring")


def deliver(ws: Workspace) -> int:
    """Send the notices that are due; give how many all channels took.

    A notice is claimed before it is sent, so that of many processes one sends it. One that a channel does not take is
    tried again after 1, 2, 4 … minutes, at that channel alone, and given up after eight attempts; `alerts notices`
    shows the last error.
    """
    due = _due(ws)
    channels = read_settings(ws.root).alerts.channels if due else ()
    return sum(_send(ws, each, channels) for each in due) if channels else 0


def _due(ws: Workspace) -> list[str]:
    columns, moment = notices.c, now()
    query = select(columns.id).where(columns.state == "pending", columns.due_at <= moment.timestamp())
    with ws.catalog.read() as connection:
        found = connection.execute(query.where(columns.created_at > moment - KEPT).order_by(columns.id).limit(_BATCH))
        return [row.id for row in found]


def _send(ws: Workspace, notice: str, channels: tuple[Channel, ...]) -> int:
    claimed = ws.catalog.measure(lambda change: _claim(change, notice), serial=True)
    if claimed is None:
        return 0
    row, alert = claimed
    told, errors = list(row.told), []
    for channel in channels:
        if channel.name in told or not _hears(channel, alert):
            continue
        try:
            send(channel, alert, row.reason, notice)
            told.append(channel.name)
        except MlopsError as error:
            log.warning("notice %s did not reach %s: %s", notice, channel.name, error.message)
            errors.append(f"{channel.name}: {error.message}")
    ended = "pending" if errors and row.attempts < MOST_ATTEMPTS else "failed" if errors else "sent"
    values: dict[str, Any] = {"told": told, "error": "; ".join(errors), "state": ended}
    values["due_at"] = now().timestamp() + 60 * 2 ** (row.attempts - 1)
    ws.catalog.measure(lambda change: change.execute(update(notices).where(notices.c.id == notice).values(**values)))
    return int(ended == "sent")


def _claim(change: Change, notice: str) -> tuple[Any, Alert] | None:
    """Take a notice for two minutes; None when another process has it."""
    moment = change.now.timestamp()
    due = (notices.c.id == notice) & (notices.c.state == "pending") & (notices.c.due_at <= moment)
    taken = update(notices).where(due).values(attempts=notices.c.attempts + 1, due_at=moment + LEASE_SECONDS)
    if change.execute(taken).rowcount == 0:
        return None
    row = change.execute(select(notices).where(notices.c.id == notice)).one()
    return row, alert_of(change.execute(select(alerts).where(alerts.c.id == row.alert)).one())


def _hears(channel: Channel, alert: Alert) -> bool:
    if alert.channels and channel.name not in alert.channels:
        return False
    return SEVERITIES.index(alert.severity) >= SEVERITIES.index(channel.severity)
