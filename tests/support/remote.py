"""A workspace at the other end of HTTP: edge code works on it as on a local one."""

from __future__ import annotations

import json
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlops_ext import errors
from mlops_ext.errors import MlopsError
from mlops_ext.settings import Settings
from mlops_ext.store.catalog import Actor


class RemoteWorkspace:
    """The part of `Workspace` that edge code uses, over the REST API with a token.

    Parameters
    ----------
    url : str
        `{base_url}mlops-ext/api/v1`.
    token : str
        The Jupyter server's.
    root : Path
        A local folder, for what edge code reads from beside the workspace.
    """

    def __init__(self, url: str, token: str, root: Path) -> None:
        self.url = url.rstrip("/")
        self.root = root
        self.settings = Settings()
        self.actor = Actor("anonymous", "jupyter_token")
        self._token = token
        self.scratch = None
        self._folder = Path(tempfile.mkdtemp(prefix="remote-"))

    def call(self, operation: Any, request: Any) -> Any:
        """Do one operation over there."""
        fields = json.loads(request.model_dump_json(by_alias=True))
        path = operation.path
        for name in operation.path_fields:
            path = path.replace(f"{{{name}}}", urllib.parse.quote(str(fields.pop(name)), safe=""))
        if operation.method == "GET":
            given = {name: value for name, value in fields.items() if value is not None}
            texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}
            answer = self._send("GET", f"{path}?{urllib.parse.urlencode(texts, doseq=True)}")
        else:
            answer = self._send(operation.method, path, json.dumps(fields).encode(), "application/json")
        return operation.result.model_validate_json(answer)

    def put_blob(self, data: bytes | Path, *, given: bool = False) -> str:
        """Store a blob over there."""
        body = data.read_bytes() if isinstance(data, Path) else data
        digest: str = json.loads(self._send("PUT", "/blobs", body, "application/octet-stream"))["digest"]
        return digest

    def put_blobs(self, sources: Sequence[bytes | Path], *, given: bool = False) -> list[str]:
        """Store several."""
        return [self.put_blob(each) for each in sources]

    def get_blob(self, digest: str) -> bytes:
        """Read a blob from over there."""
        return self._send("GET", f"/blobs/{urllib.parse.quote(digest, safe='')}")

    def blob_path(self, digest: str) -> Path:
        """Give a local copy of a blob."""
        path = self._folder / digest.replace(":", "-")
        if not path.exists():
            path.write_bytes(self.get_blob(digest))
        return path

    @property
    def algorithm(self) -> str:
        """The hash that is used over there."""
        status = json.loads(self._send("GET", "/workspace"))
        return str(status["hash"])

    def _send(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        headers = {"Authorization": f"token {self._token}"} | ({"Content-Type": kind} if kind else {})
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as failure:
            raise _error(json.loads(failure.read())) from failure
        except urllib.error.URLError as failure:
            raise errors.StoreUnavailable(f"cannot reach {self.url}: {failure.reason}", hint="Is it up?") from failure


def _error(body: dict[str, str]) -> MlopsError:
    kinds = [getattr(errors, name) for name in errors.__all__ if name != "did_you_mean"]
    kind = next((each for each in kinds if each.code == body["code"]), MlopsError)
    made: MlopsError = kind(body["message"], hint=body["hint"])
    return made
