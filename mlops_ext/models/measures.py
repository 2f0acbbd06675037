"""What is measured and said of a version in rows of its own: metrics, parameters and tags; version 0 is the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, Table, bindparam, delete, insert, select, tuple_

from mlops_ext.errors import InvalidValue
from mlops_ext.models.tables import model_metrics, model_parameters, model_tags
from mlops_ext.models.types import Register
from mlops_ext.store.catalog import Change
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
]

MODEL = 0
"""The version that stands for the model itself."""

MAX_TEXT = 65_536
MAX_TAGS = 1000

_Key = tuple[str, int]


@dataclass
class Measures:
    """The pairs of one version, by name."""

    metrics: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def _of(table: Table, name: str) -> Select[Any]:
    columns = table.c
    keys = tuple_(columns.model_id, columns.version).in_(bindparam("keys", expanding=True))
    return select(columns.model_id, columns.version, columns[name], columns.value).where(keys)


# Built once: building a statement costs several times what running it does.
_READ = {
    "metrics": _of(model_metrics, "key"),
    "parameters": _of(model_parameters, "name"),
    "tags": _of(model_tags, "key"),
}
_INSERT = {
    "metrics": insert(model_metrics),
    "parameters": insert(model_parameters),
    "tags": insert(model_tags),
}
_NAMES = {"metrics": "key", "parameters": "name", "tags": "key"}
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
    for kind, statement in _READ.items() if keys else ():
        for model_id, version, name, value in sorted(
            map(tuple, reader.execute(statement, {"keys": keys})), key=lambda row: row[:3]
        ):
            getattr(found[model_id, version], kind)[name] = value
    return found


def tags_of(reader: Any, keys: Sequence[_Key]) -> dict[_Key, dict[str, str]]:
    """Read the tags of many models or versions."""
    found: dict[_Key, dict[str, str]] = defaultdict(dict)
    rows = reader.execute(_READ["tags"], {"keys": keys}) if keys else ()
    for model_id, version, key, value in sorted(map(tuple, rows)):
        found[model_id, version][key] = value
    return found


def set_tags(change: Change, key: _Key, tags: Mapping[str, str]) -> dict[str, str | None]:
    """Give tags their values; say of those that changed what they had before."""
    check_tags(tags)
    held = tags_of(change, [key])[key]
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
