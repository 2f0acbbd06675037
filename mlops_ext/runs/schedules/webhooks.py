"""Webhooks: signed messages from outside become events, each once; triggers do the rest.

The signature is that of the Standard Webhooks specification: HMAC-SHA256 over `id.timestamp.body`. The secret stands
in an environment variable of the server and nowhere else.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import time
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from mlops_ext.errors import Conflict, Forbidden, InvalidValue, NotFound
from mlops_ext.operations import operation
from mlops_ext.posting import sign
from mlops_ext.runs.notebooks.secrecy import MASK, is_secret, mask_text
from mlops_ext.runs.schedules.tables import webhook_deliveries
from mlops_ext.runs.schedules.types import Delivery, ReceiveWebhook
from mlops_ext.settings import Webhook, read_settings
from mlops_ext.store.catalog import Change
from mlops_ext.store.hashing import digest_of
from mlops_ext.workspace import Workspace

__all__ = ["TOLERANCE_SECONDS", "receive"]

TOLERANCE_SECONDS = 300
"""How far a message's time may be from ours."""
_KEPT = timedelta(days=1)


@operation("webhooks.receive", "POST /webhooks/{webhook}/deliveries", command="webhook receive", writes=True)
def receive(ws: Workspace, request: ReceiveWebhook) -> Delivery:
    """Take a signed message: an event `webhook.received`, on which triggers can wait; a replay is refused."""
    webhook = _declared(ws, request.webhook)
    _check_signature(webhook, request)
    payload = _payload(request.body)
    told = {"webhook": webhook.name, "id": request.id, "body": digest_of(request.body.encode(), "sha256")}

    def write(change: Change) -> Delivery:
        rows = webhook_deliveries
        change.execute(delete(rows).where(rows.c.received_at < change.now - _KEPT))
        same = (rows.c.webhook == webhook.name) & (rows.c.id == request.id)
        if change.execute(select(rows.c.id).where(same)).first() is not None:
            raise Conflict(f"message {request.id!r} of {webhook.name!r} was taken already", hint="Send each once")
        made = Delivery(webhook=webhook.name, id=request.id, received_at=change.now)
        change.execute(insert(rows).values(**made.model_dump()))
        change.event("webhook.received", made.ref, {**told, "payload": payload})
        return made

    return ws.catalog.write(write)


def _declared(ws: Workspace, name: str) -> Webhook:
    # Read anew: it may have been written since the server started.
    known = {each.name: each for each in read_settings(ws.root).webhooks}
    if name not in known:
        raise NotFound.of("webhook", name, known)
    return known[name]


def _check_signature(webhook: Webhook, request: ReceiveWebhook) -> None:
    """Refuse what is not signed with our secret, or not of these minutes."""
    variable = webhook.secret or f"MLOPS_SECRET_WEBHOOK_{re.sub(r'[^A-Z0-9]', '_', webhook.name.upper())}"
    secret = os.environ.get(variable, "")
    if not secret:
        raise Forbidden(f"the webhook {webhook.name!r} has no secret", hint=f"Set {variable} where the server runs")
    if not request.timestamp.isdecimal() or abs(time.time() - int(request.timestamp)) > TOLERANCE_SECONDS:
        raise Forbidden(
            f"the message's time is {request.timestamp!r}",
            hint=f"Sign it anew: at most {TOLERANCE_SECONDS} seconds may lie between",
        )
    right = sign(secret, request.id, request.timestamp, request.body)
    if not any(hmac.compare_digest(each.encode(), right.encode()) for each in request.signature.split()):
        raise Forbidden(f"the signature of message {request.id!r} is wrong", hint=f"Sign with the secret in {variable}")


def _payload(body: str) -> dict[str, Any]:
    """Read the body, without what looks like a secret."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"the webhook's body is no JSON: {error}", hint="Send one JSON object") from error
    if not isinstance(data, dict):
        raise InvalidValue(f"the webhook's body is a {type(data).__name__}", hint="Send one JSON object")
    masked: dict[str, Any] = _masked(data)
    return masked


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: MASK if is_secret(key) and isinstance(each, str) else _masked(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_masked(each) for each in value]
    return mask_text(value, {}) if isinstance(value, str) else value
