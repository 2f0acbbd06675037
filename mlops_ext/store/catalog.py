"""The catalog: every change is one transaction with exactly one event, or no change at all."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, bindparam, insert, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Delete, Insert, Update

from mlops_ext.errors import Conflict, StoreBusy, StoreUnavailable
from mlops_ext.records import now
from mlops_ext.store import trail
from mlops_ext.store.database import Database, is_retryable
from mlops_ext.store.prepared import Prepared, among
from mlops_ext.store.schema import blob_owners, blobs

__all__ = ["Actor", "Catalog", "Change", "MissingBlob"]

T = TypeVar("T")
TRIES = 12

# Built once: building a statement costs several times what running it does.
_HELD = Prepared(select(blobs.c.digest).where(among([blobs.c.digest], "digests")))
_OWNED = Prepared(select(blob_owners.c.digest).where(blob_owners.c.owner == bindparam("of_owner")))
_OWN = Prepared(insert(blob_owners))


@dataclass(frozen=True)
class Actor:
    """Who acts, and how that is known."""

    name: str
    auth: str = "os_user"


class MissingBlob(Conflict):
    """A blob was named that is not here, or that gc has taken meanwhile; putting it again mends it."""

    code = "missing_blob"


class Change:
    """One transaction under way: run statements, name blobs, and say once what happened.

    Attributes
    ----------
    actor : str
        Who does it.
    now : datetime
        The moment of the change, UTC.
    """

    def __init__(self, connection: Connection, actor: Actor, algorithm: str) -> None:
        self._connection = connection
        self._actor = actor
        self._algorithm = algorithm
        self._event: trail.Draft | None = None
        self._changed = 0
        self.now: datetime = now()

    @property
    def actor(self) -> str:
        """The name of who does it."""
        return self._actor.name

    @property
    def algorithm(self) -> str:
        """The hash of this store."""
        return self._algorithm

    @property
    def auth(self) -> str:
        """How it is known who does it."""
        return self._actor.auth

    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Run one statement; with a list of parameters, once for each."""
        result: Any = self._connection.execute(statement, parameters)
        if isinstance(statement, Insert | Update | Delete) or (isinstance(statement, Prepared) and statement.changes):
            self._changed += max(result.rowcount, 0) if result.rowcount != -1 else 1
        return result  # type: ignore[no-any-return]

    def event(self, action: str, subject: str, data: Mapping[str, Any] | None = None) -> None:
        """Say what happened; once a transaction.

        Parameters
        ----------
        action : str
            In the past tense, such as `model.promoted`.
        subject : str
            Full reference of what changed.
        data : mapping
            JSON; `inputs` and `outputs` hold the full references that lineage is drawn from.
        """
        if self._event is not None:
            raise RuntimeError(f"a second event {action!r} in one transaction")
        self._event = trail.Draft(self.now, self._actor.name, self._actor.auth, action, subject, dict(data or {}))

    def name_blobs(self, owner: str, digests: Iterable[str]) -> None:
        """Let a record own blobs, so that gc keeps them.

        Raises
        ------
        MissingBlob
            One of them is not, or no longer, in the store.
        """
        wanted = sorted(set(digests))
        if not wanted:
            return
        held = set(self.execute(_HELD, {"digests": [[digest] for digest in wanted]}).scalars())
        for digest in wanted:
            if digest not in held:
                raise MissingBlob(f"blob {digest} is not in the store", hint="Put it again, then repeat the call")
        known = set(self.execute(_OWNED, {"of_owner": owner}).scalars())
        rows = [{"digest": digest, "owner": owner} for digest in wanted if digest not in known]
        if rows:
            self.execute(_OWN, rows)

    def close(self) -> None:
        """Append the event; refuse changed rows that have none."""
        if self._event is not None:
            trail.append(self._connection, self._event, self._algorithm)
        elif self._changed:
            raise RuntimeError("a change of a record without an event")


class Catalog:
    """A database seen by one actor.

    Examples
    --------
    >>> ws.catalog.write(lambda change: change.event("note.written", "workspace"))  # doctest: +SKIP
    """

    def __init__(self, database: Database, actor: Actor, ensure: Callable[[], None]) -> None:
        self.database = database
        self.actor = actor
        self._ensure = ensure

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a consistent snapshot; a workspace that does not exist yet reads as empty."""
        with self.database.reading() as connection:
            yield connection

    def write(self, change: Callable[[Change], T]) -> T:
        """Run a change as one transaction with its event.

        Parameters
        ----------
        change : callable
            Takes the `Change`, gives the result. It may run more than once, so it does nothing outside.

        Raises
        ------
        StoreBusy, StoreReadOnly, StoreTooNew, StoreTooOld
        """
        return self._transact(change, event=True, serial=True)

    def measure(self, change: Callable[[Change], T], *, serial: bool = False) -> T:
        """Run a change of measurements (metric points, heartbeats, leases), which appends no event.

        Parameters
        ----------
        change : callable
            As for `write`.
        serial : bool
            Let it pass one by one with the changes of records; on SQLite every change does.
        """
        return self._transact(change, event=False, serial=serial)

    def _transact(self, change: Callable[[Change], T], *, event: bool, serial: bool) -> T:
        self._ensure()
        for attempt in range(TRIES):
            try:
                return self._once(change, event=event, serial=serial)
            except DBAPIError as error:
                if not is_retryable(error):
                    raise
                time.sleep(random.uniform(0, 0.01 * 2 ** min(attempt, 6)))  # noqa: S311
        raise StoreBusy(f"{self.database} stays too busy", hint="Try again in a moment")

    def _once(self, change: Callable[[Change], T], *, event: bool, serial: bool) -> T:
        committing = False
        try:
            with self.database.writing(serial=serial) as (connection, algorithm):
                under_way = Change(connection, self.actor, algorithm)
                result = change(under_way)
                if event:
                    under_way.close()
                committing = True
        except DBAPIError as error:
            if committing and error.connection_invalidated:
                # The server may have committed; doing it again could do it twice.
                raise StoreUnavailable(
                    f"the connection to {self.database} broke during the commit",
                    hint="Whether the change stands is in: mlops audit log",
                ) from error
            raise
        return result
