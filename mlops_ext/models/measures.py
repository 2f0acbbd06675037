"""What is measured and said of a version in rows of its own: metrics, parameters and tags; version 0 is the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, Table, and_, bindparam, insert, or_, select

from mlops_ext.models.tables import model_metrics, model_parameters, model_tags
from mlops_ext.models.types import Register
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import WHOLE, check_number_of_tags
from mlops_ext.store.search import batches
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
    """Read the pairs of many versions, one statement for each kind."""
    found: dict[_Key, Measures] = defaultdict(Measures)
    for kind in _TABLES:
        for key, name, value in _pairs(reader, kind, keys):
            getattr(found[key], kind)[name] = value
    return found


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
