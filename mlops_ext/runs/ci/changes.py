"""What a branch changes: the cells of notebooks and the lines of mlops.lock, against a base commit."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

from mlops_ext.errors import InvalidValue
from mlops_ext.records import Record
from mlops_ext.runs.ci.baseline import git
from mlops_ext.runs.ci.lock import LOCK, Locked, lines_of, project_notebooks, read_lock
from mlops_ext.runs.notebooks.files import Notebook, read_notebook

__all__ = ["CellChange", "LockChange", "changed_cells", "changed_lock", "merge_base"]


class CellChange(Record):
    """One code cell that is not as it was; cells count from 1."""

    shown: ClassVar[tuple[str, ...]] = ("notebook", "change", "before", "after")
    notebook: str
    change: Literal["added", "removed", "changed"]
    before: int = 0
    after: int = 0
    diff: str = ""
    """Unified."""


class LockChange(Record):
    """One line of the lock that is not as it was; an empty side lacks it."""

    shown: ClassVar[tuple[str, ...]] = ("name", "before", "after")
    name: str
    before: int | None = None
    after: int | None = None


def merge_base(root: Path, base: str) -> str:
    """Give the commit at which this branch left a base.

    Raises
    ------
    InvalidValue
        Git knows no such base here, or both have nothing in common.
    """
    for candidate in (base, f"origin/{base}"):
        found = git(root, "merge-base", "HEAD", candidate)
        if found:
            return found
    raise InvalidValue(f"git knows no commit that {base!r} and this checkout share", hint="Fetch the whole history")


def changed_cells(root: Path, commit: str) -> tuple[CellChange, ...]:
    """Compare the code cells of all notebooks with those of a commit; outputs and Markdown do not count."""
    prefix = git(root, "rev-parse", "--show-prefix")
    before = [line for line in git(root, "ls-tree", "-r", "--name-only", "-z", commit, ".").split("\0") if line]
    names = {line.removeprefix(prefix) for line in before if line.endswith(".ipynb")}
    now = {path.relative_to(root).as_posix() for path in project_notebooks(root)}
    made: list[CellChange] = []
    for name in sorted(names | now):
        # One that lies where outputs are kept is no notebook of the project.
        if name not in now and (root / name).exists():
            continue
        old = _sources(_read(git(root, "show", f"{commit}:{prefix}{name}").encode(), name)) if name in names else []
        path = root / name
        new = _sources(_read(path.read_bytes(), name)) if name in now else []
        made += _compared(name, old, new)
    return tuple(made)


def changed_lock(root: Path, commit: str) -> tuple[LockChange, ...]:
    """Compare the lock with that of a commit."""
    prefix = git(root, "rev-parse", "--show-prefix")
    before = lines_of(git(root, "show", f"{commit}:{prefix}{LOCK}"), f"{LOCK} of {commit[:9]}")
    after = read_lock(root)
    return tuple(
        LockChange(name=name, before=_number(before.get(name)), after=_number(after.get(name)))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )


def _compared(name: str, old: Sequence[str], new: Sequence[str]) -> list[CellChange]:
    made = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for _, old_from, old_to, new_from, new_to in (each for each in matcher.get_opcodes() if each[0] != "equal"):
        both = min(old_to - old_from, new_to - new_from)
        for offset in range(both):
            before, after = old_from + offset, new_from + offset
            diff = _diff(old[before], new[after])
            made.append(CellChange(notebook=name, change="changed", before=before + 1, after=after + 1, diff=diff))
        made += [
            CellChange(notebook=name, change="removed", before=place + 1, diff=_diff(old[place], ""))
            for place in range(old_from + both, old_to)
        ]
        made += [
            CellChange(notebook=name, change="added", after=place + 1, diff=_diff("", new[place]))
            for place in range(new_from + both, new_to)
        ]
    return made


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++")))


def _read(data: bytes, name: str) -> Notebook | None:
    try:
        return read_notebook(data, name)
    except InvalidValue:
        # A notebook that cannot be read has no cells to compare; running it says what is wrong.
        return None


def _sources(notebook: Notebook | None) -> list[str]:
    return [cell.source for cell in notebook.code] if notebook else []


def _number(locked: Locked | None) -> int | None:
    return locked.number if locked else None
