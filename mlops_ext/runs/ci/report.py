"""`mlops ci report`: one comment for a pull request, updatable in place, with all that a decision needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import partial

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.diff.edge import diff
from mlops_ext.datasets.types import DatasetVersion, ShowDataset
from mlops_ext.errors import InvalidValue, MlopsError, NotFound
from mlops_ext.models import service as registry
from mlops_ext.models.comparison import VersionComparison
from mlops_ext.models.promotion.edge import check
from mlops_ext.models.promotion.types import GateResults
from mlops_ext.models.reproductions import Reproduction, ShowReproduction
from mlops_ext.models.types import ModelVersion, ShowVersion
from mlops_ext.runs.ci.baseline import git
from mlops_ext.runs.ci.changes import CellChange, LockChange, changed_cells, changed_lock, merge_base
from mlops_ext.runs.ci.markdown import code, table
from mlops_ext.runs.ci.slices import worst_on
from mlops_ext.runs.notebooks.secrecy import mask_text
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace

__all__ = ["MARKER", "Decision", "write_report"]

MARKER = "<!-- mlops-ci-report -->"
"""The comment's first line, by which the comment of the run before is found and replaced."""
_LONGEST = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MOST_CELLS = 30


@dataclass(frozen=True)
class Decision:
    """What is to be decided.

    Attributes
    ----------
    base : str
        Branch that the request goes into.
    model : str
        Reference of the candidate; empty where the request makes none.
    environment : str
        The environment, or alias, it is meant for.
    holdout, target, at : str
        A dataset version on which candidate and serving version are scored, its column of truth, its column of times.
    """

    base: str = "main"
    model: str = ""
    environment: str = "production"
    holdout: str = ""
    target: str = ""
    at: str = ""

    def check(self) -> None:
        """Refuse a column without a dataset, and a dataset without a model or its column of truth."""
        if self.holdout and not self.model:
            raise InvalidValue(f"no model is named to be scored on {self.holdout!r}", hint="Add --model NAME@latest")
        if self.holdout and not self.target:
            raise InvalidValue(f"no column of {self.holdout!r} is named as the truth", hint="Add --target COLUMN")
        for name, value in (("target", self.target), ("at", self.at)):
            if value and not self.holdout:
                raise InvalidValue(f"--{name} {value!r} is a column of no dataset", hint="Add --holdout DATASET@3")


def write_report(ws: Workspace, decision: Decision) -> str:
    """Write the comment; what cannot be said is said to be so, with the reason.

    Raises
    ------
    InvalidValue
        Git does not know the base, or a holdout is named without what is to be done with it.
    """
    decision.check()
    commit = merge_base(ws.root, decision.base)
    cells, lines = changed_cells(ws.root, commit), changed_lock(ws.root, commit)
    gates: list[GateResults] = []
    body = [
        *_section("Cells", lambda: _cells(cells)),
        *_section("Data", lambda: _data(ws, lines)),
    ]
    if decision.model:
        candidate = ws.call(registry.version, ShowVersion(model=decision.model))
        serving = _serving(ws, candidate, decision.environment)
        body += [
            *_section("Parameters", lambda: _parameters(ws, candidate, serving)),
            *_section("Metrics", lambda: _metrics(ws, candidate, serving, decision)),
            *_section("Worst slices", lambda: _slices(ws, candidate, decision)),
            *_section("Gates", lambda: _gates(ws, candidate, decision, gates)),
            *_section("Reproduction", lambda: _reproduction(ws, candidate)),
        ]
    head = git(ws.root, "rev-parse", "--short", "HEAD")
    lines_ = [MARKER, f"## {_verdict(cells, lines, gates)}", "", f"`{commit[:9]}` → `{head}`", "", *body]
    text = mask_text("\n".join(lines_).rstrip() + "\n", {})
    return text if len(text) <= _LONGEST else text[:_LONGEST].rpartition("\n")[0] + "\n\n… cut: the rest is too long.\n"


def _verdict(cells: Sequence[CellChange], lines: Sequence[LockChange], gates: Sequence[GateResults]) -> str:
    changed = f"{_counted(len(cells), 'cell')} and {_counted(len(lines), 'line')} of the lock changed"
    if not gates:
        return changed
    [found] = gates
    open_ = [gate.gate for gate in found.gates if not gate.passed]
    waits = all(gate.pending for gate in found.gates if not gate.passed)
    if not open_:
        return f"✅ {found.model} may go to {found.environment}; {changed}"
    said = "⏳ {} waits for {}; {}" if waits else "❌ {} is refused by {}; {}"
    return said.format(found.model, ", ".join(open_), changed)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _section(title: str, write: Callable[[], Iterator[str]]) -> list[str]:
    """Write one section; what keeps it from being written is its text."""
    return [f"### {title}", "", *_section_of(title, write), ""]


