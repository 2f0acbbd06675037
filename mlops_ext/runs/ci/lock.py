"""mlops.lock: one sorted line for each reference that the project's notebooks load by a bare name.

It lies in git, so a reviewer sees in the diff that data or a model changed. A locked run loads what it says, by the
pins that a rerun uses too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import select

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.models import service as registry
from mlops_ext.models.types import ShowVersion
from mlops_ext.records import Record
from mlops_ext.refs import Number, Ref
from mlops_ext.runs.notebooks.files import Notebook, read_notebook, shown
from mlops_ext.runs.notebooks.references import references_of, subject
from mlops_ext.store.filesystem import write_whole
from mlops_ext.tracking.rows import standing
from mlops_ext.tracking.tables import run_links, runs
from mlops_ext.workspace import Workspace

__all__ = [
    "LOCK",
    "LockResult",
    "Locked",
    "check_locked",
    "is_skipped",
    "lines_of",
    "lock",
    "pins_for",
    "project_notebooks",
    "read_lock",
    "update",
]

LOCK = "mlops.lock"
_HEAD = "# What the notebooks load. Written by: mlops lock, mlops update\n"
_SKIPPED = {"node_modules", "venv", "env", "build", "dist", "runs", "__pycache__"}
_MARKERS = ("<<<<<<<", "=======", ">>>>>>>")


@dataclass(frozen=True)
class Locked:
    """One line: a version by number and content."""

    number: int
    digest: str


class LockResult(Record):
    """What was done to the lock, or would have to be."""

    shown: ClassVar[tuple[str, ...]] = ("path", "added", "changed", "removed", "missing")
    path: str
    lines: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """`dataset:flights@2 -> 3`."""
    removed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Names that are loaded and have no version here, with the notebook that loads them."""


def lock(ws: Workspace, *, write: bool = True) -> LockResult:
    """Let the lock name what the notebooks load: new names at their latest version, known ones as they are.

    Parameters
    ----------
    write : bool
        Otherwise only say what would change.
    """
    return _write(ws, read_lock(ws.root), frozenset(), write=write)


def update(ws: Workspace, names: Sequence[str] = ()) -> LockResult:
    """Move names of the lock, or all, to their latest version.

    Raises
    ------
    NotFound
        The notebooks load nothing of a name.
    """
    held, loaded = read_lock(ws.root), _loaded(ws)
    wanted = {_subject_of(name, {**held, **loaded}) for name in names} or set(held)
    return _write(ws, held, frozenset(wanted), write=True)


def read_lock(root: Path) -> dict[str, Locked]:
    """Read the lock of a project; none reads as empty.

    Raises
    ------
    InvalidValue
        A line is no reference with a digest, stands twice, or is a merge marker.
    """
    path = root / LOCK
    return lines_of(path.read_text(encoding="utf-8") if path.is_file() else "", str(path))


def lines_of(text: str, source: str) -> dict[str, Locked]:
    """Read the text of a lock; `source` says where it is from."""
    found: dict[str, Locked] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(_MARKERS):
            raise InvalidValue(f"{source}, line {number}: a merge marker", hint="Solve the merge, or run: mlops lock")
        name, locked = _line(line, f"{source}, line {number}")
        if name in found:
            raise InvalidValue(f"{source}, line {number}: {name} a second time", hint="Keep one of the lines")
        found[name] = locked
    return found


def pins_for(ws: Workspace) -> dict[str, int]:
    """Give the lock as pins, and check that its versions are here with the content that they had.

    Raises
    ------
    InvalidValue, NotFound
        A version is missing, or has another content: this is another workspace.
    """
    pins: dict[str, int] = {}
    for name, locked in read_lock(ws.root).items():
        found = _version(ws, f"{name}@{locked.number}")
        if found.digest != locked.digest:
            raise InvalidValue(
                f"{LOCK} says that {name}@{locked.number} is {locked.digest[:15]}…, here it is {found.digest[:15]}…",
                hint="Use the workspace in which it was locked, or run: mlops update",
            )
        pins[name.removeprefix("dataset:")] = locked.number
    return pins


def check_locked(ws: Workspace, notebook: Notebook, name: str, values: Mapping[str, Any]) -> None:
    """Refuse a notebook that loads by a bare name what the lock does not name.

    Raises
    ------
    InvalidValue
        With the names.
    """
    held = read_lock(ws.root)
    lacking = [each for each in references_of(notebook, values).bare if each not in held]
    if lacking:
        raise InvalidValue(f"{LOCK} does not name {', '.join(lacking)}, which {name} loads", hint="Run: mlops lock")


