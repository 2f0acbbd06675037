"""A workspace on SQLite whose folder has a name that trips up careless paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_ext.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    folder = tmp_path / "a {project} ü"
    (folder / "nb").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLOPS_WORKSPACE", str(folder))
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    return Workspace(folder)
