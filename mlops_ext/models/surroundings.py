"""What surrounds a model when it is registered: the state of the code and the installed packages."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from mlops_ext.models.masking import masked
from mlops_ext.models.types import EnvironmentLock

__all__ = ["Code", "code_state", "environment_lock"]

MAX_DIFF = 5_000_000
_SECONDS = 20


@dataclass(frozen=True)
class Code:
    """Where the code stood; `diff` is the uncommitted difference with secrets masked."""

    commit: str
    branch: str
    dirty: bool
    diff: str


def code_state(folder: Path) -> Code | None:
    """Read commit, branch and uncommitted changes of the git checkout around a folder; None outside of one.

    Parameters
    ----------
    folder : Path
        Usually the working folder of the notebook.
    """
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    if not commit:
        return None
    branch = _git(folder, "rev-parse", "--abbrev-ref", "HEAD") or ""
    status = _git(folder, "status", "--porcelain", "--untracked-files=normal") or ""
    diff = _git(folder, "diff", "--no-ext-diff", "--no-color", "HEAD") or ""
    if len(diff) > MAX_DIFF:
        diff = f"{diff[:MAX_DIFF]}\n… {len(diff) - MAX_DIFF} more characters were left out\n"
    return Code(commit.strip(), branch.strip(), bool(status.strip()), masked(diff))


def environment_lock() -> EnvironmentLock:
    """List the installed packages with their exact versions, the interpreter and the platform."""
    # Reading a distribution's metadata parses its whole file; once each, since there are hundreds.
    found = [distribution.metadata for distribution in metadata.distributions()]
    packages = {each["Name"]: each["Version"] for each in found if each and each["Name"] and each["Version"]}
    return EnvironmentLock(
        python=platform.python_version(),
        platform=platform.platform(),
        packages={name: packages[name] for name in sorted(packages, key=str.lower)},
    )


def _git(folder: Path, *arguments: str) -> str | None:
    """Ask git, if there is one; it may neither prompt nor take locks."""
    try:
        answer = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            ["git", "--no-optional-locks", *arguments],  # noqa: S607 - git lies where PATH says
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode == 0 else None
