"""How the code ran that registers a model: a whole run of its notebook, cells as somebody ran them, or a script."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from mlops_ext.models.provenance.surroundings import Code, is_tracked
from mlops_ext.models.types import Execution
from mlops_ext.tracking import history, origin
from mlops_ext.tracking.history import Ran

__all__ = ["FileCell", "Matched", "execution_of", "judge", "match", "notebook_cells", "notebook_of"]

MOST_REASONS = 20
_MOST_NAMED = 5
_INJECTED = "injected-parameters"
RAISES = "raises-exception"


@dataclass(frozen=True)
class FileCell:
    """A code cell of the notebook file, with its number among the code cells, from 1."""

    number: int
    id: str
    source: str
    metadata: dict[str, Any]

    @property
    def may_fail(self) -> bool:
        """Whether it is tagged as one that raises."""
        return RAISES in (self.metadata.get("tags") or ())


@dataclass(frozen=True)
class Matched:
    """An execution and the cell of the file that it was of; None when the file holds no such cell."""

    ran: Ran
    cell: FileCell | None


def execution_of(matched: Sequence[Matched], cells: Sequence[FileCell], notebook: Path | None) -> Execution:
    """Judge the kernel that runs this code.

    Parameters
    ----------
    matched : sequence of Matched
        What ran in it, the registering cell last.
    cells : sequence of FileCell
        The notebook file as it lies on the disk.
    notebook : Path or None
        The file.
    """
    if origin.is_batch():
        # papermill and nbclient run every cell once and in order, and stop at the first that may not fail.
        return Execution(kind="clean")
    if notebook is None or not notebook.is_file():
        named = "no notebook file is known" if notebook is None else f"the notebook file {notebook.name} is not there"
        counts = ", ".join(f"[{each.ran.count}]" for each in matched)
        return Execution(kind="interactive", reasons=(f"{named} to compare the cells {counts} with",))
    return judge(matched, cells, notebook.name)


def judge(matched: Sequence[Matched], cells: Sequence[FileCell], name: str) -> Execution:
    """Compare what ran with the notebook file: every cell up to the registering one, once, in order, unedited.

    Parameters
    ----------
    matched : sequence of Matched
        In the order of execution; the last one registers.
    cells : sequence of FileCell
        Of the file, in its order.
    name : str
        Of the file.

    Returns
    -------
    Execution
        `clean`, or `interactive` with the reasons.
    """
    reasons = [*_skipped(matched, cells), *_repeated(matched), *_out_of_order(matched), *_changed(matched, name)]
    reasons += _failures(matched)
    if len(reasons) > MOST_REASONS:
        reasons = [*reasons[:MOST_REASONS], f"and {len(reasons) - MOST_REASONS} reasons more"]
    return Execution(kind="interactive" if reasons else "clean", reasons=tuple(reasons))


def of_script(code: Code | None) -> Execution:
    """Judge a script: one that git knows, in a checkout without changes, can be run again."""
    script = origin.script_path()
    if script is None:
        return Execution(kind="script", reasons=("it was typed at a prompt: there is no script to run again",))
    reasons = []
    if code is None or not is_tracked(script):
        reasons.append(f"the script {script.name} is in no git commit")
    if code is not None and code.changed:
        more = ", …" if len(code.changed) > _MOST_NAMED else ""
        reasons.append(f"not committed: {', '.join(code.changed[:_MOST_NAMED])}{more}")
    return Execution(kind="script", reasons=tuple(reasons))


def notebook_cells(path: Path | None) -> tuple[FileCell, ...]:
    """Read the code cells of a notebook file that are not blank; none when it is not there or no notebook."""
    if path is None or not path.is_file():
        return ()
    try:
        cells = json.loads(path.read_bytes())["cells"]
    except (ValueError, KeyError, TypeError, OSError):
        return ()
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
    made = [
        FileCell(number, str(cell.get("id", "")), _text(cell.get("source", "")), dict(cell.get("metadata") or {}))
        for number, cell in enumerate(code, 1)
    ]
    return tuple(cell for cell in made if cell.source.strip())


def match(ran: Sequence[Ran], cells: Sequence[FileCell]) -> tuple[Matched, ...]:
    """Find for each execution the cell of the file that it was of: by the front end's id, else by its source.

    Of several cells with one source it is the next one below the cell before that has not run yet.
    """
    by_id = {cell.id: cell for cell in cells if cell.id}
    place, done, found = 0, set[int](), []
    for each in ran:
        cell = by_id.get(each.cell) or _by_source(each, cells, place, done)
        if cell is not None:
            place = cell.number
            done.add(cell.number)
        found.append(Matched(each, cell))
    return tuple(found)


def notebook_of(matched: Sequence[Matched], execution: Execution, name: str) -> dict[str, Any]:
    """Make a notebook of the cells that ran, in the order they ran, each with its execution count.

    Parameters
    ----------
    name : str
        Of the notebook file; may be empty.
    """
    taken: set[str] = set()
    cells = []
    for each in matched:
        known = each.cell.id if each.cell else ""
        cell_id = known if known and known not in taken else f"ran-{each.ran.count}"
        taken.add(cell_id)
        cells.append(
            {
                "cell_type": "code",
                "id": cell_id,
                "metadata": _metadata(each),
                "execution_count": each.ran.count,
                "source": each.ran.source,
                "outputs": [],
            }
        )
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    told = {"notebook": name, "execution": execution.model_dump(mode="json")}
    metadata = {"kernelspec": python, "language_info": {"name": "python"}, "mlops": told}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def captured() -> tuple[tuple[Matched, ...], tuple[FileCell, ...], Path | None]:
    """Give what ran in this kernel, beside the file that it was run from."""
    path = origin.notebook_path()
    cells = notebook_cells(path)
    return match(history.ran(), cells), cells, path


def _metadata(each: Matched) -> dict[str, Any]:
    """Give a cell's own metadata, with the tags that make it run again as it ran."""
    metadata = dict(each.cell.metadata) if each.cell else {}
    tags = list(metadata.get("tags") or ())
    if each.ran.failed and RAISES not in tags:
        tags.append(RAISES)
    if origin.is_batch() and origin.parse_injected(each.ran.source) is not None and _INJECTED not in tags:
        tags.append(_INJECTED)
    return {**metadata, **({"tags": tags} if tags else {})}


