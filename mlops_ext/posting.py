"""Posting to a URL that the settings name: https only unless allowed, no redirects, signed as Standard Webhooks are."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Collection, Mapping
from http.client import HTTPException, HTTPMessage
from typing import IO, ClassVar

from mlops_ext.errors import InvalidValue, MlopsError

__all__ = ["SECONDS", "PostFailed", "bare_url", "check_url", "post", "sign"]

SECONDS = 10.0
_PREFIX = "whsec_"


class PostFailed(MlopsError):
    """The other side did not take it."""

    code: ClassVar[str] = "post_failed"
    http_status: ClassVar[int] = 502


def check_url(url: str, what: str, plain_http: Collection[str] = ()) -> str:
    """Give a URL back that may be posted to.

    Parameters
    ----------
    url : str
        Of https; of http only to a host in `plain_http`.
    what : str
        What it is for; named in the error.
    plain_http : collection of str
        Hosts that need no TLS.

    Raises
    ------
    InvalidValue
        It may not be used; what is secret in it is not shown.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "http" and parts.hostname in plain_http:
        return url
    if parts.scheme != "https" or not parts.hostname:
        hint = f'Allow it: plain_http = ["{parts.hostname}"]' if parts.scheme == "http" else "Write https://host/path"
        raise InvalidValue(f"{what} {bare_url(url)} is no https URL", hint=hint)
    return url


def post(url: str, body: bytes, headers: Mapping[str, str] | None = None, *, seconds: float = SECONDS) -> int:
    """Post JSON and give the answer's status.

    Parameters
    ----------
    url : str
        Checked before.
    body : bytes
        JSON.
    headers : mapping of str to str, optional
        More of them.
    seconds : float
        How long to wait for the connection and for each part of the answer.

    Raises
    ------
    PostFailed
        It could not be reached, or did not answer with 2xx; a redirect is not followed.
    """
    told = {"Content-Type": "application/json", "User-Agent": "mlops-ext", **(headers or {})}
    request = urllib.request.Request(url, data=body, headers=told, method="POST")  # noqa: S310 - checked before
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=seconds) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        raise PostFailed(f"{bare_url(url)} answered {error.code} {error.reason}") from error
    except (urllib.error.URLError, HTTPException, TimeoutError, OSError) as error:
        raise PostFailed(f"{bare_url(url)}: {getattr(error, 'reason', '') or error}") from error


def bare_url(url: str) -> str:
    """Give a URL without what may be secret in it: user, password and query."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def sign(secret: str, id_: str, timestamp: str, body: str) -> str:
    """Sign a message as the Standard Webhooks specification has it: HMAC-SHA256 over `id.timestamp.body`.

    Examples
    --------
    >>> secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    >>> sign(secret, message, "1614265330", '{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    message = f"{id_}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(_key(secret), message, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret[len(_PREFIX) :], validate=True)
    except binascii.Error as error:
        raise InvalidValue("the secret is no base64 after whsec_", hint="Copy it again") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Lets a redirect count as a refusal, so that nothing goes elsewhere."""

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
