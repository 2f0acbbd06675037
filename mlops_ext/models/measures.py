"""What is measured and said of a version in rows of its own: metrics, parameters and tags; version 0 is the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    insert,
    literal_column,
    null,
    select,
    type_coerce,
    union_all,
)

from mlops_ext.models.tables import model_metrics, model_parameters, model_tags
from mlops_ext.models.types import Register
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import WHOLE, check_number_of_tags
from mlops_ext.store.prepared import Prepared, among
from mlops_ext.store.schema import Real
from mlops_ext.tracking.entries import check
from mlops_ext.tracking.types import LogRun, MetricPoint

__all__ = [
    "MODEL",
    "Measures",
    "check_measures",
    "measures_of",
    "store_measures",
    "tags_of_models",
]

MODEL = WHOLE
"""The version that stands for the model itself."""

_Key = tuple[str, int]


@dataclass
class Measures:
    """The pairs of one version, by name."""

    metrics: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


_TABLES = {"metrics": model_metrics, "parameters": model_parameters, "tags": model_tags}
_NAMES = {"metrics": "key", "parameters": "name", "tags": "key"}


def _pairs(kind: str, *, span: bool) -> Select[Any]:
    """Select one kind's pairs of many versions; a metric is a number, all else a text."""
    table, columns = _TABLES[kind], _TABLES[kind].c
    number, text = (columns.value, null()) if kind == "metrics" else (null(), columns.value)
    named: tuple[ColumnElement[Any], ...] = (
        literal_column(f"'{kind}'").label("kind"),
        columns[_NAMES[kind]].label("name"),
    )
    between = columns.version.between(bindparam("first"), bindparam("last"))
    wanted = (
        and_(columns.model_id == bindparam("model_id"), between)
        if span
        else among([columns.model_id, columns.version], "versions")
    )
    values = (type_coerce(number, Real).label("number"), type_coerce(text, Text).label("text"))
    return select(*named, table.c.model_id, table.c.version, *values).where(wanted)


# Built once: building a statement costs several times what running it does.
_READ = Prepared(union_all(*(_pairs(kind, span=False) for kind in _TABLES)))
_SPAN = Prepared(union_all(*(_pairs(kind, span=True) for kind in _TABLES)))
_MODEL_TAGS = Prepared(
    select(model_tags.c.model_id, model_tags.c.key, model_tags.c.value).where(
        among([model_tags.c.model_id], "models"), model_tags.c.version == MODEL
    )
)
_INSERT = {kind: Prepared(insert(table)) for kind, table in _TABLES.items()}


def check_measures(asked: Register) -> None:
    """Refuse names and values that a row cannot hold, by the rules of runs.

    Raises
    ------
    InvalidValue
        The first of them, with its value.
    """
    points = tuple(MetricPoint(key=key, value=value) for key, value in asked.metrics.items())
    check(LogRun(run="", parameters=asked.parameters, metrics=points, tags=asked.tags))
    check_number_of_tags(asked.tags)


def store_measures(change: Change, model_id: str, version: int, measures: Measures) -> None:
    """Write the pairs of a new version, one statement for each kind."""
    for kind, statement in _INSERT.items():
        pairs: Mapping[str, Any] = getattr(measures, kind)
        key = {"model_id": model_id, "version": version}
        if pairs:
            change.execute(statement, [{**key, _NAMES[kind]: name, "value": value} for name, value in pairs.items()])


def measures_of(reader: Any, keys: Sequence[_Key]) -> dict[_Key, Measures]:
    """Read the pairs of many versions, by their names: the databases disagree about the order of texts."""
    found: dict[_Key, Measures] = defaultdict(Measures)
    for kind, name, model_id, version, number, text in sorted(_rows(reader, keys), key=lambda row: row[:2]):
        getattr(found[model_id, version], kind)[name] = number if kind == "metrics" else text
    return found


def _rows(reader: Any, keys: Sequence[_Key]) -> Any:
    """Read the pairs; those of neighbouring versions of a model, as most lists have them, by one span of each table."""
    numbers = [version for _, version in keys]
    if len({model_id for model_id, _ in keys}) == 1 and max(numbers) - min(numbers) < 2 * len(numbers):
        span = {"model_id": keys[0][0], "first": min(numbers), "last": max(numbers)}
        return reader.execute(_SPAN, span)
    return reader.execute(_READ, {"versions": list(keys)})


def tags_of_models(reader: Any, model_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read the tags of many models."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for model_id, name, value in sorted(
        map(tuple, reader.execute(_MODEL_TAGS, {"models": [[each] for each in model_ids]}))
    ):
        found[model_id][name] = value
    return found