def _by_source(ran: Ran, cells: Sequence[FileCell], place: int, done: set[int]) -> FileCell | None:
    alike = [cell for cell in cells if cell.source.rstrip() == ran.source.rstrip()]
    fresh = [cell for cell in alike if cell.number not in done]
    return next((cell for cell in fresh if cell.number > place), next(iter([*fresh, *alike]), None))


def _skipped(matched: Sequence[Matched], cells: Sequence[FileCell]) -> Iterator[str]:
    """Name the cells above the registering one that never ran."""
    numbers = [each.cell.number for each in matched if each.cell]
    last = matched[-1].cell if matched else None
    reach = last.number if last else max(numbers, default=0)
    missing = [cell.number for cell in cells if cell.number <= reach and cell.number not in numbers]
    if missing:
        yield f"{_cells(missing)} did not run"


def _repeated(matched: Sequence[Matched]) -> Iterator[str]:
    for number, counts in _counts(matched).items():
        if len(counts) > 1:
            times = "twice" if len(counts) == 2 else f"{len(counts)} times"
            yield f"cell {number} ran {times} ({', '.join(f'[{count}]' for count in counts)})"


def _out_of_order(matched: Sequence[Matched]) -> Iterator[str]:
    """Name what ran below a cell before it; a cell that ran twice is told as that."""
    counts = _counts(matched)
    once = [(each.ran.count, each.cell.number) for each in matched if each.cell and len(counts[each.cell.number]) == 1]
    for (first, above), (second, below) in pairwise(once):
        if below < above:
            yield f"out of order: cell {below} ran after cell {above} ([{second}] after [{first}])"


def _changed(matched: Sequence[Matched], name: str) -> Iterator[str]:
    """Name the cells whose last execution is not what the file holds."""
    last = {each.cell.number: each for each in matched if each.cell}
    for number, each in last.items():
        if each.cell and each.cell.source.rstrip() != each.ran.source.rstrip():
            yield f"cell {number} was edited since it ran as [{each.ran.count}], or {name} was not saved since"
    unknown = [each.ran.count for each in matched if each.cell is None]
    if unknown:
        counts = ", ".join(f"[{count}]" for count in unknown)
        yield f"{counts} ran what no cell of {name} holds: edited or deleted since, or {name} was not saved since"


def _failures(matched: Sequence[Matched]) -> Iterator[str]:
    for each in matched:
        if each.ran.failed and not (each.cell and each.cell.may_fail):
            yield f"{f'cell {each.cell.number}' if each.cell else 'a cell'} failed as [{each.ran.count}]"


def _counts(matched: Sequence[Matched]) -> dict[int, list[int]]:
    counts: dict[int, list[int]] = {}
    for each in matched:
        if each.cell:
            counts.setdefault(each.cell.number, []).append(each.ran.count)
    return counts


def _cells(numbers: Sequence[int]) -> str:
    named = ", ".join(str(number) for number in numbers)
    return f"cell{'s' * (len(numbers) > 1)} {named}"


def _text(source: Any) -> str:
    return source if isinstance(source, str) else "".join(source)