def project_notebooks(root: Path) -> Iterator[Path]:
    """Give the notebooks of a project: those below its folder, without hidden folders, environments and outputs."""
    for path in sorted(root.rglob("*.ipynb")):
        parts = path.relative_to(root).parts[:-1]
        if not any(map(is_skipped, parts)):
            yield path


def is_skipped(folder: str) -> bool:
    """Tell whether a folder holds no notebooks of the project, by its name: outputs, an environment, a hidden one."""
    return folder.startswith(".") or folder in _SKIPPED


def _loaded(ws: Workspace) -> dict[str, str]:
    """Give what the project's notebooks load by a bare name, each with a notebook that does."""
    found: dict[str, str] = {}
    fixed: dict[str, tuple[str, ...]] = {}
    for path in project_notebooks(ws.root):
        name = shown(path, ws.root)
        references = references_of(read_notebook(path.read_bytes(), name))
        fixed[name] = (*references.fixed, *references.loose)
        for each in references.bare:
            found.setdefault(each, name)
    for name, each in _observed(ws, list(fixed)):
        if each not in fixed[name]:
            found.setdefault(each, name)
    return found


def _observed(ws: Workspace, notebooks: list[str]) -> list[tuple[str, str]]:
    """Give what the newest whole run of each notebook read beyond what its code says plainly."""
    seen: list[tuple[str, str]] = []
    with ws.catalog.read() as connection:
        for name in notebooks:
            newest = standing(runs.c.id).where(runs.c.notebook == name, runs.c.status == "succeeded", runs.c.job != "")
            last = connection.execute(newest.order_by(runs.c.id.desc()).limit(1)).scalar()
            if last is None:
                continue
            links = select(run_links.c.ref).where(run_links.c.run == last, run_links.c.direction == "input")
            refs = [Ref.parse(text) for text in connection.execute(links).scalars()]
            seen += [(name, subject(ref)) for ref in refs if ref.kind in ("dataset", "model")]
    return seen


def _write(ws: Workspace, held: dict[str, Locked], moved: frozenset[str], *, write: bool) -> LockResult:
    loaded = _loaded(ws)
    missing, lines = [], dict[str, Locked]()
    for name, notebook in sorted(loaded.items()):
        if name in held and name not in moved:
            lines[name] = held[name]
            continue
        try:
            found = _version(ws, name)
        except NotFound:
            missing.append(f"{name} ({notebook})")
        else:
            lines[name] = Locked(found.version, found.digest)
    text = [f"{name}@{lines[name].number} {lines[name].digest}" for name in sorted(lines)]
    path = ws.root / LOCK
    content = "".join([_HEAD, *(f"{line}\n" for line in text)])
    if write and (lines or path.exists()) and (not path.exists() or path.read_text(encoding="utf-8") != content):
        write_whole(path, content.encode())
    return LockResult(
        path=LOCK,
        lines=tuple(text),
        added=tuple(f"{name}@{lines[name].number}" for name in lines if name not in held),
        changed=tuple(
            f"{name}@{held[name].number} -> {lines[name].number}"
            for name in lines
            if name in held and held[name] != lines[name]
        ),
        removed=tuple(sorted(held.keys() - lines.keys())),
        missing=tuple(missing),
    )


def _line(line: str, place: str) -> tuple[str, Locked]:
    text, _, digest = line.strip().partition(" ")
    try:
        ref = Ref.parse(text)
    except InvalidValue as error:
        raise InvalidValue(f"{place}: {error.message}", hint="Run: mlops lock") from error
    if ref.kind not in ("dataset", "model") or not isinstance(ref.selector, Number) or ":" not in digest:
        raise InvalidValue(f"{place}: {line!r} pins nothing", hint="A line reads: dataset:flights@3 b3:…")
    return subject(ref), Locked(ref.selector.number, digest)


def _subject_of(name: str, known: Mapping[str, Any]) -> str:
    """Give the whole name of what a user named; a bare name may be a dataset's or a model's."""
    ref = Ref.parse(name)
    whole = [f"{kind}:{ref.name}" for kind in ("dataset", "model") if ref.kind in (None, kind)]
    found = [each for each in whole if each in known]
    if len(found) > 1:
        raise InvalidValue(f"{name!r} is a dataset and a model", hint=f"Write {found[0]} or {found[1]}")
    if not found:
        raise NotFound(f"the notebooks load nothing named {name!r}", hint=did_you_mean(whole[0], known))
    return found[0]


def _version(ws: Workspace, text: str) -> Any:
    ref = Ref.parse(text)
    if ref.kind == "dataset":
        return ws.call(datasets.show, ShowDataset(dataset=str(ref)))
    return ws.call(registry.version, ShowVersion(model=str(ref)))
