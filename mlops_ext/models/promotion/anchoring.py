"""After a promotion or a rollback is committed, the trail's head goes to the anchor: aside, and never in the way."""

from __future__ import annotations

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from mlops_ext.errors import MlopsError
from mlops_ext.models.plugins import load_plugin
from mlops_ext.workspace import Workspace

__all__ = ["ANCHORS", "anchor_aside"]

ANCHORS = "mlops_ext.anchors"
log = logging.getLogger("mlops_ext.models")


def anchor_aside(ws: Workspace) -> None:
    """Send the head in a thread when [audit] names an anchor.

    Nobody waits for it but the end of the process. What the anchor does not take stays due: the next promotion, the
    next tick and `mlops audit anchor` send it.
    """
    if ws.settings.audit.anchor:
        threading.Thread(target=_send, args=(ws,), name="mlops-anchor").start()


def _send(ws: Workspace) -> None:
    try:
        load_plugin(ANCHORS, "https")(ws)
    except (MlopsError, SQLAlchemyError, OSError) as error:
        log.warning("%s; it is sent again at the next tick or promotion, or by: mlops audit anchor", error)
