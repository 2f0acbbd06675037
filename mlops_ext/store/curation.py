"""What may change of a thing that comes in versions: tags, description, state, aliases; alike for models and datasets.

Version 0 is the thing itself. Each function runs inside the caller's transaction and appends its one event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select, update

from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.store.catalog import Change
from mlops_ext.store.prepared import Prepared

__all__ = [
    "WHOLE", "Line", "Listed", "State", "Subject", "check_key", "check_number_of_tags", "check_tags", "check_text",
    "check_value", "describe", "drop_tag", "point", "put_state", "put_tags", "tags_of", "unpoint",
]  # fmt: skip

WHOLE = 0
"""The version that stands for the thing itself."""

State = Literal["active", "archived", "deleted"]
Listed = Literal["active", "archived", "deleted", "any"]
MAX_KEY = 250
MAX_VALUE = 64_000
MAX_TEXT = 65_536
MAX_TAGS = 1000
_DONE: dict[State, str] = {"archived": "archived", "deleted": "deleted", "active": "restored"}

Reader = Connection | Change


@dataclass(frozen=True, eq=False)
class Line:
    """A kind of thing that comes in versions, and its tables.

    Attributes
    ----------
    kind : str
        As references write it: `model`, `dataset`.
    key : str
        The column of `things` that the other tables point at.
    of : str
        The column of the other tables that does.
    follow : callable, optional
        Called with the change, the thing's key, the version (0 for the thing itself) and what was done to it; changes
        what rests on it, and says for the event what that was.
    """

    kind: str
    things: Table
    versions: Table
    tags: Table
    aliases: Table
    key: str
    of: str
    follow: Callable[[Change, str, int, str], dict[str, Any]] | None = None


@dataclass(frozen=True)
class Subject:
    """A thing, or one of its versions.

    Attributes
    ----------
    key : str
        The thing's own, which outlives its name where that may change.
    version : int
        0 for the thing itself.
    row : Row
        Of `things`, or of `versions`.
    """

    line: Line
    key: str
    name: str
    version: int
    row: Row[Any]

    @property
    def ref(self) -> str:
        """`name` or `name@version`."""
        return self.name if self.version == WHOLE else f"{self.name}@{self.version}"

    @property
    def full(self) -> str:
        """`kind:name` or `kind:name@version`."""
        return f"{self.line.kind}:{self.ref}"

    def change(self, change: Change, **values: Any) -> None:
        """Give columns of its row new values; the thing counts as changed."""
        things, versions = self.line.things, self.line.versions
        if values and self.version == WHOLE:
            change.execute(update(things).where(things.c[self.line.key] == self.key).values(**values))
        elif values:
            this = (versions.c[self.line.of] == self.key) & (versions.c.version == self.version)
            change.execute(update(versions).where(this).values(**values))
        touch(change, self.line, self.key)

    def tell(self, change: Change, done: str, data: dict[str, Any]) -> None:
        """Let what rests on it follow, and append the event of what was done to it."""
        follow = self.line.follow
        followed = {} if follow is None else follow(change, self.key, self.version, f"{self.ref} was {done}")
        change.event(f"{self.line.kind}.{done}", self.full, data | followed)


def touch(change: Change, line: Line, key: str) -> None:
    """Note that a thing changed now."""
    change.execute(_touch(line), {"of_thing": key, "now": change.now})


def check_key(kind: str, key: str) -> None:
    """Refuse a key that cannot be kept or read."""
    if not key.strip() or len(key) > MAX_KEY:
        raise InvalidValue(f"a {kind} cannot be named {key[:40]!r}", hint=f"Give it 1 to {MAX_KEY} characters")
    if not key.isprintable():
        raise InvalidValue(f"the {kind} {key!r} has control characters", hint="Leave them out")


def check_value(what: str, value: str) -> None:
    """Refuse a value that cannot be kept beside a key."""
    if len(value) > MAX_VALUE:
        raise InvalidValue(
            f"{what} has {len(value):,} characters", hint=f"At most {MAX_VALUE:,} fit; keep it as an artifact"
        )
    if "\0" in value:
        raise InvalidValue(f"{what} has a NUL character", hint="Leave it out, or keep the value as an artifact")


def check_text(what: str, text: str) -> str:
    """Refuse a text that is too long or that no database stores."""
    if len(text) > MAX_TEXT or "\0" in text:
        raise InvalidValue(f"the {what} is too long or has a NUL", hint=f"At most {MAX_TEXT} characters fit")
    return text


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that a row cannot hold."""
    for key, value in tags.items():
        check_key("tag", key)
        check_value(f"tag {key!r}", value)


def check_number_of_tags(tags: Mapping[str, str]) -> None:
    """Refuse more tags than one thing may have."""
    if len(tags) > MAX_TAGS:
        raise InvalidValue(f"{len(tags)} tags on one thing", hint=f"At most {MAX_TAGS} fit; keep more as an artifact")


def tags_of(reader: Reader, subject: Subject) -> dict[str, str]:
    """Read the tags of one thing or version, by their names."""
    where = {"of_thing": subject.key, "of_version": subject.version}
    return dict(sorted((row.key, row.value) for row in reader.execute(_read_tags(subject.line), where)))


