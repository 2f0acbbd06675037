"""Sending a head to who keeps it outside: one POST, only when asked, to the URL that the settings name."""

from __future__ import annotations

from typing import ClassVar

from mlops_ext.errors import InvalidValue, MlopsError
from mlops_ext.governance.types import Head
from mlops_ext.posting import SECONDS, PostFailed, check_url, post
from mlops_ext.settings import AuditSettings

__all__ = ["AnchorFailed", "send"]


class AnchorFailed(MlopsError):
    """The anchor did not take the head; the trail stands as it was."""

    code: ClassVar[str] = "anchor_failed"
    http_status: ClassVar[int] = 502


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
