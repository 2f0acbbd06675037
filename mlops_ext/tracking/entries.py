"""What is logged to a run beside metric points: checked first, then written inside the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from mlops_ext.errors import Conflict, InvalidValue
from mlops_ext.refs import Ref
from mlops_ext.store.curation import check_key, check_number_of_tags, check_tags, check_value
from mlops_ext.store.search import batches
from mlops_ext.tracking.tables import run_artifacts, run_datasets, run_links, run_parameters, run_tags

if TYPE_CHECKING:
    from mlops_ext.store.catalog import Change
    from mlops_ext.tracking.metrics import Reader
    from mlops_ext.tracking.types import Artifact, LogRun, RunDataset

__all__ = ["add_artifacts", "add_datasets", "add_links", "add_parameters", "check", "set_tags", "tags_of"]

MAX_DATASET = 500
MAX_DIGEST = 80
MAX_DESCRIBED = 1_000_000


def check(request: LogRun) -> None:
    """Refuse names, values, references and paths that cannot be kept.

    Raises
    ------
    InvalidValue
        The first of them, with its value.
    """
    for name, value in request.parameters.items():
        check_key("parameter", name)
        check_value(f"parameter {name!r}", value)
        _check_json(name, value)
    for point in request.metrics:
        check_key("metric", point.key)
        if not -(2**63) <= point.step < 2**63:
            raise InvalidValue(f"metric {point.key!r} has the step {point.step}", hint="A step has 64 bits at most")
    check_tags(request.tags)
    for ref in (*request.inputs, *request.outputs):
        if Ref.parse(ref).kind is None:
            raise InvalidValue(f"the reference {ref!r} names no kind", hint=f"Write dataset:{ref} or model:{ref}")
    for artifact in request.artifacts:
        _check_path(artifact.path)
    for dataset in request.datasets:
        _check_dataset(dataset)


def add_parameters(change: Change, run: str, parameters: Mapping[str, str]) -> None:
    """Store parameters; one that has another value already is refused.

    Raises
    ------
    Conflict
        A parameter was logged before with another value; both are named.
    """
    held = _held(change, run_parameters, run, run_parameters.c.name, parameters)
    for name, value in parameters.items():
        if name in held and held[name] != value:
            raise Conflict(
                f"parameter {name!r} of run {run} is {held[name]} and cannot become {value}",
                hint="A parameter is logged once; log what changes as a metric or a tag, or start another run",
            )
    _insert(change, run_parameters, run, "name", {k: v for k, v in parameters.items() if k not in held})


def set_tags(change: Change, run: str, tags: Mapping[str, str]) -> None:
    """Store tags; the last value of each key counts."""
    if not tags:
        return
    held = tags_of(change, run)
    check_number_of_tags({**held, **tags})
    _insert(change, run_tags, run, "key", {k: v for k, v in tags.items() if k not in held})
    for key, value in tags.items():
        if key in held and held[key] != value:
            change.execute(update(run_tags).where(run_tags.c.run == run, run_tags.c.key == key).values(value=value))


def tags_of(reader: Reader, run: str) -> dict[str, str]:
    """Read the tags of a run."""
    found = reader.execute(select(run_tags.c.key, run_tags.c.value).where(run_tags.c.run == run))
    return {row.key: row.value for row in found}


def add_links(change: Change, run: str, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Store what a run read and made, in the order in which it came."""
    if not inputs and not outputs:
        return
    asked = select(run_links.c.direction, run_links.c.ref).where(run_links.c.run == run)
    held = {tuple(row) for row in change.execute(asked)}
    wanted = [("input", ref) for ref in inputs] + [("output", ref) for ref in outputs]
    new = list(dict.fromkeys(each for each in wanted if each not in held))
    if new:
        rows = [
            {"run": run, "direction": direction, "ref": ref, "number": len(held) + offset}
            for offset, (direction, ref) in enumerate(new)
        ]
        change.execute(insert(run_links), rows)


def add_artifacts(change: Change, run: str, artifacts: Sequence[Artifact]) -> None:
    """Store artifacts and name their blobs; the last one logged to a path counts."""
    wanted = {artifact.path: artifact for artifact in artifacts}
    if not wanted:
        return
    change.name_blobs(f"run:{run}", [artifact.digest for artifact in wanted.values()])
    table = run_artifacts.c
    held = {
        path
        for paths in batches(wanted)
        for path in change.execute(select(table.path).where(table.run == run, table.path.in_(paths))).scalars()
    }
    new = [{"run": run, **each.model_dump()} for path, each in wanted.items() if path not in held]
    if new:
        change.execute(insert(run_artifacts), new)
    for path in held:
        change.execute(
            update(run_artifacts).where(table.run == run, table.path == path).values(wanted[path].model_dump())
        )


def add_datasets(change: Change, run: str, datasets: Sequence[RunDataset]) -> None:
    """Store what data a run described; the first description of a name and digest stays, as in MLflow."""
    if not datasets:
        return
    table = run_datasets.c
    held = {tuple(row) for row in change.execute(select(table.name, table.digest).where(table.run == run))}
    wanted = {(each.name, each.digest): each for each in reversed(datasets)}
    new = [{"run": run, **each.model_dump()} for key, each in reversed(wanted.items()) if key not in held]
    if new:
        change.execute(insert(run_datasets), new)


def _held(change: Change, table: Any, run: str, column: Any, names: Iterable[str]) -> dict[str, str]:
    held: dict[str, str] = {}
    for wanted in batches(names):
        rows: Any = change.execute(select(column, table.c.value).where(table.c.run == run, column.in_(wanted)))
        held |= {row[0]: row[1] for row in rows}
    return held


def _insert(change: Change, table: Any, run: str, column: str, pairs: Mapping[str, str]) -> None:
    if pairs:
        change.execute(insert(table), [{"run": run, column: key, "value": value} for key, value in pairs.items()])


def _check_json(name: str, value: str) -> None:
    try:
        json.loads(value)
    except ValueError as error:
        raise InvalidValue(
            f"parameter {name!r} is no JSON: {value[:80]!r}", hint='Write a text with quotes: "value"'
        ) from error


def _check_dataset(dataset: RunDataset) -> None:
    if not dataset.name.strip() or len(dataset.name) > MAX_DATASET or not dataset.name.isprintable():
        raise InvalidValue(
            f"a dataset cannot be named {dataset.name[:40]!r}", hint=f"Give it 1 to {MAX_DATASET} printable characters"
        )
    if len(dataset.digest) > MAX_DIGEST:
        raise InvalidValue(f"the digest {dataset.digest[:40]!r}… is too long", hint=f"At most {MAX_DIGEST} fit")
    for name, value in dataset.model_dump().items():
        if len(value) > MAX_DESCRIBED or "\0" in value:
            raise InvalidValue(
                f"the {name} of dataset {dataset.name!r} has {len(value):,} characters, or a NUL",
                hint=f"At most {MAX_DESCRIBED:,} fit",
            )


def _check_path(path: str) -> None:
    pure = PurePosixPath(path)
    inside = path.isprintable() and "\\" not in path and not pure.is_absolute() and ".." not in pure.parts
    if not inside or str(pure) != path or path == "." or len(path) > 400:
        raise InvalidValue(
            f"not a path for an artifact: {path[:80]!r}", hint="Write a relative one, such as plots/calibration.png"
        )
