"""Where a run comes from: notebook or script, the commit, and the parameters that papermill injected."""

from __future__ import annotations

import ast
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "git_commit",
    "injected_parameters",
    "is_batch",
    "notebook_name",
    "notebook_path",
    "parse_injected",
    "script_path",
    "shell",
]

_HEADER = "# Parameters"
_MISSING = object()
_FLOATS: dict[Any, float] = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def shell() -> Any | None:
    """Give the IPython shell that runs this code, when one does."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def git_commit(folder: Path) -> str:
    """Give the commit that is checked out in a folder; empty outside of git."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "HEAD"],  # noqa: S607
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def notebook_name(root: Path) -> str:
    """Give the path of the notebook that runs here, relative to the workspace where it lies inside; empty when unknown.

    JupyterLab and VS Code tell their kernels; for papermill, which does not, its command line is read.
    """
    path = notebook_path()
    if path is None:
        return ""
    return path.relative_to(root).as_posix() if path.is_absolute() and path.is_relative_to(root) else path.name


def notebook_path() -> Path | None:
    """Give the file of the notebook that runs here as the front end named it; None when unknown."""
    running = shell()
    if running is None:
        return None
    told = str(running.user_ns.get("__vsc_ipynb_file__", "")) or os.environ.get("JPY_SESSION_NAME", "")
    name = _papermill_notebook() or told
    return Path(name) if name.endswith(".ipynb") else None


def script_path() -> Path | None:
    """Give the file of the script that runs here; None at a prompt, in a kernel, for `python -c`."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(file).resolve() if file and shell() is None else None


def is_batch() -> bool:
    """Tell whether papermill or nbclient runs this kernel from the first cell on, with nobody sitting before it."""
    running = shell()
    return running is not None and not _takes_input(running)


def injected_parameters() -> dict[str, Any]:
    """Give the parameters that papermill injected into this kernel; empty in any other.

    papermill tells a kernel nothing, but its cell is among those that ran: it begins with
    `# Parameters`, holds nothing but assignments of literals, and no front end waits for input.
    """
    running = shell()
    if running is None or not is_batch():
        return {}
    found: dict[str, Any] = {}
    for source in running.history_manager.input_hist_raw:
        found |= parse_injected(source) or {}
    return found


def parse_injected(source: str) -> dict[str, Any] | None:
    """Read the assignments of a cell that papermill injected; None when it is another cell.

    Examples
    --------
    >>> parse_injected('# Parameters\\nmonth = 2\\nrate = float("inf")\\n')
    {'month': 2, 'rate': inf}
    >>> parse_injected("# Parameters\\nmonth: int = 1\\n") is None
    True
    """
    if source.split("\n", 1)[0].rstrip() != _HEADER:
        return None
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return None
    found: dict[str, Any] = {}
    for statement in statements:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return None
        target, value = statement.targets[0], _literal(statement.value)
        if not isinstance(target, ast.Name) or value is _MISSING:
            return None
        found[target.id] = value
    return found


def _literal(node: ast.expr) -> Any:
    """Give the value of what papermill's translator writes: literals, with float('nan') and float('inf') inside."""
    if isinstance(node, ast.List | ast.Tuple):
        items = [_literal(item) for item in node.elts]
        return _MISSING if _MISSING in items else items
    if isinstance(node, ast.Dict):
        keys = [_MISSING if key is None else _literal(key) for key in node.keys]
        values = [_literal(value) for value in node.values]
        return _MISSING if _MISSING in keys or _MISSING in values else dict(zip(keys, values, strict=True))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _literal(node.operand)
        return -value if isinstance(value, int | float) else _MISSING
    if isinstance(node, ast.Call):
        return _special_float(node)
    return node.value if isinstance(node, ast.Constant) else _MISSING


def _special_float(node: ast.Call) -> Any:
    if not isinstance(node.func, ast.Name) or node.func.id != "float" or len(node.args) != 1 or node.keywords:
        return _MISSING
    argument = node.args[0]
    return _FLOATS.get(argument.value, _MISSING) if isinstance(argument, ast.Constant) else _MISSING


def _takes_input(running: Any) -> bool:
    """Tell whether a person sits before this kernel: front ends allow input, papermill and nbclient do not."""
    request = getattr(running, "parent_header", None) or {}
    return bool(request.get("content", {}).get("allow_stdin", True))


def _papermill_notebook() -> str:
    """Give the notebook that papermill's command line names, when papermill is what started this kernel."""
    parent = os.environ.get("JPY_PARENT_PID", "")
    if not parent.isdecimal():
        return ""
    import psutil  # type: ignore[import-untyped,unused-ignore]  # ipykernel depends on it

    try:
        process = psutil.Process(int(parent))
        name = _named_notebook(process.cmdline())
        # The kernel works elsewhere when papermill is told so by --cwd.
        return str(Path(process.cwd()) / name) if name else ""
    except psutil.Error:
        return ""


def _named_notebook(words: Sequence[str]) -> str:
    """Find the first notebook behind the word papermill in a command line."""
    names = [Path(word).name for word in words]
    place = next((i for i, name in enumerate(names[:3]) if name in ("papermill", "papermill.exe")), None)
    if place is None:
        return ""
    return next((word for word in words[place + 1 :] if word.endswith(".ipynb")), "")
