"""A real server application in the test's own loop, on a workspace of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the server's workspace lies in."""
    place = tmp_path / "project"
    place.mkdir()
    monkeypatch.setenv("MLOPS_WORKSPACE", str(place))
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    return place


@pytest.fixture
def jp_server_config(folder: Path) -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"mlops_ext": True}, "allow_unauthenticated_access": False}}


class Answer:
    """A response with its JSON."""

    def __init__(self, response: Any) -> None:
        self.code: int = response.code
        self.headers = response.headers
        self.body: bytes = response.body or b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Ask = Callable[..., Answer]


@pytest.fixture
def ask(
    http_server_client: Any,
    jp_serverapp: Any,
    jp_auth_header: Any,
    jp_base_url: str,
    jp_asyncio_loop: asyncio.AbstractEventLoop,
) -> Ask:
    """Send a request below `mlops-ext/api/v1` and give the answer, whatever its status.

    The server runs in its fixture's own loop, so the tests are plain functions that turn it.
    """

    def send(method: str, path: str, body: Any = None, **options: Any) -> Answer:
        headers = {**jp_auth_header, **options.pop("headers", {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body)
            headers = {"Content-Type": "application/json", **headers}
        url = jp_base_url + options.pop("root", "mlops-ext/api/v1/") + path
        request = http_server_client.fetch(
            url, method=method, body=body, headers=headers, allow_nonstandard_methods=True, **options
        )
        try:
            return Answer(jp_asyncio_loop.run_until_complete(request))
        except HTTPClientError as error:
            if error.response is None:
                raise
            return Answer(error.response)

    return send
