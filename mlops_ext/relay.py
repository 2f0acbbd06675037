"""A workspace at the other end of a socket: what runs elsewhere reads and writes the one store through it.

Each request is a line of JSON and some bytes, and so is its answer; nothing is unpickled.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Client
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mlops_ext.errors import Conflict, MlopsError, StoreUnavailable
from mlops_ext.store.catalog import Actor
from mlops_ext.workspace import RELAY, Workspace

if TYPE_CHECKING:
    from mlops_ext.operations import Operation
    from mlops_ext.records import Record, Request
    from mlops_ext.store.blobs import Source

__all__ = ["Relayed"]

Req = TypeVar("Req", bound="Request")
Res = TypeVar("Res", bound="Record")


class Relayed(Workspace):
    """The part of a workspace that edge code uses, through the socket that a variable names.

    Parameters
    ----------
    root : Path
        A folder here, in which notebooks lie as they do in the workspace.
    address : str
        Path of the socket.
    """

    def __init__(self, root: Path, address: str) -> None:
        super().__init__(root, Actor("relay", "relay"))
        self._address = address

    @classmethod
    def here(cls) -> Relayed:
        """Give the workspace that this process was started for."""
        return cls(Path(os.environ["MLOPS_WORKSPACE"]), os.environ[RELAY])

    def call(self, operation: Operation[Req, Res], request: Req) -> Res:
        """Do one operation over there."""
        self._refuse_changes(operation)
        told, _ = self.ask("call", operation=operation.name, request=request.model_dump_json(by_alias=True))
        return operation.result.model_validate_json(told["result"])

    @property
    def scratch(self) -> Path | None:
        """Nothing: what is put goes over there."""
        return None

    def put_blobs(self, sources: Sequence[Source], *, given: bool = False) -> list[str]:  # noqa: ARG002
        """Store several over there and give their digests in order."""
        return [str(self.ask("put", data=_bytes_of(each))[0]["digest"]) for each in sources]

    def get_blob(self, digest: str) -> bytes:
        """Read a blob from over there."""
        return self.ask("get", digest=digest)[1]

    def blob_path(self, digest: str) -> Path:
        """Give a file here with a blob from over there; treat it as read-only."""
        path = self.home / "relayed" / digest.replace(":", "-")
        if not path.exists():
            from mlops_ext.store.filesystem import write_whole

            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, self.get_blob(digest))
        return path

    @property
    def algorithm(self) -> str:
        """The hash that is used over there."""
        return str(self.ask("algorithm")[0]["algorithm"])

    def exists(self) -> bool:
        """Tell that there is a store: who relays has one."""
        return True

    def ensure(self) -> None:
        """Make nothing here: the store is over there."""
        raise Conflict("the catalog is not within reach of a run elsewhere", hint="Run it where the workspace is")

    def ask(self, do: str, data: bytes = b"", **about: Any) -> tuple[dict[str, Any], bytes]:
        """Send a request and give its answer.

        Raises
        ------
        StoreUnavailable
            Nobody is at the other end any more.
        MlopsError
            What the other end raised.
        """
        try:
            with Client(self._address) as connection:
                connection.send_bytes(json.dumps({"do": do, **about}).encode())
                connection.send_bytes(data)
                told, found = json.loads(connection.recv_bytes()), connection.recv_bytes()
        except (OSError, EOFError) as error:
            raise StoreUnavailable(f"who relays to the workspace is gone: {error}", hint="Run it again") from error
        if "error" in told:
            raise _error(told["error"])
        return told, found


def _error(told: dict[str, str]) -> MlopsError:
    kind = next((each for each in _kinds(MlopsError) if each.code == told["code"]), MlopsError)
    return kind(told["message"], hint=told["hint"])


def _kinds(kind: type[MlopsError]) -> Iterator[type[MlopsError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)


def _bytes_of(source: Source) -> bytes:
    return source.read_bytes() if isinstance(source, Path) else bytes(source)
