"""The workspace: settings, catalog, blobs and who acts; what every function works on."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import select

from mlops_ext.errors import Conflict, InvalidValue, StoreReadOnly, StoreUnavailable
from mlops_ext.settings import Settings, default_actor, find_root, git_root, read_settings
from mlops_ext.store.blobs import Source, open_blob_store
from mlops_ext.store.catalog import Actor, Catalog
from mlops_ext.store.database import Database
from mlops_ext.store.filesystem import NETWORK, is_network
from mlops_ext.store.ledger import Ledger
from mlops_ext.store.schema import store_info

if TYPE_CHECKING:
    from mlops_ext.operations import Operation
    from mlops_ext.records import Record, Request

__all__ = ["RELAY", "REPRODUCES", "Actor", "Workspace"]

REPRODUCES = "MLOPS_REPRODUCES"
"""A variable of a process that makes a model version again: JSON with the version, and what its run had made."""

RELAY = "MLOPS_RELAY"
"""A variable of a process that runs elsewhere, without the store: the socket through which it reaches it."""

_OF_A_RUN = ("tracking.", "datasets.commit", "datasets.read")

Req = TypeVar("Req", bound="Request")
Res = TypeVar("Res", bound="Record")

_OPEN: dict[str, Database] = {}
_OPEN_LOCK = threading.Lock()


class Workspace:
    """A folder with its catalog and blobs, seen by one actor.

    Parameters
    ----------
    root : Path
        Folder that holds, or will hold, `.mlops`.
    actor : Actor, optional
        Who acts; the user of this process when left out.
    overrides : mapping, optional
        Settings given as arguments, such as ``{"catalog": "postgresql://…"}``.

    Attributes
    ----------
    served : Path or None
        The root of the server that opened it: its clients name files from there.

    Examples
    --------
    >>> ws = Workspace.find()                                   # doctest: +SKIP
    >>> ws.call(models.service.show, ShowModel(model="delay"))  # doctest: +SKIP
    """

    def __init__(self, root: Path, actor: Actor | None = None, overrides: Mapping[str, str] | None = None) -> None:
        self.root = root.resolve()
        self.served: Path | None = None
        self._overrides = overrides
        self.settings: Settings = read_settings(self.root, overrides)
        self.actor = actor or Actor(self.settings.workspace.actor or default_actor(), "os_user")
        self.database = _database(self.settings.workspace.catalog or f"sqlite:///{self.home / 'catalog.db'}")

    @classmethod
    def find(cls, path: str | Path | None = None, *, actor: Actor | None = None) -> Workspace:
        """Find the workspace: argument, MLOPS_WORKSPACE, nearest parent, else the git root or this folder.

        Raises
        ------
        InvalidValue
            The named folder does not exist.
        """
        if path is None and RELAY in os.environ:
            from mlops_ext.relay import Relayed

            return Relayed.here()
        named = path if path is not None else os.environ.get("MLOPS_WORKSPACE")
        if named:
            folder = Path(named).expanduser()
            if not folder.is_dir():
                raise InvalidValue(f"no folder {str(named)!r}", hint="Make it, or run: mlops init FOLDER")
            return cls(folder.parent if folder.name == ".mlops" else folder, actor)
        here = Path.cwd()
        return cls(find_root(here) or git_root(here) or here, actor)

    @property
    def home(self) -> Path:
        """The folder `.mlops`."""
        return self.root / ".mlops"

    @cached_property
    def catalog(self) -> Catalog:
        """The records and the trail."""
        return Catalog(self.database, self.actor, self.ensure)

    @cached_property
    def ledger(self) -> Ledger:
        """The blobs."""
        self.ensure()
        store = open_blob_store(self.settings.workspace.blobs or str(self.home / "blobs"))
        return Ledger(self.catalog, store, self.algorithm, self.home / "cache")

    @property
    def algorithm(self) -> str:
        """The hash of this workspace: b3 or sha256."""
        if not self.exists():
            return self.settings.workspace.hash
        with self.catalog.read() as connection:
            return str(connection.execute(select(store_info.c.hash)).scalar_one())

    @property
    def id(self) -> str:
        """The id of the store; empty before the first write."""
        with self.catalog.read() as connection:
            return str(connection.execute(select(store_info.c.workspace)).scalar_one_or_none() or "")

    def exists(self) -> bool:
        """Tell whether the store has been made."""
        return self.database.exists()

    def ensure(self) -> None:
        """Make the store if there is none, and say so in one line."""
        if self.database.exists():
            return
        from mlops_ext.store.lifecycle import create

        self._make_home()
        if create(self.database, self.settings.workspace.hash):
            where = f" ({NETWORK})" if self.database.path is not None and is_network(self.database.path) else ""
            sys.stderr.write(f"mlops: made a workspace in {self.root}{where}\n")

    def call(self, operation: Operation[Req, Res], request: Req) -> Res:
        """Do one operation here.

        Raises
        ------
        Conflict
            This process makes a version again, and the operation changes more than its run.
        """
        self._refuse_changes(operation)
        return operation(self, request)

    def _refuse_changes(self, operation: Operation[Req, Res]) -> None:
        if operation.writes and REPRODUCES in os.environ and not operation.name.startswith(_OF_A_RUN):
            raise Conflict(
                f"{operation.name} is not done in a reproduction, which changes nothing but its own run",
                hint="Do it outside of the notebook",
            )

    def acting_as(self, actor: Actor) -> Workspace:
        """Give the same workspace as another actor sees it."""
        same = Workspace(self.root, actor, self._overrides)
        same.served = self.served
        return same

    @property
    def scratch(self) -> Path | None:
        """Where files that will be given to the store are best made, when that makes a difference."""
        return self.ledger.store.scratch

    def put_blob(self, data: Source, *, given: bool = False) -> str:
        """Store bytes, or a file's bytes, durably and give their digest; a given file nobody changes any more."""
        return self.put_blobs([data], given=given)[0]

    def put_blobs(self, sources: Sequence[Source], *, given: bool = False) -> list[str]:
        """Store several in one transaction and give their digests in order."""
        return self.ledger.put_all(sources, given=given) if sources else []

    def get_blob(self, digest: str) -> bytes:
        """Read a blob and check it against its digest."""
        self._require()
        return self.ledger.get(digest)

    def blob_path(self, digest: str) -> Path:
        """Give a local, checked file of a blob; treat it as read-only."""
        self._require()
        return self.ledger.path(digest)

    def _require(self) -> None:
        if not self.exists():
            raise StoreUnavailable(f"no workspace in {self.root} yet", hint="Run: mlops init")

    def _make_home(self) -> None:
        try:
            self.home.mkdir(mode=0o700, exist_ok=True)
            (self.home / ".gitignore").write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise StoreReadOnly(
                f"cannot make {self.home}: {error.strerror}", hint="Make the folder writable, or set MLOPS_WORKSPACE"
            ) from error


def _database(url: str) -> Database:
    """Give the one database of a URL in this process, so that connections are shared."""
    if url.startswith(("postgresql://", "postgres://")):
        url = "postgresql+psycopg://" + url.partition("://")[2]
    with _OPEN_LOCK:
        if url not in _OPEN:
            _OPEN[url] = Database(url)
        return _OPEN[url]
