"""Sending a head to who keeps it outside: one POST, only when asked, to the URL that the settings name."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException, HTTPMessage
from typing import IO, ClassVar

from mlops_ext.errors import InvalidValue, MlopsError
from mlops_ext.governance.types import Head
from mlops_ext.settings import AuditSettings

__all__ = ["AnchorFailed", "send"]

SECONDS = 10.0


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
    request = urllib.request.Request(  # noqa: S310 - the scheme is checked
        _checked(settings),
        data=head.model_dump_json().encode(),
        headers={"Content-Type": "application/json", "User-Agent": "mlops-ext"},
        method="POST",
    )
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=seconds) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        raise _failed(settings, f"it answered {error.code} {error.reason}") from error
    except (urllib.error.URLError, HTTPException, TimeoutError, OSError) as error:
        raise _failed(settings, str(getattr(error, "reason", "") or error)) from error


def _checked(settings: AuditSettings) -> str:
    if not settings.anchor:
        raise InvalidValue("no anchor is set", hint='Write into mlops.toml: [audit] anchor = "https://…"')
    parts = urllib.parse.urlsplit(settings.anchor)
    if parts.scheme == "http" and parts.hostname not in settings.plain_http:
        raise InvalidValue(
            f"the anchor {_shown(settings)} is no https URL",
            hint=f'Allow it: [audit] plain_http = ["{parts.hostname}"]',
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidValue(f"the anchor {_shown(settings)} is no https URL", hint="Write https://host/path")
    return settings.anchor


def _failed(settings: AuditSettings, why: str) -> AnchorFailed:
    return AnchorFailed(
        f"the anchor {_shown(settings)} did not take the head: {why}",
        hint="The trail is as it was; send it later",
    )


def _shown(settings: AuditSettings) -> str:
    """Give the URL without what may be secret in it: user, password and query."""
    parts = urllib.parse.urlsplit(settings.anchor)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Lets a redirect count as a refusal, so that a head goes nowhere else."""

    def redirect_request(
        self,
        req: urllib.request.Request,  # noqa: ARG002
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: HTTPMessage,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None
