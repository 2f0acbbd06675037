"""Channels: an alert as a message of Apprise, which knows a hundred services, or as a signed webhook."""

from __future__ import annotations

import os
import time

from mlops_ext.errors import InvalidValue, MissingExtra
from mlops_ext.monitoring.alerts.types import Alert, NoticeReason
from mlops_ext.posting import PostFailed, check_url, post, sign
from mlops_ext.settings import Channel
from mlops_ext.store.hashing import canonical_json

__all__ = ["body_of", "send", "title_of"]

_REASONS = {
    "raised": "",
    "worse": "worse: ",
    "resolved": "resolved: ",
    "storm": "many alerts today, further ones are recorded and not sent; first of them: ",
}


def send(channel: Channel, alert: Alert, reason: NoticeReason, notice: str) -> None:
    """Send an alert through a channel.

    Parameters
    ----------
    channel : Channel
        Its URL and its secret stand in variables of the environment, never in mlops.toml.
    alert : Alert
        As it is now.
    reason : str
        Why it is told.
    notice : str
        Id of the notice; the receiver of a webhook knows a repetition by it.

    Raises
    ------
    InvalidValue, MissingExtra, PostFailed
        The channel is not set up, or did not take it.
    """
    url = _variable(channel.url_env, channel)
    if channel.kind == "webhook":
        _post(channel, url, alert, reason, notice)
    else:
        _notify(channel, url, alert, reason)


def title_of(alert: Alert, reason: NoticeReason) -> str:
    """Say in a line what it is about."""
    about = alert.model or alert.monitor
    return f"[{alert.severity}] {_REASONS[reason]}{alert.kind.replace('_', ' ')} of {about} on {alert.window}"


def body_of(alert: Alert) -> str:
    """Say what happened, since when, and what to do."""
    since = f"Seen in {len(alert.windows)} windows since {alert.windows[0]}.\n" if len(alert.windows) > 1 else ""
    return f"{alert.message}\n{since}mlops alerts acknowledge {alert.id}"


def _post(channel: Channel, url: str, alert: Alert, reason: NoticeReason, notice: str) -> None:
    told = {"type": f"alert.{reason}", "title": title_of(alert, reason), "alert": alert.model_dump(mode="json")}
    body = canonical_json(told)
    stamp = str(int(time.time()))
    headers = {"webhook-id": notice, "webhook-timestamp": stamp}
    if channel.secret_env:
        secret = _variable(channel.secret_env, channel)
        headers["webhook-signature"] = sign(secret, notice, stamp, body.decode())
    post(check_url(url, f"the channel {channel.name}", channel.plain_http), body, headers)


def _notify(channel: Channel, url: str, alert: Alert, reason: NoticeReason) -> None:
    try:
        import apprise
    except ImportError as error:
        raise MissingExtra.of("apprise", "alerts") from error
    sender = apprise.Apprise()
    if not sender.add(url):
        raise InvalidValue(
            f"{channel.url_env} of the channel {channel.name!r} is no URL that Apprise knows",
            hint="Write it as slack://…, mailtos://…, json://host",
        )
    kinds = {"info": "info", "warning": "warning", "critical": "failure"}
    if not sender.notify(body_of(alert), title_of(alert, reason), kinds[alert.severity], body_format="text"):
        raise PostFailed(f"the service behind {channel.url_env} did not take the message")


def _variable(name: str, channel: Channel) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise InvalidValue(f"the channel {channel.name!r} wants {name}", hint=f"Set {name} where it is sent from")
    return value
