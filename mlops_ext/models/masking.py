"""Masking: whatever looks like a secret is taken out of a text before it is stored."""

from __future__ import annotations

import re

__all__ = ["masked"]

MASK = "[masked]"

_PATTERNS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"\b(gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk-|hf_|pypi-)[A-Za-z0-9_\-]{16,}"),
    re.compile(r"\beyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]*"),
    re.compile(r"(?<=://)[^\s/:@'\"]+:[^\s/@'\"]+(?=@)"),
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9_\-.=+/]{12,}"),
)
_ASSIGNED = re.compile(
    r"(?i)(\b[\w-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|credential)[\w-]*"
    r"[\"']?\s*[:=]\s*)([\"'][^\"'\n]{4,}[\"']|(?=[^\s\"',;()]*\d)[^\s\"',;#()\[\]{}]{8,}(?![\w(.\[]))"
)


def masked(text: str) -> str:
    """Replace whatever looks like a key, a token or a password.

    Examples
    --------
    >>> masked("db = 'postgresql://me:hunter22@host/db'")
    "db = 'postgresql://[masked]@host/db'"
    >>> masked("API_KEY = 'abcd1234'")
    'API_KEY = [masked]'
    """
    for pattern in _PATTERNS:
        text = pattern.sub(MASK, text)
    return _ASSIGNED.sub(rf"\1{MASK}", text)
