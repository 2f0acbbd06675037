"""From rows to records: versions with who points at them, and deployments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, select

from mlops_ext.models.decisions import Deployment
from mlops_ext.models.policy import current_policy
from mlops_ext.models.references import Reader, served
from mlops_ext.models.tables import aliases, environment_locks
from mlops_ext.models.types import ModelVersion

__all__ = ["DETAILS", "deployment_record", "plain_version", "pointers", "version_record", "version_records"]

DETAILS = ("files", "signature", "inputs", "metrics", "parameters", "notebook", "git", "trust", "tags")
"""The fields of a version that lie together in one JSON column."""


def version_record(reader: Reader, row: Row[Any]) -> ModelVersion:
    """Make the full record of one version, its environment lock included."""
    record = version_records(reader, row.model_id, [plain_version(row)])[0]
    if row.lock_digest is None:
        return record
    query = select(environment_locks.c.lock).where(environment_locks.c.digest == row.lock_digest)
    whole = record.model_dump() | {"lock": reader.execute(query).scalar_one()}
    return ModelVersion.model_validate(whole)


def version_records(reader: Reader, model_id: str, versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    """Add to versions of one model the aliases and environments that point at them."""
    by_version: dict[int, tuple[list[str], list[str]]] = {version.version: ([], []) for version in versions}
    names, environments = pointers(reader, [model_id])[model_id]
    for position, pointing in enumerate((names, environments)):
        for name, version in pointing.items():
            if version in by_version:
                by_version[version][position].append(name)
    return [
        version.model_copy(
            update={
                "aliases": tuple(by_version[version.version][0]),
                "environments": tuple(by_version[version.version][1]),
            }
        )
        for version in versions
    ]


def pointers(reader: Reader, model_ids: list[str]) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
    """Give, for each model, its aliases and what each environment of the policy serves."""
    found: dict[str, tuple[dict[str, int], dict[str, int]]] = {each: ({}, {}) for each in model_ids}
    for row in reader.execute(select(aliases).where(aliases.c.model_id.in_(model_ids)).order_by(aliases.c.alias)):
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


def plain_version(row: Row[Any]) -> ModelVersion:
    """Make the record as the row alone tells it: without pointers and environment lock."""
    return ModelVersion.model_validate(
        {
            **row.details,
            "name": row.name,
            "version": row.version,
            "digest": row.digest,
            "flavor": row.flavor,
            "run": row.run,
            "description": row.description,
            "created_at": row.created_at,
            "created_by": row.created_by,
        }
    )
