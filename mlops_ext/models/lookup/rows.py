"""From rows to records: models and versions with who points at them, and deployments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select

from mlops_ext.models.lookup.references import PLAIN, Reader, served
from mlops_ext.models.measures import Measures, measures_of, tags_of_models
from mlops_ext.models.promotion.policy import current_policy
from mlops_ext.models.promotion.types import Deployment
from mlops_ext.models.tables import aliases, environment_locks
from mlops_ext.models.types import EnvironmentLock, Model, ModelVersion
from mlops_ext.store.prepared import Prepared, among

__all__ = ["DETAILS", "deployment_record", "model_records", "pointers", "version_record", "version_records"]

DETAILS = (
    "files", "signature", "inputs", "notebook", "git", "hardware", "seconds", "seeds", "execution", "masked", "trust",
    "scan", "importance",
)  # fmt: skip
"""The fields of a version that lie together in one JSON column."""

_ALIASES = Prepared(select(aliases).where(among([aliases.c.model_id], "models")).order_by(aliases.c.alias))
_LOCK = Prepared(select(environment_locks.c.lock).where(environment_locks.c.digest == bindparam("digest")))


def version_record(reader: Reader, row: Row[Any]) -> ModelVersion:
    """Make the full record of one version, its environment lock included."""
    record = version_records(reader, [row])[0]
    if row.lock_digest is None:
        return record
    lock = reader.execute(_LOCK, {"digest": row.lock_digest}).scalar_one()
    return record.model_copy(update={"lock": EnvironmentLock.model_validate(lock)})


def version_records(reader: Reader, rows: Sequence[Row[Any]]) -> tuple[ModelVersion, ...]:
    """Make the records of versions, of one model or several, without their environment locks."""
    measures = measures_of(reader, [(row.model_id, row.version) for row in rows])
    pointing = pointers(reader, list({row.model_id for row in rows}))
    names: dict[tuple[str, int], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for model_id, both in pointing.items():
        for place, named in enumerate(both):
            for name, version in named.items():
                names[model_id, version][place].append(name)
    return tuple(_version(row, measures[key], *names[key]) for row in rows if (key := (row.model_id, row.version)))


def model_records(reader: Reader, rows: Sequence[Row[Any]]) -> tuple[Model, ...]:
    """Make the records of models, with their tags and who points where."""
    ids = [row.id for row in rows]
    tags, pointing = tags_of_models(reader, ids), pointers(reader, ids)
    return tuple(
        Model(
            name=row.name,
            description=row.description,
            latest=row.latest,
            state=row.state,
            tags=tags[row.id],
            aliases=pointing[row.id][0],
            environments=pointing[row.id][1],
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    )


def pointers(reader: Reader, model_ids: list[str]) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
    """Give, for each model, its aliases and what each environment of the policy serves."""
    found: dict[str, tuple[dict[str, int], dict[str, int]]] = {each: ({}, {}) for each in model_ids}
    for row in reader.execute(_ALIASES, {"models": [[each] for each in model_ids]}):
        found[row.model_id][0][row.alias] = row.version
    environments = current_policy(reader).policy.environments
    serving = served(reader, model_ids, environments)
    for (model_id, environment), version in sorted(serving.items(), key=lambda item: environments.index(item[0][1])):
        found[model_id][1][environment] = version
    return found


def deployment_record(row: Row[Any], model: str) -> Deployment:
    """Make the record of one entry of an environment's history."""
    return Deployment(
        model=model,
        environment=row.environment,
        version=row.version,
        previous=row.previous,
        action=row.action,
        comment=row.comment,
        gates=row.gates,
        promotion=row.promotion,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def _version(row: Row[Any], measures: Measures, aliases: list[str], environments: list[str]) -> ModelVersion:
    fields = {**row.details, **vars(measures), "aliases": aliases, "environments": environments}
    fields.update(zip(PLAIN, row, strict=False))
    return ModelVersion.model_validate(fields)
