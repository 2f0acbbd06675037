"""The OpenAPI document against a real server: Schemathesis finds no answer that it does not describe."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_ext.rooms import OPERATIONS
from mlops_ext.server.openapi import document
from tests.server.live_server import LiveServer, serving

PHASES = [
    pytest.param("examples,fuzzing", 2, id="a few at random"),
    pytest.param("examples,coverage,fuzzing", 20, id="at the bounds and many at random", marks=pytest.mark.deep),
]
# Names and references have a finer grammar than a schema can say, so data that fits the schema may be refused;
# Jupyter answers 403, not 401, to strangers.
LEFT_OUT = "positive_data_acceptance,missing_required_header"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("openapi")
    with serving(folder / "project", folder / "config") as live:
        yield live


def fetched(server: LiveServer) -> dict[str, Any]:
    request = urllib.request.Request(server.root + "mlops-ext/api/openapi.json", headers=server.headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_every_operation_stands_in_the_document_with_its_permission() -> None:
    made = document(OPERATIONS.values(), "/x", "0")
    entries = {each["operationId"]: each for methods in made["paths"].values() for each in methods.values()}
    assert set(entries) == set(OPERATIONS) | {"blobs.put", "blobs.get"}
    for name, operation in OPERATIONS.items():
        entry = entries[name]
        assert entry["x-permission"] == {"action": operation.action, "resource": name}
        assert entry["summary"] == operation.summary
        assert {each["name"] for each in entry["parameters"] if each["in"] == "path"} == set(operation.path_fields)
        assert "403" in entry["responses"]
    json.dumps(made, allow_nan=False)


@pytest.mark.parametrize(("phases", "examples"), PHASES)
def test_no_answer_differs_from_the_document(server: LiveServer, tmp_path: Path, phases: str, examples: int) -> None:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(fetched(server)))
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", str(file), "--url", server.api,
        "--header", f"Authorization: token {server.token}", "--max-examples", str(examples),
        "--exclude-checks", LEFT_OUT, "--phases", phases, "--suppress-health-check", "all",
        "--generation-deterministic", "--no-color", "--continue-on-failure",
    ]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout[-20_000:] + ended.stderr[-2000:]
