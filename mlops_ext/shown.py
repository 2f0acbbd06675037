"""What may be shown of a URL, a query or a driver's message: no user, password, token, key or signature."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from mlops_ext.secret_forms import secret_spans

__all__ = ["shown_url", "without_secrets"]

_SETTING = re.compile(
    r"""(?i)(\b\w*(?:password|passwd|pwd|secret|token|credential|signature|(?:api|access|account)_?key)\w*\s*"""
    r"""(?:=\s*['"]?|['"]))(?!\*\*\*)[^\s'",;&)]+"""
)
"""What database drivers and SQL dialects call their secrets, inside connection strings and statements."""


def shown_url(url: str) -> str:
    """Write a URL without user, password, and what follows a question mark: signatures stand there.

    Examples
    --------
    >>> shown_url("https://me@host/data.csv?sig=abc")
    'https://host/data.csv'
    """
    return "::".join(_shown_link(link) for link in url.split("::"))


def _shown_link(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if "://" in link else link


def without_secrets(text: str, known: dict[str, str] | None = None) -> str:
    """Replace what looks like a password, a token or a key, and the known ones, by asterisks.

    Examples
    --------
    >>> without_secrets("SELECT * FROM postgres_scan('host=db password=hunter22', 't')")
    "SELECT * FROM postgres_scan('host=db password=***', 't')"
    """
    for span in reversed(secret_spans(text, known)):
        text = f"{text[: span.start]}***{text[span.end :]}"
    return _SETTING.sub(lambda found: f"{found[1]}***", text)