def _section_of(title: str, write: Callable[[], Iterator[str]]) -> list[str]:
    try:
        return list(write())
    except MlopsError as error:
        return [f"{title}: not known: {error}"]


def _cells(changes: Sequence[CellChange]) -> Iterator[str]:
    if not changes:
        yield "No code cell changed."
        return
    for change in changes[:_MOST_CELLS]:
        place = {
            "added": f"cell {change.after} added",
            "removed": f"cell {change.before} removed",
            "changed": f"cell {change.after} changed",
        }[change.change]
        yield f"<details><summary>{change.notebook}: {place}</summary>"
        yield ""
        yield from code(change.diff, "diff")
        yield ""
        yield "</details>"
    if len(changes) > _MOST_CELLS:
        yield ""
        yield f"… and {len(changes) - _MOST_CELLS} more."


def _data(ws: Workspace, changes: Sequence[LockChange]) -> Iterator[str]:
    if not changes:
        yield "mlops.lock is as it was."
        return
    rows = []
    for change in changes:
        old, new = _described(ws, change.name, change.before), _described(ws, change.name, change.after)
        rows.append([change.name, old, new])
    yield from table(["reference", "before", "now"], rows)
    for change in changes:
        if change.name.startswith("dataset:") and change.before is not None and change.after is not None:
            yield ""
            yield from _section_of(change.name, partial(_difference, ws, change))


def _difference(ws: Workspace, change: LockChange) -> Iterator[str]:
    """Say what lies between two versions of a dataset; no value of a row is shown."""
    name = change.name.removeprefix("dataset:")
    found = diff(f"{name}@{change.before}", f"{name}@{change.after}", sample=0, workspace=ws)
    key = f" by {', '.join(found.key)}" if found.key else ""
    yield f"Rows{key}: {found.added:,} added, {found.removed:,} removed, {found.changed:,} changed."
    if found.columns:
        yield ""
        yield from table(
            ["column", "change", "before", "now"], [[c.column, c.change, c.before, c.after] for c in found.columns]
        )
    moved = [each for each in found.shifts if each.value]
    if moved:
        yield ""
        schema = ws.call(datasets.show, ShowDataset(dataset=f"{name}@{change.after}")).schema_
        times = {column.name for column in schema if column.type.startswith(("timestamp", "date"))}
        rows = []
        for each in moved:
            said = _moment if each.column in times else _number
            rows.append(
                [each.column, each.statistic, _number(each.value), said(each.mean_before), said(each.mean_after)]
            )
        yield from table(["column", "statistic", "shift", "mean before", "mean now"], rows)


def _described(ws: Workspace, name: str, number: int | None) -> str:
    """Say in a few words what a locked version holds."""
    if number is None:
        return "—"
    kind, _, bare = name.partition(":")
    try:
        if kind == "model":
            version = ws.call(registry.version, ShowVersion(model=f"{bare}@{number}"))
            return f"@{number}, {version.flavor}, {version.digest[:12]}"
        held: DatasetVersion = ws.call(datasets.show, ShowDataset(dataset=f"{bare}@{number}"))
    except NotFound:
        return f"@{number}, not in this workspace"
    return f"@{number}, {held.rows:,} rows, {len(held.schema_)} columns, {held.digest[:12]}"


def _serving(ws: Workspace, candidate: ModelVersion, environment: str) -> ModelVersion | None:
    try:
        return ws.call(registry.version, ShowVersion(model=f"{candidate.name}@{environment}"))
    except NotFound:
        return None


def _parameters(ws: Workspace, candidate: ModelVersion, serving: ModelVersion | None) -> Iterator[str]:
    new, old = _run_parameters(ws, candidate), _run_parameters(ws, serving) if serving else {}
    names = sorted({*new, *old})
    if not names:
        yield "None are recorded."
        return
    where = serving.ref if serving else "—"
    rows = [
        [name, old.get(name, "—"), new.get(name, "—"), "" if old.get(name) == new.get(name) else "≠"] for name in names
    ]
    yield from table(["parameter", where, candidate.ref, ""], rows)


