"""Blobs over HTTP: put streamed, got as a download that no browser interprets."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from tornado import web

from mlops_ext.errors import InvalidValue, MlopsError, NotFound
from mlops_ext.server.handlers import BaseHandler, TooLarge, below

__all__ = ["BlobHandler"]

_CHUNK = 1 << 20


@web.stream_request_body
class BlobHandler(BaseHandler):
    """PUT /blobs and GET /blobs/{digest}."""

    auth_resource = "blobs"

    def initialize(self, *args: Any, **kwargs: Any) -> None:
        """Let bodies pass that are larger than the server's own limit, up to ours."""
        super().initialize(*args, **kwargs)
        self._file: Path | None = None
        self._size = 0
        self._refusal: MlopsError | None = None
        self._buffer = bytearray()
        connection: Any = self.request.connection
        connection.set_max_body_size(max(self.host.max_blob, self.host.max_body))

    async def prepare(self) -> None:  # type: ignore[override]
        """Ask for permission before the first byte is kept."""
        await super().prepare()
        if self.request.method != "PUT" or self.current_user is None or below(self) != "blobs":
            return
        try:
            await self.authorize("write", "blobs")
        except MlopsError as error:
            self._refusal = error
            return
        self._file = await self.host.run(_temporary)

    async def data_received(self, chunk: bytes) -> None:
        """Keep a part of the body."""
        self._size += len(chunk)
        if self._file is None or self._size > self.host.max_blob:
            return
        self._buffer += chunk
        if len(self._buffer) >= _CHUNK:
            await self._flush()

    def allowed(self) -> tuple[str, ...]:
        """Give the methods of this path."""
        path = below(self)
        if path == "blobs":
            return ("PUT",)
        return ("GET", "HEAD") if path.count("/") == 1 and path[-1] != "/" else ()

    async def operate(self) -> None:
        """Store, or send."""
        if not self.allowed():
            await super().operate()
        if self.request.method not in self.allowed():
            raise self.refuse_method()
        await (self._put() if self.request.method == "PUT" else self._get())

    def on_finish(self) -> None:
        """Take the temporary file away; the store has its own copy."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)
        super().on_finish()

    async def _put(self) -> None:
        if self._refusal is not None:
            raise self._refusal
        if self._size > self.host.max_blob:
            raise TooLarge(
                f"a blob of {self._size} bytes", hint=f"At most {self.host.max_blob}: MlopsExtension.max_blob"
            )
        await self._flush()
        digest = await self.host.run(lambda: self.workspace().put_blob(self._file or b""))
        await self.finish({"digest": digest})

    async def _flush(self) -> None:
        data, self._buffer = bytes(self._buffer), bytearray()
        if self._file is not None and data:
            await self.host.run(_append, self._file, data)

    async def _get(self) -> None:
        await self.authorize("read", "blobs")
        path, size, chunk = await self.host.run(self._opened)
        self.set_header("Content-Disposition", "attachment")
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Length", size)
        if self.request.method == "GET":
            self.write(chunk)
            if size > len(chunk):
                await self._send_rest(path, len(chunk))
        await self.finish(set_content_type="application/octet-stream")

    async def _send_rest(self, path: Path, sent: int) -> None:
        with path.open("rb") as file:
            file.seek(sent)
            await self.flush()
            while chunk := await self.host.run(file.read, _CHUNK):
                self.write(chunk)
                await self.flush()

    def _opened(self) -> tuple[Path, int, bytes]:
        """Find the blob and read its beginning, which is all of a small one."""
        path = self._find()
        with path.open("rb") as file:
            return path, path.stat().st_size, file.read(_CHUNK)

    def _find(self) -> Path:
        from pydantic import TypeAdapter, ValidationError

        from mlops_ext.datasets.classes.service import note_download
        from mlops_ext.records import Digest
        from mlops_ext.server.routes import decoded

        digest = decoded(below(self).partition("/")[2])
        try:
            TypeAdapter(Digest).validate_python(digest)
        except ValidationError as error:
            raise InvalidValue(f"not a digest: {digest[:80]!r}", hint="Write b3: and 64 hex digits") from error
        ws = self.workspace()
        if not ws.exists():
            raise NotFound(f"no blob {digest}", hint="The workspace is empty")
        note_download(ws, digest)
        return ws.blob_path(digest)


def _temporary() -> Path:
    descriptor, name = tempfile.mkstemp(prefix="mlops-blob-")
    os.close(descriptor)
    return Path(name)


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
