"""The import set of a notebook: what a warm parent imports for it, so that its kernels need not."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from mlops_ext.runs.notebooks.files import Cell

__all__ = ["SAFE", "imports_of"]

SAFE = (
    "joblib", "lightgbm", "mlops_ext", "numpy", "pandas", "pyarrow", "pydantic", "requests", "scipy", "sklearn",
    "sqlalchemy", "statsmodels", "xgboost", "yaml",
)  # fmt: skip
"""Packages whose import starts no thread that matters, asks for no shell, and reads nothing that a run sets."""
_MAGIC = re.compile(r"^\s*[%!?].*$", re.MULTILINE)
_SETS_THE_STAGE = re.compile(r"environ|putenv|set_?env|%env|sys\.(path|modules)|chdir|%cd|install|set_start_method")


def imports_of(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Give the modules that a notebook imports and that may be imported before its kernel is forked.

    Gathering ends at the first cell that changes what an import does: environment, path, installed packages.

    Parameters
    ----------
    cells : sequence of Cell
        The notebook's code.

    Examples
    --------
    >>> imports_of([Cell("import pandas as pd, plotly\\nfrom sklearn.linear_model import Ridge", ())])
    ('pandas', 'sklearn.linear_model')
    """
    found: set[str] = set()
    for cell in cells:
        if _SETS_THE_STAGE.search(cell.source):
            break
        found.update(name for name in _imported(cell.source) if name.partition(".")[0] in SAFE)
    return tuple(sorted(found))


def _imported(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(_MAGIC.sub("", source))
    except (SyntaxError, ValueError):
        return
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