def _run_parameters(ws: Workspace, version: ModelVersion) -> dict[str, str]:
    recorded = {name: str(value) for name, value in version.parameters.items()}
    if not version.run:
        return recorded
    return {**ws.call(tracking.show, ShowRun(run=version.run)).parameters, **recorded}


def _metrics(ws: Workspace, candidate: ModelVersion, serving: ModelVersion | None, decision: Decision) -> Iterator[str]:
    if serving is None:
        yield f"Nothing serves {decision.environment} yet; what {candidate.ref} recorded:"
        yield ""
        yield from table(["metric", "value"], [[name, f"{value:.6g}"] for name, value in candidate.metrics.items()])
        return
    from mlops_ext.monitoring.performance.versions import compare

    found = compare(serving, candidate, on=decision.holdout, target=decision.target, at=decision.at, workspace=ws)
    if not decision.holdout:
        yield f"As recorded, not on the same rows (name a dataset: --holdout): {serving.ref} and {candidate.ref}."
        yield ""
        rows = [
            [name, _number(serving.metrics.get(name)), _number(candidate.metrics.get(name))]
            for name in sorted({*serving.metrics, *candidate.metrics})
        ]
        yield from table(["metric", serving.ref, candidate.ref], rows)
        return
    yield f"Both on {found.dataset}, by the same draws; the interval is that of the difference."
    yield ""
    yield from _scores(found)


def _scores(found: VersionComparison) -> Iterator[str]:
    signs = {"after": "✅", "before": "❌", "neither": ""}
    rows = [
        [
            s.metric,
            f"{s.before:.6g}",
            f"{s.after:.6g}",
            f"{s.difference:+.4g} [{s.low:+.4g}, {s.high:+.4g}]",
            signs[s.better],
        ]
        for s in found.scores
    ]
    yield from table(["metric", found.before, found.after, "difference, 95 %", ""], rows)


def _slices(ws: Workspace, candidate: ModelVersion, decision: Decision) -> Iterator[str]:
    if not decision.holdout:
        yield "Not known: no holdout is named."
        return
    what, found = worst_on(ws, candidate, decision.holdout, decision.target, decision.at)
    if not found:
        yield f"None on which {candidate.ref} surely does worse than elsewhere ({what})."
        return
    rows = [[each.name, f"{each.rows:,}", f"{each.loss:.4g}", f"{each.excess:+.4g}"] for each in found]
    yield from table(["slice", "rows", what, "above all other rows by"], rows)


def _gates(ws: Workspace, candidate: ModelVersion, decision: Decision, asked: list[GateResults]) -> Iterator[str]:
    found = check(candidate, decision.environment, workspace=ws)
    asked.append(found)
    if not found.gates:
        yield f"No gate stands before {decision.environment}."
        return
    signs = {"passed": "✅", "failed": "❌"}
    rows = [[signs.get(gate.verdict, "⏳"), gate.gate, gate.verdict, gate.message] for gate in found.gates]
    yield from table(["", "gate", "verdict", "what it found"], rows)


def _reproduction(ws: Workspace, candidate: ModelVersion) -> Iterator[str]:
    kind = candidate.execution.kind if candidate.execution else "unknown"
    yield f"How {candidate.ref} was made: {kind}."
    yield ""
    try:
        noted = ws.call(registry.reproduction, ShowReproduction(model=candidate.ref))
    except NotFound:
        yield f"It was not made again: `mlops reproduce {candidate.ref}` does so, and puts it on record."
        return
    found = Reproduction.model_validate_json(ws.get_blob(noted.record))
    sign = "✅" if found.verdict == "reproduced" else "❌"
    yield f"{sign} {found.verdict}: {found.reason} (relative {found.relative:g}, absolute {found.absolute:g})."
    if found.metrics:
        yield ""
        rows = [[m.name, _number(m.before), _number(m.after), "" if m.within else "≠"] for m in found.metrics]
        yield from table(["metric", candidate.ref, "made again", ""], rows)
    if found.differences:
        yield ""
        differing = [[d.about, d.name, d.before or "—", d.after or "—"] for d in found.differences[:_MOST_CELLS]]
        yield from table(["what went in", "name", "then", "now"], differing)


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.6g}"


def _moment(seconds: float | None) -> str:
    return "—" if seconds is None else f"{_EPOCH + timedelta(seconds=round(seconds)):%Y-%m-%d %H:%M:%S}"
