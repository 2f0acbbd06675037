"""What makes a version: the notebook cell or script that runs, and the query, without secrets."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlops_ext.datasets.types import Origin
from mlops_ext.secret_forms import secret_spans
from mlops_ext.store.hashing import digest_of

__all__ = ["here", "shown_url", "without_secrets"]

_SETTING = re.compile(
    r"""(?i)(\b\w*(?:password|passwd|pwd|secret|token|credential|signature|(?:api|access|account)_?key)\w*\s*"""
    r"""(?:=\s*['"]?|['"]))(?!\*\*\*)[^\s'",;&)]+"""
)
"""What database drivers and SQL dialects call their secrets, inside connection strings and statements."""


def here(root: Path, algorithm: str) -> Origin:
    """Tell which cell of which notebook, or which script, runs now.

    Parameters
    ----------
    root : Path
        The workspace's folder; what lies in it is named relative to it.
    algorithm : str
        Hash for the digest of the cell's source.
    """
    module = sys.modules.get("IPython")
    shell: Any = module.get_ipython() if module is not None else None
    if shell is None:
        file = getattr(sys.modules.get("__main__"), "__file__", None)
        return Origin(script=_relative(Path(file).resolve(), root) if file else "")
    sources = shell.history_manager.input_hist_raw
    metadata = (getattr(shell, "parent_header", None) or {}).get("metadata") or {}
    notebook = str(shell.user_ns.get("__vsc_ipynb_file__", "")) or os.environ.get("JPY_SESSION_NAME", "")
    source = sources[-1] if len(sources) > 1 else ""
    return Origin(
        notebook=_relative(Path(notebook), root) if notebook.endswith(".ipynb") else "",
        cell=str(metadata.get("cellId") or f"[{len(sources) - 1}]"),
        code=digest_of(source.encode(), algorithm) if source else "",
    )


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_absolute() and path.is_relative_to(root) else path.name


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
