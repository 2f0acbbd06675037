"""Sending the trail's head to who keeps it outside: one POST to the URL that the settings name, noted in the trail."""

from __future__ import annotations

import os
from typing import ClassVar

from sqlalchemy import Connection, func, select

from mlops_ext.errors import InvalidValue, MlopsError
from mlops_ext.governance import audit, signing
from mlops_ext.governance.types import Head, ShowHead
from mlops_ext.posting import SECONDS, PostFailed, bare_url, check_url, post
from mlops_ext.settings import AuditSettings, read_settings
from mlops_ext.store import trail
from mlops_ext.store.catalog import Change
from mlops_ext.store.schema import event_data, events
from mlops_ext.workspace import Workspace

__all__ = ["AnchorFailed", "keep", "send", "send_due"]

ANCHORED = "audit.head_anchored"
_DECISIONS = ("model.promoted", "model.glass_broken", "model.rolled_back")


class AnchorFailed(MlopsError):
    """The anchor did not take the head; the trail stands as it was."""

    code: ClassVar[str] = "anchor_failed"
    http_status: ClassVar[int] = 502


def send_due(ws: Workspace) -> int:
    """Send the head when something was promoted or rolled back since the anchor took one; give how many were sent.

    It is signed when MLOPS_AUDIT_KEY is set. Of several processes more than one may send: the anchor keeps both.

    Raises
    ------
    AnchorFailed
        The anchor did not take it; it stays due.
    """
    settings = read_settings(ws.root).audit
    if not settings.anchor or not ws.exists():
        return 0
    with ws.catalog.read() as connection:
        decided = select(func.max(events.c.seq)).where(events.c.action.in_(_DECISIONS))
        if (connection.execute(decided).scalar_one() or 0) <= _anchored(connection):
            return 0
    head = ws.call(audit.head, ShowHead(root=True))
    keep(ws, signing.sign(ws, head) if signing.VARIABLE in os.environ else head, settings)
    return 1


def keep(ws: Workspace, head: Head, settings: AuditSettings) -> int:
    """Send a head, note in the trail that the anchor took it, and give the answer's status."""
    status = send(head, settings)

    def note(change: Change) -> None:
        if head.seq > _anchored(change):
            data = {"seq": head.seq, "hash": head.hash, "root": head.root, "anchor": bare_url(settings.anchor)}
            change.event(ANCHORED, "workspace", data | {"signed": bool(head.signature)})

    ws.catalog.write(note)
    return status


def _anchored(reader: Connection | Change) -> int:
    """Give how many events the newest head covers that the anchor took."""
    joined = select(event_data.c.data).join(events, event_data.c.seq == events.c.seq)
    newest = joined.where(events.c.action == ANCHORED).order_by(events.c.seq.desc()).limit(1)
    data = reader.execute(newest).scalar_one_or_none()
    return 0 if data is None else int(trail.decoded(data)["seq"])


def send(head: Head, settings: AuditSettings, *, seconds: float = SECONDS) -> int:
    """Post a head as JSON and give the answer's status.

    Parameters
    ----------
    head : Head
        Best signed.
    settings : AuditSettings
        `anchor` is the URL, `plain_http` the hosts that need no TLS.
    seconds : float
        How long to wait for the connection and for each part of the answer.

    Raises
    ------
    InvalidValue
        There is no URL, or one that may not be used.
    AnchorFailed
        It could not be reached, or did not answer with 2xx; a redirect is not followed.
    """
    if not settings.anchor:
        raise InvalidValue("no anchor is set", hint='Write into mlops.toml: [audit] anchor = "https://…"')
    url = check_url(settings.anchor, "the anchor", settings.plain_http)
    try:
        return post(url, head.model_dump_json().encode(), seconds=seconds)
    except PostFailed as error:
        raise AnchorFailed(
            f"the anchor did not take the head: {error.message}", hint="The trail is as it was; send it later"
        ) from error
