"""From a written reference to a stored version: numbers, aliases and digests; and from rows to records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Row, and_, or_, select

from mlops_ext.datasets.tables import dataset_aliases, dataset_tags, dataset_versions, datasets
from mlops_ext.datasets.types import Column, DatasetVersion
from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.refs import DigestPrefix, Label, Latest, Number, Ref
from mlops_ext.store.search import batches

if TYPE_CHECKING:
    from sqlalchemy import Executable

__all__ = ["Reader", "find_row", "find_thing", "require", "resolve", "version_records"]

_COLUMNS = dataset_versions.c
_SOME = 100


class Reader(Protocol):
    """A connection or a change under way: anything that runs a statement."""

    def execute(self, statement: Executable, /) -> Any:
        """Run a statement."""


def resolve(reader: Reader, text: str) -> DatasetVersion:
    """Find the version that a reference names.

    Parameters
    ----------
    reader : Connection or Change
        Where to look.
    text : str
        `name` (the newest active version), `name@3`, `name@latest`, `name@golden` or `name@b3:ab12cd34`.

    Raises
    ------
    NotFound
        No such dataset or version, or it is deleted.
    InvalidValue
        The digits fit several contents.
    """
    return version_records(reader, [find_row(reader, text)])[0]


def find_row(reader: Reader, text: str, *, deleted: bool = False) -> Row[Any]:
    """Give the row of the version that a reference names; a deleted one only when asked for."""
    ref = Ref.parse(text, "dataset")
    thing = find_thing(reader, ref.name, deleted=deleted)
    if isinstance(ref.selector, DigestPrefix):
        return _by_digest(reader, thing, ref, ref.selector)
    number = _number(reader, thing, ref)
    this = (_COLUMNS.name == ref.name) & (_COLUMNS.version == number)
    row: Row[Any] | None = reader.execute(select(dataset_versions).where(this)).one_or_none()
    if row is None:
        last = thing.latest or thing.highest
        raise NotFound(f"no version {number} of dataset {ref.name!r}", hint=f"Its latest is {ref.name}@{last}")
    if row.removed_at is not None and not deleted:
        raise NotFound(
            f"{ref.name}@{number} was removed by gc",
            hint=f"Fetch it from a remote that has it: mlops pull {ref.name}@{number}; or restore a backup",
        )
    if row.state == "deleted" and not deleted:
        there = f"{ref.name}@{number}"
        raise NotFound(f"{there} is deleted", hint=f"Bring it back: mlops datasets restore {there}")
    return row


def find_thing(reader: Reader, name: str, *, deleted: bool = False) -> Row[Any]:
    """Give the row of a dataset.

    Raises
    ------
    NotFound
        No dataset goes by that name, and the nearest is suggested; or it is deleted.
    """
    row: Row[Any] | None = reader.execute(select(datasets).where(datasets.c.name == name)).one_or_none()
    if row is None:
        known = list(reader.execute(select(datasets.c.name).where(datasets.c.state != "deleted")).scalars())
        raise NotFound.of("dataset", name, known)
    if row.state == "deleted" and not deleted:
        raise NotFound(f"the dataset {name!r} is deleted", hint=f"Bring it back: mlops datasets restore {name}")
    return row


def require(reader: Reader, name: str) -> None:
    """Refuse a name that no dataset has, and tell the nearest."""
    find_thing(reader, name)


def version_records(reader: Reader, rows: Sequence[Row[Any]]) -> tuple[DatasetVersion, ...]:
    """Make the records of versions, with their tags and the aliases that point at them."""
    keys = [(row.name, row.version) for row in rows]
    tags: dict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    pointing: dict[tuple[str, int], list[str]] = defaultdict(list)
    for name, version, key, value in sorted(_beside(reader, dataset_tags, keys)):
        tags[name, version][key] = value
    for name, alias, version in sorted(_beside(reader, dataset_aliases, keys)):
        pointing[name, version].append(alias)
    return tuple(_version(row, tags[key], pointing[key]) for key, row in zip(keys, rows, strict=True))


def _beside(reader: Reader, table: Any, keys: Sequence[tuple[str, int]]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    wanted: dict[str, list[int]] = defaultdict(list)
    for name, version in keys:
        wanted[name].append(version)
    for some in batches(wanted, _SOME):
        each = [and_(table.c.name == name, table.c.version.in_(wanted[name])) for name in some]
        found += [tuple(row) for row in reader.execute(select(table).where(or_(*each)))]
    return found


def _version(row: Row[Any], tags: dict[str, str], aliases: list[str]) -> DatasetVersion:
    held = dict(row._mapping)
    columns = tuple(Column(**each) for each in held.pop("columns"))
    return DatasetVersion(schema=columns, tags=tags, aliases=tuple(aliases), **held)


def _number(reader: Reader, thing: Row[Any], ref: Ref) -> int:
    if isinstance(ref.selector, Number):
        return ref.selector.number
    if isinstance(ref.selector, Latest):
        if not thing.latest:
            raise NotFound(
                f"dataset {thing.name!r} has no active version",
                hint=f"Bring one back: mlops datasets restore {thing.name}@{thing.highest}",
            )
        return int(thing.latest)
    label = ref.selector.label if isinstance(ref.selector, Label) else ""
    query = select(dataset_aliases.c.alias, dataset_aliases.c.version).where(dataset_aliases.c.name == thing.name)
    known = {row.alias: row.version for row in reader.execute(query)}
    if label not in known:
        hint = did_you_mean(label, known) or f"Write {thing.name}@3, {thing.name}@latest or a digest"
        raise NotFound(f"dataset {thing.name!r} has no alias {label!r}", hint=hint)
    return int(known[label])


def _by_digest(reader: Reader, thing: Row[Any], ref: Ref, prefix: DigestPrefix) -> Row[Any]:
    """Take the newest version with that content; digits that fit several contents are an error."""
    standing = (_COLUMNS.name == ref.name) & (_COLUMNS.state != "deleted")
    matching = _COLUMNS.digest.startswith(str(prefix), autoescape=True)
    query = select(dataset_versions).where(standing, matching).order_by(_COLUMNS.version.desc())
    rows = reader.execute(query).all()
    if len({row.digest for row in rows}) > 1:
        candidates = ", ".join(f"{row.name}@{row.version} ({row.digest[:19]}…)" for row in rows[:8])
        raise InvalidValue(f"{ref} fits several versions: {candidates}", hint="Write more digits, or the number")
    if not rows:
        last = f"{ref.name}@{thing.latest or thing.highest}"
        raise NotFound(f"no version of dataset {ref.name!r} has the digest {prefix}…", hint=f"Its latest is {last}")
    found: Row[Any] = rows[0]
    return found
