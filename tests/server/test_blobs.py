"""Blobs over HTTP."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from blake3 import blake3

from tests.server.conftest import Ask
from tests.server.test_handlers import is_error


@pytest.mark.parametrize("size", [0, 1, 3 * 2**20 + 7])
def test_bytes_come_back_as_a_download_that_is_not_interpreted(ask: Ask, size: int) -> None:
    data = os.urandom(size)
    put = ask("PUT", "blobs", data)
    assert put.code == 200, put.body
    assert put.json == {"digest": f"b3:{blake3(data).hexdigest()}"}
    for path in (put.json["digest"], quote(put.json["digest"], safe="")):
        got = ask("GET", f"blobs/{path}")
        assert (got.code, got.body) == (200, data)
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"] == "attachment"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in got.headers["Content-Security-Policy"]
    head = ask("HEAD", f"blobs/{put.json['digest']}")
    assert (head.code, head.body, head.headers["Content-Length"]) == (200, b"", str(size))


def test_a_blob_beyond_the_limit_is_refused_and_leaves_nothing(
    ask: Ask, jp_serverapp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spool))
    jp_serverapp.web_app.settings["mlops_ext_host"].max_blob = 2_000_000
    assert is_error(ask("PUT", "blobs", b"x" * 3_000_000), 413, "too_large")
    assert ask("PUT", "blobs", b"x" * 2_000_000).code == 200
    assert not list(spool.iterdir())


@pytest.mark.parametrize(
    "name",
    ["b3:00", "x", "..%2F..%2Fetc%2Fpasswd", "b3:" + "G" * 64, "b3%3A" + "0" * 63, "%00", "%FF", "b3%253A" + "0" * 64],
)
def test_what_is_no_digest_is_refused(ask: Ask, name: str) -> None:
    assert is_error(ask("GET", f"blobs/{name}"), 400, "invalid_value")


def test_unknown_digests_and_other_methods_are_answered_in_our_shape(ask: Ask) -> None:
    assert is_error(ask("GET", "blobs/b3:" + "0" * 64), 404, "not_found")
    ask("PUT", "blobs", b"makes the workspace")
    assert is_error(ask("GET", "blobs/b3:" + "0" * 64), 404, "not_found")
    assert ask("POST", "blobs", b"x").headers["Allow"] == "PUT"
    assert ask("DELETE", "blobs/b3:" + "0" * 64).headers["Allow"] == "GET, HEAD"
    assert is_error(ask("GET", "blobs/a/b"), 404, "not_found")


def test_a_damaged_blob_is_never_sent(ask: Ask, folder: Path) -> None:
    digest = ask("PUT", "blobs", b"precious").json["digest"]
    stored = next(
        path for path in (folder / ".mlops" / "blobs").rglob("*") if path.is_file() and path.read_bytes() == b"precious"
    )
    stored.chmod(0o644)
    stored.write_bytes(b"poisoned")
    answer = ask("GET", f"blobs/{digest}")
    assert is_error(answer, 500, "damaged_blob")
    assert b"poisoned" not in answer.body
