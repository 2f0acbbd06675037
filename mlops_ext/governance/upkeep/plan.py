"""Which dataset versions gc removes: by rules, never one that stands behind what an environment serves or served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Row, select

from mlops_ext.datasets.references import Reader
from mlops_ext.datasets.tables import dataset_aliases, dataset_tags, dataset_versions, datasets
from mlops_ext.durations import duration_of
from mlops_ext.governance.upkeep.types import Fate, PlanGc
from mlops_ext.models.lookup.references import served
from mlops_ext.models.promotion.policy import current_policy
from mlops_ext.models.tables import aliases, deployments, model_versions, models
from mlops_ext.refs import check_name
from mlops_ext.store.schema import event_refs, events

__all__ = ["fates", "protected"]

Key = tuple[str, int]


def fates(reader: Any, asked: PlanGc, now: datetime) -> list[Fate]:
    """Say of each version that has bytes whether it goes, and why.

    Without a rule only what was deleted, longer ago than the grace, goes; with rules also what none of them keeps.
    """
    needed = protected(reader, asked.rollbacks)
    tagged, pointed = _tagged(reader), _pointed(reader)
    wanted = {check_name(name) for name in asked.datasets}
    versions = dataset_versions.c
    query = select(dataset_versions, datasets.c.latest, datasets.c.state.label("of_dataset")).join(
        datasets, datasets.c.name == versions.name
    )
    rows = reader.execute(
        query.where(versions.removed_at.is_(None)).order_by(versions.name, versions.version.desc())
    ).all()
    found: list[Fate] = []
    seen: dict[str, int] = {}
    for row in rows:
        if wanted and row.name not in wanted:
            continue
        key = (row.name, row.version)
        stands = row.state != "deleted" and row.of_dataset != "deleted"
        if stands:
            seen[row.name] = seen.get(row.name, 0) + 1
        goes, why = _fate(reader, row, asked, now, needed.get(key, ""), seen.get(row.name, 0), stands=stands)
        if goes and asked.keep_tagged and key in tagged:
            goes, why = False, "it has tags"
        if goes and asked.keep_aliased and key in pointed:
            goes, why = False, f"the alias {pointed[key]!r} points at it"
        found.append(Fate(ref=f"{row.name}@{row.version}", goes=goes, why=why))
    return found


def protected(reader: Any, rollbacks: int | None = None) -> dict[Key, str]:
    """Give every dataset version that stands behind what an environment or a guarded alias serves, and by which way.

    Parameters
    ----------
    rollbacks : int, optional
        Of how many versions that an environment served before; of all that a rollback can return to when left out.
    """
    policy = current_policy(reader).policy
    ids = {row.id: row.name for row in reader.execute(select(models.c.id, models.c.name))}
    needed: dict[tuple[str, int], str] = {}
    for (model_id, where), version in served(reader, list(ids), policy.environments).items():
        needed.setdefault((model_id, version), f"serves {where}")
    for row in reader.execute(select(aliases)):
        if row.alias in policy.guarded_aliases:
            needed.setdefault((row.model_id, row.version), f"serves alias {row.alias}")
    for model_id, version, where in _returnable(reader, policy.environments, rollbacks):
        needed.setdefault((model_id, version), f"served {where}, which a rollback can return to")
    found: dict[Key, str] = {}
    known: dict[str, list[str]] = {}
    for (model_id, version), way in needed.items():
        for ref in _behind(reader, known, model_id, ids[model_id], version):
            found.setdefault(ref, f"{ids[model_id]}@{version} {way}")
    return found


def _returnable(reader: Any, environments: Collection[str], rollbacks: int | None) -> Iterator[tuple[str, int, str]]:
    """Give what environments served before, the last first; a deleted version is not served again."""
    gone = select(model_versions.c.model_id, model_versions.c.version).where(model_versions.c.state == "deleted")
    deleted = {(row.model_id, row.version) for row in reader.execute(gone)}
    history = select(deployments.c.model_id, deployments.c.environment, deployments.c.version)
    seen: dict[tuple[str, str], dict[int, None]] = defaultdict(dict)
    for model_id, environment, version in reader.execute(history.order_by(deployments.c.number.desc())):
        if environment in environments and (model_id, version) not in deleted:
            seen[model_id, environment].setdefault(version)
    for (model_id, environment), versions in seen.items():
        for version in islice(versions, None if rollbacks is None else rollbacks + 1):
            yield model_id, version, environment


def _fate(
    reader: Reader, row: Row[Any], asked: PlanGc, now: datetime, need: str, place: int, *, stands: bool
) -> tuple[bool, str]:
    if need:
        return False, f"{need}, and was made of it"
    if not stands:
        young = now - (_deleted_at(reader, row) or now) < duration_of(asked.grace, "grace")
        return not young, f"deleted, but for {asked.grace} it can be restored" if young else "deleted"
    why = ""
    if asked.keep_last is None and not asked.newer_than:
        why = "no rule removes it"
    elif row.version == row.latest:
        why = "the newest version"
    elif asked.keep_last is not None and place <= asked.keep_last:
        why = f"one of the newest {asked.keep_last}"
    elif asked.newer_than and now - row.created_at < duration_of(asked.newer_than, "newer-than"):
        why = f"newer than {asked.newer_than}"
    return not why, why or "no rule keeps it"


def _behind(reader: Any, known: dict[str, list[str]], model_id: str, name: str, version: int) -> set[Key]:
    """Follow inputs from a model version back to every dataset version, through runs, views and other models."""
    this = (model_versions.c.model_id == model_id) & (model_versions.c.version == version)
    row = reader.execute(select(model_versions.c.details, model_versions.c.run).where(this)).one()
    waiting = [*row.details.get("inputs", ()), f"model:{name}@{version}", *([f"run:{row.run}"] if row.run else [])]
    seen: set[str] = set()
    found: set[Key] = set()
    while waiting:
        ref = waiting.pop()
        if ref in seen:
            continue
        seen.add(ref)
        kind, _, rest = ref.partition(":")
        head, _, number = rest.partition("@")
        if kind == "dataset":
            found.update([(head, int(number))] if number.isdecimal() else _all_of(reader, head))
            continue
        if ref not in known:
            known[ref] = _inputs_of(reader, ref)
        waiting += known[ref]
    return found


def _inputs_of(reader: Any, ref: str) -> list[str]:
    """Give the inputs of every event that has a reference as subject or output."""
    made = select(event_refs.c.seq).where(event_refs.c.ref == ref, event_refs.c.role != "input")
    return list(
        reader.execute(
            select(event_refs.c.ref).where(event_refs.c.seq.in_(made), event_refs.c.role == "input").distinct()
        ).scalars()
    )


def _all_of(reader: Any, name: str) -> list[Key]:
    """A reference without a number may mean any version."""
    query = select(dataset_versions.c.version).where(dataset_versions.c.name == name)
    return [(name, int(number)) for number in reader.execute(query).scalars()]


def _deleted_at(reader: Any, row: Row[Any]) -> datetime | None:
    subjects = [f"dataset:{row.name}", f"dataset:{row.name}@{row.version}"]
    query = select(events.c.time).where(events.c.subject.in_(subjects), events.c.action == "dataset.deleted")
    moment: datetime | None = reader.execute(query.order_by(events.c.seq.desc()).limit(1)).scalar_one_or_none()
    return moment


def _tagged(reader: Any) -> set[Key]:
    return {(row.name, row.version) for row in reader.execute(select(dataset_tags.c.name, dataset_tags.c.version))}


def _pointed(reader: Any) -> Mapping[Key, str]:
    return {(row.name, row.version): row.alias for row in reader.execute(select(dataset_aliases))}