def put_tags(change: Change, subject: Subject, tags: Mapping[str, str]) -> dict[str, str]:
    """Give tags their values, the others stay; give all."""
    check_tags(tags)
    held = tags_of(change, subject)
    former = {name: held.get(name) for name, value in tags.items() if held.get(name) != value}
    after = {**held, **tags}
    check_number_of_tags(after)
    if former:
        line, where = subject.line, {subject.line.of: subject.key, "version": subject.version}
        for name in former:
            _delete_tag(change, subject, name)
        change.execute(_insert_tags(line), [{**where, "key": name, "value": tags[name]} for name in former])
        subject.change(change)
        data = {"tags": {name: tags[name] for name in former}, "former": former}
        subject.tell(change, "tagged", data)
    return dict(sorted(after.items()))


def drop_tag(change: Change, subject: Subject, name: str) -> dict[str, str]:
    """Take a tag away; give those that are left."""
    held = tags_of(change, subject)
    if name not in held:
        raise NotFound.of(f"tag of {subject.ref}", name, held)
    _delete_tag(change, subject, name)
    subject.change(change)
    former = {name: held.pop(name)}
    subject.tell(change, "untagged", {"former": former})
    return held


def describe(change: Change, subject: Subject, text: str) -> None:
    """Write what it is, in Markdown."""
    if subject.row.description == text:
        return
    subject.change(change, description=text)
    data = {"description": text, "former": subject.row.description}
    subject.tell(change, "described", data)


def put_state(
    change: Change, subject: Subject, state: State, comment: str, refuse_used: Callable[[Subject], None]
) -> State:
    """Archive, delete or restore it; give the state before. `latest` follows: it is the newest active version.

    Parameters
    ----------
    refuse_used : callable
        Raises Conflict when something still stands on it; asked only when it is put away.
    """
    previous: State = subject.row.state
    if previous == state:
        return previous
    if state != "active":
        refuse_used(subject)
    subject.change(change, state=state)
    if subject.version != WHOLE:
        _move_latest(change, subject)
    data = {"state": state, "former": previous, "comment": comment}
    subject.tell(change, _DONE[state], data)
    return previous


def point(change: Change, subject: Subject, label: str) -> int | None:
    """Point an alias at a version, moving it when it points elsewhere; give where it pointed."""
    if subject.row.state != "active":
        command = f"mlops {subject.line.kind}s restore {subject.ref}"
        raise Conflict(f"{subject.ref} is {subject.row.state}", hint=f"Bring it back first: {command}")
    of = subject.line.of
    where, moving = {"of_thing": subject.key, "label": label}, _moving(subject.line)
    previous: int | None = change.execute(moving.read, where).scalar_one_or_none()
    if previous == subject.version:
        return previous
    if previous is None:
        change.execute(moving.set, {of: subject.key, "alias": label, "version": subject.version})
    else:
        change.execute(moving.move, {**where, "to": subject.version})
    touch(change, subject.line, subject.key)
    change.event("alias.set", subject.full, {"alias": label, "from": previous, "to": subject.version})
    return previous


def unpoint(change: Change, thing: Subject, label: str) -> int:
    """Take an alias of a thing away; give where it pointed."""
    aliases, of = thing.line.aliases, thing.line.of
    query = select(aliases.c.alias, aliases.c.version).where(aliases.c[of] == thing.key)
    known = {row.alias: row.version for row in change.execute(query)}
    if label not in known:
        raise NotFound.of(f"alias of {thing.line.kind} {thing.name!r}", label, known)
    change.execute(delete(aliases).where(aliases.c[of] == thing.key, aliases.c.alias == label))
    touch(change, thing.line, thing.key)
    previous = int(known[label])
    subject = f"{thing.line.kind}:{thing.name}@{previous}"
    change.event("alias.deleted", subject, {"alias": label, "from": previous, "to": None})
    return previous


def _delete_tag(change: Change, subject: Subject, name: str) -> None:
    where = {"of_thing": subject.key, "of_version": subject.version, "of_key": name}
    change.execute(_drop_tag(subject.line), where)


def _move_latest(change: Change, subject: Subject) -> None:
    line, versions = subject.line, subject.line.versions.c
    active = (versions[line.of] == subject.key) & (versions.state == "active")
    newest = select(versions.version).where(active).order_by(versions.version.desc()).limit(1)
    latest = change.execute(newest).scalar_one_or_none() or 0
    change.execute(update(line.things).where(line.things.c[line.key] == subject.key).values(latest=latest))


# Built once for each line: building a statement costs several times what running it does.
@lru_cache
def _read_tags(line: Line) -> Prepared:
    tags = line.tags.c
    here = (tags[line.of] == bindparam("of_thing")) & (tags.version == bindparam("of_version"))
    return Prepared(select(tags.key, tags.value).where(here))


@lru_cache
def _insert_tags(line: Line) -> Prepared:
    return Prepared(insert(line.tags))


@lru_cache
def _drop_tag(line: Line) -> Prepared:
    tags = line.tags.c
    here = (tags[line.of] == bindparam("of_thing")) & (tags.version == bindparam("of_version"))
    return Prepared(delete(line.tags).where(here, tags.key == bindparam("of_key")))


@lru_cache
def _touch(line: Line) -> Prepared:
    this = line.things.c[line.key] == bindparam("of_thing")
    return Prepared(update(line.things).where(this).values(updated_at=bindparam("now")))


@dataclass(frozen=True)
class _Moving:
    """The statements that read, set and move an alias."""

    read: Prepared
    set: Prepared
    move: Prepared


@lru_cache
def _moving(line: Line) -> _Moving:
    aliases = line.aliases
    this = (aliases.c[line.of] == bindparam("of_thing")) & (aliases.c.alias == bindparam("label"))
    return _Moving(
        read=Prepared(select(aliases.c.version).where(this)),
        set=Prepared(insert(aliases)),
        move=Prepared(update(aliases).where(this).values(version=bindparam("to"))),
    )
