"""What makes a version: the notebook cell or script that runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from mlops_ext.datasets.types import Origin
from mlops_ext.store.hashing import digest_of

__all__ = ["here"]


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
