"""The ledger of blobs: which digest lies where, who names it, and what gc may take.

A blob that is there already is leased for a while (an intent), so that gc leaves it until the
record that names it is written. gc first strikes the blob from the ledger, in one transaction that
sees owners and intents, and deletes its location afterwards; nobody can find it there any more, and
no location is ever used twice.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sqlalchemy import delete, insert, select, update

from mlops_ext.errors import DamagedBlob, NotFound, TimedOut
from mlops_ext.records import now
from mlops_ext.store.blobs import BlobStore, Source, digest_and_size
from mlops_ext.store.catalog import Catalog, Change
from mlops_ext.store.filesystem import writing_to
from mlops_ext.store.hashing import algorithm_of, new_hash
from mlops_ext.store.schema import blob_intents, blob_owners, blobs, doomed_blobs
from mlops_ext.store.search import batches, present

__all__ = ["GRACE", "Ledger"]

LEASE = timedelta(hours=24)
GRACE = timedelta(hours=24)
_CHUNK = 1 << 20


class Ledger:
    """Blobs by digest, over a blob store and the catalog."""

    def __init__(self, catalog: Catalog, store: BlobStore, algorithm: str, cache: Path) -> None:
        self.catalog = catalog
        self.store = store
        self.algorithm = algorithm
        self._cache = cache

    def put_all(self, sources: Sequence[Source], *, given: bool = False) -> list[str]:
        """Store each source once, durably, and lease it until a record names it; give the digests in order.

        Of files that are given, which nobody changes any more, the store may keep the very bytes instead of a copy.
        """
        hashed = [digest_and_size(source, self.algorithm) for source in sources]
        while True:
            started = time.monotonic()
            held = self._held({digest for digest, _ in hashed})
            written: dict[str, tuple[str, int]] = {}
            for source, (digest, size) in zip(sources, hashed, strict=True):
                if digest not in held and digest not in written:
                    written[digest] = (self.store.put(source, digest, given=given), size)
            if time.monotonic() - started > GRACE.total_seconds() / 2:
                raise TimedOut("storing the blobs took too long: gc may have taken the first", hint="Put fewer at once")
            if self._lease(held | set(written), written):
                return [digest for digest, _ in hashed]

    def get(self, digest: str) -> bytes:
        """Read a blob whole and check it.

        Raises
        ------
        NotFound, DamagedBlob
        """
        with self.store.open(self.location(digest)) as file:
            data = file.read()
        if digest_and_size(data, algorithm_of(digest))[0] != digest:
            raise DamagedBlob(
                f"blob {digest} has other bytes than its digest says",
                hint="Repair it: mlops fsck --repair, or restore a backup",
            )
        return data

    def path(self, digest: str) -> Path:
        """Give a checked local file of a blob, fetched into a cache when the store is remote."""
        location = self.location(digest)
        local = self.store.local_path(location)
        if local is not None:
            if not local.exists():
                self.store.open(location).close()
            _check_file(local, digest)
            return local
        cached = self._cache / digest.replace(":", "-")
        if not cached.exists():
            self._fetch(location, cached)
        _check_file(cached, digest)
        return cached

    def location(self, digest: str) -> str:
        """Tell where a blob lies."""
        with self.catalog.read() as connection:
            found = connection.execute(select(blobs.c.location).where(blobs.c.digest == digest)).scalar_one_or_none()
        if found is None:
            raise NotFound(f"no blob {digest}", hint="Check the digest; gc takes what no record names")
        return str(found)

    def doom(self) -> int:
        """Strike every blob that no record names and no lease holds; give how many."""

        def strike(change: Change) -> int:
            leased = select(blob_intents.c.digest).where(blob_intents.c.until > change.now)
            owned = select(blob_owners.c.digest)
            free = select(blobs).where(blobs.c.digest.not_in(leased), blobs.c.digest.not_in(owned))
            rows = change.execute(free).all()
            if not rows:
                return 0
            change.execute(insert(doomed_blobs), [{"location": row.location, "doomed_at": change.now} for row in rows])
            for row in rows:
                change.execute(delete(blob_intents).where(blob_intents.c.digest == row.digest))
                change.execute(delete(blobs).where(blobs.c.digest == row.digest))
            change.event("blobs.collected", "workspace", {"count": len(rows), "bytes": sum(row.size for row in rows)})
            return len(rows)

        return self.catalog.write(strike)

    def sweep(self, grace: timedelta = GRACE) -> int:
        """Delete doomed locations, and unknown ones a grace after they were written; give how many."""
        before = now() - grace
        with self.catalog.read() as connection:
            doomed = set(connection.execute(select(doomed_blobs.c.location)).scalars())
            known = set(connection.execute(select(blobs.c.location)).scalars())
        strays = {place for place, written in self._written() if written < before and place not in known | doomed}
        for location in sorted(doomed | strays):
            self.store.delete(location)
        if doomed:
            self.catalog.measure(lambda change: _forget(change, doomed))
        return len(doomed | strays)

    def _written(self) -> Iterator[tuple[str, datetime]]:
        for location, moment in self.store.locations():
            yield location, datetime.fromtimestamp(moment, timezone.utc)

    def _held(self, digests: set[str]) -> set[str]:
        with self.catalog.read() as connection:
            return present(connection.execute, blobs.c.digest, digests)

    def _lease(self, expected: set[str], written: dict[str, tuple[str, int]]) -> bool:
        """Enter what was written and lease all; false when gc struck one meanwhile, which must be put again."""

        def enter(change: Change) -> bool:
            held = present(change.execute, blobs.c.digest, expected)
            new = [digest for digest in written if digest not in held]
            spare = [written[digest][0] for digest in written if digest in held]
            if new:
                rows = [{"digest": each, "location": written[each][0], "size": written[each][1]} for each in new]
                change.execute(insert(blobs), [{**row, "created_at": change.now} for row in rows])
            if spare:
                change.execute(insert(doomed_blobs), [{"location": each, "doomed_at": change.now} for each in spare])
            here = expected & (held | set(new))
            _renew(change, here)
            return here == expected

        return self.catalog.measure(enter, serial=True)

    def _fetch(self, location: str, target: Path) -> None:
        with writing_to(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".tmp")
            try:
                with os.fdopen(descriptor, "wb") as file, self.store.open(location) as source:
                    while chunk := source.read(_CHUNK):
                        file.write(chunk)
                Path(name).replace(target)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise


def _renew(change: Change, digests: set[str]) -> None:
    until = change.now + LEASE
    known = present(change.execute, blob_intents.c.digest, digests)
    for batch in batches(known):
        change.execute(update(blob_intents).where(blob_intents.c.digest.in_(batch)).values(until=until))
    new = sorted(digests - known)
    if new:
        change.execute(insert(blob_intents), [{"digest": digest, "until": until} for digest in new])


def _forget(change: Change, locations: set[str]) -> None:
    for batch in batches(locations):
        change.execute(delete(doomed_blobs).where(doomed_blobs.c.location.in_(batch)))


def _check_file(path: Path, digest: str) -> None:
    hasher = new_hash(algorithm_of(digest))
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    if f"{algorithm_of(digest)}:{hasher.hexdigest()}" != digest:
        raise DamagedBlob(
            f"blob {digest} has other bytes than its digest says",
            hint="Repair it: mlops fsck --repair, or restore a backup",
        )
