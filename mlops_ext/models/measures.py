"""What is measured and said of a version in rows of its own: metrics, parameters and tags; version 0 is the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, Table, and_, bindparam, delete, insert, or_, select

from mlops_ext.errors import InvalidValue
from mlops_ext.models.tables import model_metrics, model_parameters, model_tags
from mlops_ext.models.types import Register
from mlops_ext.store.catalog import Change
from mlops_ext.store.search import batches
from mlops_ext.tracking.entries import check
from mlops_ext.tracking.types import LogRun, MetricPoint

__all__ = [
    "MODEL",
    "Measures",
    "check_measures",
    "check_text",
    "delete_tag",
    "measures_of",
    "set_tags",
    "store_measures",
    "tags_of",
    "tags_of_models",
]

MODEL = 0
"""The version that stands for the model itself."""

MAX_TEXT = 65_536
MAX_TAGS = 1000
_MODELS = 100
"""Models that one statement asks about; a database nests conditions only so deep."""

_Key = tuple[str, int]


@dataclass
class Measures:
    """The pairs of one version, by name."""

    metrics: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def _select(table: Table, name: str) -> Select[Any]:
    return select(table.c.model_id, table.c.version, table.c[name], table.c.value)


def _of_one(table: Table, name: str) -> Select[Any]:
    versions = table.c.version.in_(bindparam("versions", expanding=True))
    return _select(table, name).where(table.c.model_id == bindparam("model_id"), versions)


_TABLES = {"metrics": model_metrics, "parameters": model_parameters, "tags": model_tags}
_NAMES = {"metrics": "key", "parameters": "name", "tags": "key"}

# Built once: building a statement costs several times what running it does.
_READ = {kind: _of_one(table, _NAMES[kind]) for kind, table in _TABLES.items()}
_MODEL_TAGS = _select(model_tags, "key").where(
    model_tags.c.model_id.in_(bindparam("models", expanding=True)), model_tags.c.version == MODEL
)
_INSERT = {kind: insert(table) for kind, table in _TABLES.items()}
_DELETE_TAG = delete(model_tags).where(
    model_tags.c.model_id == bindparam("of_model"),
    model_tags.c.version == bindparam("of_version"),
    model_tags.c.key == bindparam("of_key"),
)


def check_measures(asked: Register) -> None:
    """Refuse names and values that a row cannot hold, by the rules of runs.

    Raises
    ------
    InvalidValue
        The first of them, with its value.
    """
    points = tuple(MetricPoint(key=key, value=value) for key, value in asked.metrics.items())
    check(LogRun(run="", parameters=asked.parameters, metrics=points, tags=asked.tags))
    _check_number(asked.tags)


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that a row cannot hold."""
    check(LogRun(run="", tags=dict(tags)))


def check_text(what: str, text: str) -> str:
    """Refuse a text that is too long or that no database stores."""
    if len(text) > MAX_TEXT or "\0" in text:
        raise InvalidValue(f"the {what} is too long or has a NUL", hint=f"At most {MAX_TEXT} characters fit")
    return text


def store_measures(change: Change, model_id: str, version: int, measures: Measures) -> None:
    """Write the pairs of a new version, one statement for each kind."""
    for kind, statement in _INSERT.items():
        pairs: Mapping[str, Any] = getattr(measures, kind)
        key = {"model_id": model_id, "version": version}
        if pairs:
            change.execute(statement, [{**key, _NAMES[kind]: name, "value": value} for name, value in pairs.items()])


def measures_of(reader: Any, keys: Sequence[_Key]) -> dict[_Key, Measures]:
    """Read the pairs of many versions, one statement for each kind."""
    found: dict[_Key, Measures] = defaultdict(Measures)
    for kind in _TABLES:
        for key, name, value in _pairs(reader, kind, keys):
            getattr(found[key], kind)[name] = value
    return found


def tags_of(reader: Any, key: _Key) -> dict[str, str]:
    """Read the tags of one model or version."""
    return {name: value for _, name, value in _pairs(reader, "tags", [key])}


def tags_of_models(reader: Any, model_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read the tags of many models."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for model_id, _, name, value in sorted(map(tuple, reader.execute(_MODEL_TAGS, {"models": model_ids}))):
        found[model_id][name] = value
    return found


def _pairs(reader: Any, kind: str, keys: Sequence[_Key]) -> list[tuple[_Key, str, Any]]:
    """Read one kind's pairs by their names: the databases disagree about the order of texts."""
    wanted: dict[str, list[int]] = defaultdict(list)
    for model_id, version in keys:
        wanted[model_id].append(version)
    rows: list[Any] = []
    if len(wanted) == 1:
        ((model_id, versions),) = wanted.items()
        rows += reader.execute(_READ[kind], {"model_id": model_id, "versions": versions})
    for some in batches(wanted, _MODELS) if len(wanted) > 1 else ():
        columns = _TABLES[kind].c
        # SQLite would read the whole table for pairs in a list.
        each = [and_(columns.model_id == one, columns.version.in_(wanted[one])) for one in some]
        rows += reader.execute(_select(_TABLES[kind], _NAMES[kind]).where(or_(*each)))
    pairs = [((row[0], row[1]), row[2], row[3]) for row in rows]
    return sorted(pairs, key=lambda pair: pair[:2])


def set_tags(change: Change, key: _Key, tags: Mapping[str, str]) -> dict[str, str | None]:
    """Give tags their values; say of those that changed what they had before."""
    check_tags(tags)
    held = tags_of(change, key)
    changed = {name: held.get(name) for name, value in tags.items() if held.get(name) != value}
    _check_number({**held, **tags})
    for name in changed:
        delete_tag(change, key, name)
    store_measures(change, *key, Measures(tags={name: tags[name] for name in changed}))
    return changed


def delete_tag(change: Change, key: _Key, name: str) -> None:
    """Take a tag away."""
    change.execute(_DELETE_TAG, {"of_model": key[0], "of_version": key[1], "of_key": name})


def _check_number(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise InvalidValue(f"{len(tags)} tags on one thing", hint=f"At most {MAX_TAGS} fit; keep more as an artifact")
