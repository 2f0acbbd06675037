"""Two versions side by side: what differs in parameters, metrics, shape, data, environment, files and code."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import Connection

from mlops_ext.datasets import service as datasets
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.models.lookup.references import find_version
from mlops_ext.models.lookup.rows import version_record
from mlops_ext.models.types import ModelVersion, Signature
from mlops_ext.operations import operation
from mlops_ext.records import Digest, Record, Request
from mlops_ext.refs import Ref
from mlops_ext.workspace import Workspace

__all__ = ["CompareVersions", "Difference", "ScoreDifference", "VersionComparison", "compare", "recorded"]

MAX_LINES = 20_000
"""Lines that are compared; matching takes more than their number in time."""
MAX_DIFF = 200_000

About = Literal["parameter", "metric", "signature", "input", "schema", "environment", "package", "code", "file"]


class CompareVersions(Request):
    """Two versions, of one model or of two."""

    model: str = Field(description="Reference of the version to start from")
    other: str = Field(description="Reference of the version to compare it with")


class Difference(Record):
    """One thing that is not the same; an empty side lacks it."""

    shown: ClassVar[tuple[str, ...]] = ("about", "name", "before", "after")
    about: About
    name: str
    before: str = ""
    after: str = ""


class ScoreDifference(Record):
    """One metric of both versions on the same rows, and their difference with its interval from paired draws."""

    shown: ClassVar[tuple[str, ...]] = ("metric", "before", "after", "difference", "low", "high", "better")
    metric: str
    before: float
    after: float
    difference: float
    """After minus before."""
    low: float
    high: float
    better: Literal["before", "after", "neither"]
    """The one that the whole interval speaks for."""


class VersionComparison(Record):
    """What changed from one version to another."""

    tables: ClassVar[tuple[str, ...]] = ("scores", "differences")
    before: str
    after: str
    same_content: bool
    """Whether flavor, files, signature and inputs are equal."""
    differences: tuple[Difference, ...] = ()
    notebook_diff: str = ""
    """Unified, of the code cells."""
    uncommitted_diff: str = ""
    """Unified, of what was not committed at either."""
    notes: tuple[str, ...] = ()
    """What could not be compared, and why."""
    dataset: str = ""
    """Both were scored on its rows."""
    scores: tuple[ScoreDifference, ...] = ()

    def of(self, about: About) -> tuple[Difference, ...]:
        """Give the differences about one thing."""
        return tuple(each for each in self.differences if each.about == about)

    def _repr_html_(self) -> str:
        import html

        whole = super()._repr_html_()
        for title, diff in (("notebook", self.notebook_diff), ("uncommitted", self.uncommitted_diff)):
            if diff:
                whole += f"<details><summary>{title}</summary><pre>{html.escape(diff)}</pre></details>"
        return whole


@operation("models.compare", "GET /model-versions/{model}/comparison")
def compare(ws: Workspace, request: CompareVersions) -> VersionComparison:
    """Compare two versions, of one model or two: parameters, metrics, signature, data, environment, files, code."""
    with ws.catalog.read() as connection:
        before = version_record(connection, find_version(connection, request.model))
        after = version_record(connection, find_version(connection, request.other))
        found = list(recorded(before, after))
        schema, notes = _schemas(connection, before, after)
    notebook, missing = _notebooks(ws, before, after)
    uncommitted = _unified(_patch(ws, before), _patch(ws, after), before, after)
    return VersionComparison(
        before=before.ref,
        after=after.ref,
        same_content=before.digest == after.digest,
        differences=(*found, *schema),
        notebook_diff=notebook,
        uncommitted_diff=uncommitted,
        notes=(*notes, *missing),
    )


def recorded(before: ModelVersion, after: ModelVersion) -> Iterator[Difference]:
    """Give what differs in the records themselves."""
    yield from _differences("parameter", before.parameters, after.parameters)
    yield from _differences("metric", before.metrics, after.metrics)
    yield from _differences("signature", _shape(before.signature), _shape(after.signature))
    yield from _differences("input", _data(before), _data(after))
    yield from _differences("environment", _surroundings(before), _surroundings(after))
    yield from _differences("package", *((each.lock.packages if each.lock else {}) for each in (before, after)))
    yield from _differences("code", _code(before), _code(after))
    yield from _differences("file", *({file.path: file.digest for file in each.files} for each in (before, after)))


def _differences(about: About, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted({*before, *after}):
        sides = [_text(each[name]) if name in each else "" for each in (before, after)]
        if sides[0] != sides[1] or (name in before) != (name in after):
            yield Difference(about=about, name=name, before=sides[0], after=sides[1])


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _shape(signature: Signature) -> dict[str, str]:
    fields = [("input", each) for each in signature.inputs] + [("output", each) for each in signature.outputs]
    return {f"{side} {field.name}": field.type for side, field in fields}


def _data(version: ModelVersion) -> dict[str, str]:
    """Give the versions of each dataset that went in."""
    found: dict[str, list[str]] = {}
    for text in version.inputs:
        ref = Ref.parse(text)
        found.setdefault(f"{ref.kind}:{ref.name}", []).append(f"@{ref.selector}")
    return {name: " ".join(numbers) for name, numbers in found.items()}


def _surroundings(version: ModelVersion) -> dict[str, str]:
    lock, hardware = version.lock, version.hardware
    pairs = {
        "flavor": version.flavor,
        "python": lock.python if lock else "",
        "platform": lock.platform if lock else "",
        "machine": hardware.machine if hardware else "",
        "processor": hardware.processor if hardware else "",
        "gpus": ", ".join(hardware.gpus) if hardware else "",
        **{f"source of {name}": place for name, place in (lock.sources if lock else {}).items()},
        **{f"seed {name}": str(seed) for name, seed in version.seeds.items()},
    }
    return {name: text for name, text in pairs.items() if text}


def _code(version: ModelVersion) -> dict[str, str]:
    git, execution = version.git, version.execution
    pairs = {
        "commit": git.commit if git else "",
        "branch": git.branch if git else "",
        "uncommitted changes": ("yes" if git.dirty else "no") if git else "",
        "execution": execution.kind if execution else "",
    }
    return {name: text for name, text in pairs.items() if text}


def _schemas(connection: Connection, before: ModelVersion, after: ModelVersion) -> tuple[list[Difference], list[str]]:
    """Compare the columns of datasets that went into both in different versions."""
    found: list[Difference] = []
    notes: list[str] = []
    first, second = _data(before), _data(after)
    for name in sorted(set(first) & set(second)):
        if first[name] == second[name] or not name.startswith("dataset:"):
            continue
        try:
            columns = [_columns(connection, name, side[name]) for side in (first, second)]
        except NotFound as error:
            notes.append(f"columns of {name} were not compared: {error.message}")
            continue
        found += _differences("schema", columns[0], columns[1])
    return found, notes


def _columns(connection: Connection, name: str, numbers: str) -> dict[str, str]:
    """Give the columns of the newest of some versions of a dataset."""
    newest = max(numbers.split(), key=lambda number: int(number[1:]))
    version = datasets.resolve(connection, f"{name}{newest}")
    return {f"{name.removeprefix('dataset:')}.{column.name}": column.type for column in version.schema_}


def _notebooks(ws: Workspace, before: ModelVersion, after: ModelVersion) -> tuple[str, list[str]]:
    lacking = [each.ref for each in (before, after) if each.notebook is None]
    if len(lacking) == 2 or before.notebook == after.notebook:
        return "", []
    if lacking:
        return "", [f"code was not compared: {lacking[0]} has no notebook"]
    return _unified(_cells(ws, before.notebook), _cells(ws, after.notebook), before, after), []


def _cells(ws: Workspace, notebook: Digest | None) -> str:
    """Give the code cells of a notebook as one text; it is only read, never run."""
    try:
        cells = json.loads(ws.get_blob(str(notebook)))["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidValue(f"{notebook} is no notebook: {error}", hint="Show the versions alone") from error
    texts = ["".join(source) if isinstance(source, list) else str(source) for source in sources]
    return "\n".join(f"# cell {number}\n{text.rstrip()}\n" for number, text in enumerate(texts, 1))


def _patch(ws: Workspace, version: ModelVersion) -> str:
    if version.git is None or version.git.diff is None:
        return ""
    return ws.get_blob(version.git.diff).decode("utf-8", "replace")


def _unified(first: str, second: str, before: ModelVersion, after: ModelVersion) -> str:
    if first == second:
        return ""
    sides = first.splitlines(), second.splitlines()
    count = len(sides[0]) + len(sides[1])
    if count > MAX_LINES:
        return f"{count} lines are too many to compare; at most {MAX_LINES} are\n"
    lines = difflib.unified_diff(*sides, before.ref, after.ref, lineterm="")
    text = "\n".join(lines) + "\n"
    return text if len(text) <= MAX_DIFF else f"{text[:MAX_DIFF]}\n… {len(text) - MAX_DIFF} more characters\n"
