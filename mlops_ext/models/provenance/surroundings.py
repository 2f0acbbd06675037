"""What surrounds a model when it is registered: the state of the code and the installed packages."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from mlops_ext.models.provenance.masking import mask_diff, masked
from mlops_ext.models.types import EnvironmentLock, MaskedSecret

__all__ = ["Code", "code_state", "environment_lock", "is_tracked"]

MAX_DIFF = 5_000_000
MAX_NEW_FILE = 256_000
MAX_NEW_FILES = 50
_CODE = (".py", ".ipynb")
_SECONDS = 20


@dataclass(frozen=True)
class Code:
    """Where the code stood.

    Attributes
    ----------
    changed : tuple of str
        What differs from the commit, new files included, from the top of the checkout.
    diff : str
        The uncommitted difference with secrets masked; small new notebooks and Python files are part of it.
    """

    commit: str
    branch: str
    changed: tuple[str, ...] = ()
    diff: str = ""
    masked: tuple[MaskedSecret, ...] = ()

    @property
    def dirty(self) -> bool:
        """Whether anything differs from the commit."""
        return bool(self.changed)


def code_state(folder: Path) -> Code | None:
    """Read commit, branch and uncommitted changes of the git checkout around a folder; None outside of one.

    Parameters
    ----------
    folder : Path
        Usually the working folder of the notebook.
    """
    status = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=normal", "-z")
    heads, changed = _parsed(status or "")
    commit, branch = heads.get("branch.oid", ""), heads.get("branch.head", "")
    if not commit or commit == "(initial)":
        return None
    branch = "" if branch == "(detached)" else branch
    if not changed:
        return Code(commit, branch)
    diff = _git(folder, "diff", "--no-ext-diff", "--no-color", "HEAD") or ""
    if len(diff) > MAX_DIFF:
        diff = f"{diff[:MAX_DIFF]}\n… {len(diff) - MAX_DIFF} more characters were left out\n"
    text, found = mask_diff(diff + _new_files(folder))
    return Code(commit, branch, changed, text, found)


def is_tracked(path: Path) -> bool:
    """Tell whether git knows a file."""
    return path.parent.is_dir() and _git(path.parent, "ls-files", "--error-unmatch", "--", path.name) is not None


def environment_lock() -> EnvironmentLock:
    """List the installed packages with exact versions and origins, the interpreter and the platform."""
    # pkg_resources adds setuptools' private copies to the path when it is imported; nobody installed those.
    path = [entry for entry in sys.path if Path(entry).name != "_vendor"]
    # A package that comes or goes changes the time of its folder; reading hundreds of files again is slow.
    return _lock(tuple((entry, _time(entry)) for entry in path))


@lru_cache(maxsize=4)
def _lock(path: tuple[tuple[str, int], ...]) -> EnvironmentLock:
    packages: dict[str, str] = {}
    sources: dict[str, str] = {}
    for distribution in metadata.distributions(path=[entry for entry, _ in path]):
        # Reading a distribution's metadata parses its whole file; once each, since there are hundreds.
        each = distribution.metadata
        if not each or not each["Name"] or not each["Version"] or each["Name"] in packages:
            continue
        packages[each["Name"]] = each["Version"]
        source = _source(distribution)
        if source:
            sources[each["Name"]] = source
    return EnvironmentLock(
        python=platform.python_version(),
        platform=platform.platform(),
        packages={name: packages[name] for name in sorted(packages, key=str.lower)},
        sources={name: sources[name] for name in sorted(sources, key=str.lower)},
    )


def _source(distribution: metadata.Distribution) -> str:
    """Write PEP 610's direct_url.json as pip would: `git+https://…@commit`, `editable file:///…`."""
    try:
        told = json.loads(distribution.read_text("direct_url.json") or "null")
    except (ValueError, OSError):
        return ""
    if not isinstance(told, dict) or not isinstance(told.get("url"), str):
        return ""
    url, version_control = masked(told["url"]), told.get("vcs_info") or {}
    if version_control:
        return f"{version_control.get('vcs', 'git')}+{url}@{version_control.get('commit_id', '')}"
    return f"editable {url}" if (told.get("dir_info") or {}).get("editable") else url


def _time(entry: str) -> int:
    try:
        return Path(entry).stat().st_mtime_ns
    except OSError:
        return 0


def _parsed(status: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read git's porcelain v2: its headers, and the paths that differ."""
    heads: dict[str, str] = {}
    paths: list[str] = []
    entries = iter(status.split("\0"))
    for entry in entries:
        if entry.startswith("# "):
            key, _, value = entry[2:].partition(" ")
            heads[key] = value
        elif entry[:1] in ("?", "u", "1", "2"):
            fields = {"?": 1, "u": 10, "1": 8, "2": 9}[entry[0]]
            paths.append(entry.split(" ", fields)[fields])
            if entry[0] == "2":
                # A renamed file is followed by its former path.
                next(entries, "")
    return heads, tuple(paths)


def _new_files(folder: Path) -> str:
    """Write small notebooks and Python files that git does not know yet as a diff that adds them."""
    top = (_git(folder, "rev-parse", "--show-toplevel") or "").rstrip("\n")
    listed = _git(Path(top), "ls-files", "--others", "--exclude-standard", "-z") if top else None
    names = [name for name in (listed or "").split("\0") if name.endswith(_CODE)]
    added = [_added(Path(top), name) for name in names[:MAX_NEW_FILES]]
    if len(names) > MAX_NEW_FILES:
        added.append(f"… {len(names) - MAX_NEW_FILES} more new files were left out\n")
    return "".join(added)


def _added(top: Path, name: str) -> str:
    path = top / name
    if path.is_symlink() or not path.is_file():
        return ""
    size = path.stat().st_size
    if size > MAX_NEW_FILE:
        return f"… the new file {name} was left out: {size} bytes\n"
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        return f"… the new file {name} was left out: {type(error).__name__}\n"
    # Git's lines end with a newline alone, and a last one without says so.
    lines = text.split("\n")
    ended = not lines[-1]
    lines = lines[:-1] if ended else lines
    head = f"diff --git a/{name} b/{name}\nnew file mode 100644\n"
    if not lines:
        return head
    body = "".join(f"+{line}\n" for line in lines)
    end = "" if ended else "\\ No newline at end of file\n"
    return f"{head}--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(lines)} @@\n{body}{end}"


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
