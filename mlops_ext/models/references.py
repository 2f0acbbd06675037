"""From a written reference to a stored version: numbers, aliases, environments and digests."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.models.policy import current_policy
from mlops_ext.models.tables import aliases, deployments, model_versions, models
from mlops_ext.refs import DigestPrefix, Label, Latest, Number, Ref
from mlops_ext.store.catalog import Change

__all__ = ["Reader", "current_deployment", "find_model", "find_version", "served"]

Reader = Connection | Change
"""A read snapshot, or the transaction under way: both execute statements."""


def find_model(reader: Reader, name: str) -> Row[Any]:
    """Give the row of a model.

    Raises
    ------
    NotFound
        No model goes by that name; the nearest is suggested.
    """
    row = reader.execute(select(models).where(models.c.name == name)).one_or_none()
    if row is None:
        known = reader.execute(select(models.c.name).order_by(models.c.updated_at.desc()).limit(1000)).scalars()
        raise NotFound.of("model", name, known)
    return row


def find_version(reader: Reader, text: str) -> Row[Any]:
    """Resolve a reference to the row of one version; the model's name stands in it as `name`.

    Raises
    ------
    NotFound
        Nothing goes by that reference.
    InvalidValue
        It is no reference, or a digest prefix that fits several contents.
    """
    ref = Ref.parse(text, kind="model")
    model = find_model(reader, ref.name)
    number = _number(reader, model, ref)
    row = reader.execute(version_rows(model.id).where(model_versions.c.version == number)).one_or_none()
    if row is None:
        versions = f"it has the versions 1 to {model.latest}" if model.latest > 1 else "it has version 1 only"
        raise NotFound(f"no version {number} of model {ref.name!r}", hint=versions)
    return row


def version_rows(model_id: str) -> Select[Any]:
    """Select the versions of one model, with its name."""
    joined = model_versions.join(models, models.c.id == model_versions.c.model_id)
    return select(model_versions, models.c.name).select_from(joined).where(model_versions.c.model_id == model_id)


def current_deployment(reader: Reader, model_id: str, environment: str) -> Row[Any] | None:
    """Give what an environment serves of a model: its newest entry."""
    query = (
        select(deployments)
        .where(deployments.c.model_id == model_id, deployments.c.environment == environment)
        .order_by(deployments.c.number.desc())
        .limit(1)
    )
    return reader.execute(query).one_or_none()


def served(reader: Reader, model_ids: list[str], environments: tuple[str, ...]) -> dict[tuple[str, str], int]:
    """Give, for models and environments, which version is served where."""
    newest = (
        select(func.max(deployments.c.number).label("number"), deployments.c.model_id)
        .where(deployments.c.model_id.in_(model_ids), deployments.c.environment.in_(environments))
        .group_by(deployments.c.model_id, deployments.c.environment)
        .subquery()
    )
    query = select(deployments.c.model_id, deployments.c.environment, deployments.c.version).join(
        newest, (newest.c.model_id == deployments.c.model_id) & (newest.c.number == deployments.c.number)
    )
    return {(row.model_id, row.environment): row.version for row in reader.execute(query)}


def _number(reader: Reader, model: Row[Any], ref: Ref) -> int:
    if isinstance(ref.selector, Latest):
        return int(model.latest)
    if isinstance(ref.selector, Number):
        return ref.selector.number
    if isinstance(ref.selector, DigestPrefix):
        return _by_digest(reader, model, str(ref.selector))
    return _by_label(reader, model, ref.selector)


def _by_digest(reader: Reader, model: Row[Any], prefix: str) -> int:
    query = (
        select(model_versions.c.digest, func.max(model_versions.c.version).label("version"))
        .where(model_versions.c.model_id == model.id)
        .where(model_versions.c.digest >= prefix, model_versions.c.digest < prefix + "g")
        .group_by(model_versions.c.digest)
    )
    rows = reader.execute(query.limit(2)).all()
    if not rows:
        raise NotFound(f"no version of model {model.name!r} has the digest {prefix}…", hint="Check its first digits")
    if len(rows) > 1:
        raise InvalidValue(f"{prefix} fits several versions of model {model.name!r}", hint="Write more of its digits")
    return int(rows[0].version)


def _by_label(reader: Reader, model: Row[Any], selector: Label) -> int:
    label = selector.label
    environments = current_policy(reader).policy.environments
    if label in environments:
        entry = current_deployment(reader, model.id, label)
        if entry is None:
            raise NotFound(
                f"nothing of model {model.name!r} is deployed to {label}",
                hint=f"Promote a version: mlops promote {model.name}@latest --to {label}",
            )
        return int(entry.version)
    query = select(aliases.c.alias, aliases.c.version).where(aliases.c.model_id == model.id)
    known = {row.alias: row.version for row in reader.execute(query)}
    if label not in known:
        raise NotFound(
            f"model {model.name!r} has no alias or environment {label!r}",
            hint=did_you_mean(label, [*known, *environments]),
        )
    return int(known[label])
