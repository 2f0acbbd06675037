"""From a written reference to a stored version: numbers, aliases, environments and digests."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, select, union_all

from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.models.promotion.policy import current_policy
from mlops_ext.models.tables import aliases, deployments, model_versions, models
from mlops_ext.refs import DigestPrefix, Label, Latest, Number, Ref
from mlops_ext.store.catalog import Change
from mlops_ext.store.prepared import Prepared, among
from mlops_ext.store.schema import event_refs, events

__all__ = [
    "PLAIN",
    "Reader",
    "current_deployment",
    "find_model",
    "find_version",
    "number_row",
    "served",
    "versions_query",
]

Reader = Connection | Change
"""A read snapshot, or the transaction under way: both execute statements."""

PLAIN = ("name", "version", "digest", "flavor", "run", "description", "state", "created_at", "created_by")
"""The fields of a version that are columns; a version's row begins with them."""

_PLAIN = (models.c.name, *(model_versions.c[name] for name in PLAIN[1:]))
_VERSIONS = select(*_PLAIN, model_versions.c.model_id, model_versions.c.lock_digest, model_versions.c.details).join(
    models, models.c.id == model_versions.c.model_id
)

# Built once: building a statement costs several times what running it does.
_MODEL = Prepared(select(models).where(models.c.name == bindparam("name")))
_VERSION = Prepared(
    _VERSIONS.where(
        model_versions.c.model_id == bindparam("model_id"), model_versions.c.version == bindparam("version")
    )
)
_ALIASES = Prepared(select(aliases.c.alias, aliases.c.version).where(aliases.c.model_id == bindparam("model_id")))
_CURRENT = Prepared(
    select(deployments)
    .where(deployments.c.model_id == bindparam("model_id"), deployments.c.environment == bindparam("environment"))
    .order_by(deployments.c.number.desc())
    .limit(1)
)


@lru_cache(maxsize=64)
def _served(environments: tuple[str, ...]) -> Prepared:
    """Select what many models serve in each environment: in each, the entry with the highest number."""
    return Prepared(union_all(*(_served_in(environment) for environment in environments)))


def _served_in(environment: str) -> Select[Any]:
    here = deployments.c.environment == environment
    newest = (
        select(func.max(deployments.c.number))
        .where(deployments.c.model_id == models.c.id, here)
        .correlate(models)
        .scalar_subquery()
    )
    return (
        select(deployments.c.model_id, deployments.c.environment, deployments.c.version)
        .join(models, (deployments.c.model_id == models.c.id) & (deployments.c.number == newest))
        .where(among([models.c.id], "models"))
    )


def find_model(reader: Reader, name: str, *, deleted: bool = False) -> Row[Any]:
    """Give the row of a model.

    Parameters
    ----------
    deleted : bool
        Give a deleted one too.

    Raises
    ------
    NotFound
        No model goes by that name; the nearest is suggested.
    """
    row: Row[Any] | None = reader.execute(_MODEL, {"name": name}).one_or_none()
    if row is None:
        standing = select(models.c.name).where(models.c.state != "deleted")
        known = reader.execute(standing.order_by(models.c.updated_at.desc()).limit(1000)).scalars()
        renamed = _renamed(reader, name)
        if renamed:
            raise NotFound(f"no model named {name!r}", hint=f"It was renamed: {renamed}")
        raise NotFound.of("model", name, known)
    if row.state == "deleted" and not deleted:
        raise NotFound(f"the model {name!r} is deleted", hint=f"Bring it back: mlops models restore {name}")
    return row


def find_version(reader: Reader, text: str, *, deleted: bool = False) -> Row[Any]:
    """Resolve a reference to the row of one version; the model's name stands in it as `name`.

    Parameters
    ----------
    text : str
        A bare name, or `@latest`, is the newest active version; a digest the newest that is not deleted.
    deleted : bool
        Give a deleted one too, when its number is named.

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
    row = number_row(reader, model.id, number)
    if row is None:
        versions = f"it has the versions 1 to {model.highest}" if model.highest > 1 else "it has version 1 only"
        raise NotFound(f"no version {number} of model {ref.name!r}", hint=versions)
    if row.state == "deleted" and not deleted:
        there = f"{model.name}@{number}"
        raise NotFound(f"{there} is deleted", hint=f"Bring it back: mlops models restore {there}")
    return row


def number_row(reader: Reader, model_id: str, version: int) -> Row[Any] | None:
    """Give the row of one version by its number, whatever its state."""
    row: Row[Any] | None = reader.execute(_VERSION, {"model_id": model_id, "version": version}).one_or_none()
    return row


def versions_query(state: str = "any") -> Select[Any]:
    """Select the versions of all models, with the names of these; `any` state leaves none out."""
    if state == "any":
        return _VERSIONS
    query = _VERSIONS.where(model_versions.c.state == state)
    return query if state == "deleted" else query.where(models.c.state != "deleted")


def current_deployment(reader: Reader, model_id: str, environment: str) -> Row[Any] | None:
    """Give what an environment serves of a model: its newest entry."""
    found: Row[Any] | None = reader.execute(_CURRENT, {"model_id": model_id, "environment": environment}).one_or_none()
    return found


def served(reader: Reader, model_ids: list[str], environments: tuple[str, ...]) -> dict[tuple[str, str], int]:
    """Give, for models and environments, which version is served where."""
    rows = reader.execute(_served(environments), {"models": [[model_id] for model_id in model_ids]})
    return {(row.model_id, row.environment): row.version for row in rows}


def _renamed(reader: Reader, name: str) -> str:
    """Give the name that a model got when it lost this one; empty when none did."""
    refs = (event_refs.c.ref == f"model:{name}") & (event_refs.c.role == "input")
    joined = select(events.c.subject).join(event_refs, (event_refs.c.seq == events.c.seq) & refs)
    last = joined.where(events.c.action == "model.renamed").order_by(events.c.seq.desc()).limit(1)
    return str(reader.execute(last).scalar_one_or_none() or "").removeprefix("model:")


def _number(reader: Reader, model: Row[Any], ref: Ref) -> int:
    if isinstance(ref.selector, Latest):
        if not model.latest:
            raise NotFound(
                f"model {model.name!r} has no active version",
                hint=f"Name one, or bring one back: mlops models versions {model.name} --state any",
            )
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
        .where(model_versions.c.state != "deleted")
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
    known = {row.alias: row.version for row in reader.execute(_ALIASES, {"model_id": model.id})}
    if label not in known:
        raise NotFound(
            f"model {model.name!r} has no alias or environment {label!r}",
            hint=did_you_mean(label, [*known, *environments]),
        )
    return int(known[label])
