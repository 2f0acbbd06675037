"""A workspace on SQLite whose folder has a name that trips up careless paths, and warm parents for many runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from mlops_ext.runs import edge
from mlops_ext.runs.attempts.attempt import handed_down
from mlops_ext.runs.kernels.warm import Parents
from mlops_ext.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    folder = tmp_path / "a {project} ü"
    (folder / "nb").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLOPS_WORKSPACE", str(folder))
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    return Workspace(folder)


@pytest.fixture(scope="session")
def parents() -> Iterator[Parents | None]:
    """Keep warm parents as long as the tests last."""
    with Parents.kept(handed_down()) as kept:
        yield kept


@pytest.fixture
def shared_parents(parents: Parents | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork the attempts and kernels of this process, for tests that are not about how they start."""

    @contextmanager
    def kept(_environment: Mapping[str, str]) -> Iterator[Parents | None]:
        yield parents

    monkeypatch.setattr(Parents, "kept", kept)
    monkeypatch.setattr(edge, "run_job", partial(edge.run_job, parents=parents))
