"""What surrounds a model: git with new files, packages with their origin, hardware, time and seeds."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_ext.models import edge
from mlops_ext.models.provenance import hardware, surroundings
from mlops_ext.models.provenance.execution import of_script
from mlops_ext.models.provenance.seeds import seeds_of
from mlops_ext.models.provenance.surroundings import code_state, environment_lock
from mlops_ext.tracking import active, origin
from mlops_ext.workspace import Workspace


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "train.py").write_text("a = 1\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "old name.py").write_text("b = 1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def test_a_clean_checkout_has_its_commit_and_no_diff(checkout: Path) -> None:
    state = code_state(checkout / "sub")
    assert state is not None
    assert (state.commit, state.branch) == (git(checkout, "rev-parse", "HEAD"), "main")
    assert (state.dirty, state.diff, state.changed) == (False, "", ())


def test_the_diff_applied_to_the_commit_gives_the_working_tree(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (checkout / "train.py").write_text("a = 2\n")
    git(checkout, "mv", "sub/old name.py", "sub/renamed.py")
    (checkout / "new ü.py").write_text("c = 3\x0c\nlast = 'without newline'")
    (checkout / "sub" / "new.ipynb").write_text('{"cells": []}\n')
    (checkout / "empty.py").touch()
    (checkout / "data.bin").write_bytes(b"\0" * 100)
    (checkout / "huge.py").write_text("x = 1\n" * 100_000)
    state = code_state(checkout / "sub")
    assert state is not None
    assert set(state.changed) == {
        "train.py", "sub/renamed.py", "new ü.py", "sub/new.ipynb", "empty.py", "data.bin", "huge.py",
    }  # fmt: skip
    assert "the new file huge.py was left out: 600000 bytes" in state.diff
    elsewhere = tmp_path_factory.mktemp("clone") / "it"
    git(checkout, "clone", "-q", str(checkout), str(elsewhere))
    patch = "".join(line for line in state.diff.splitlines(keepends=True) if not line.startswith("…"))
    (elsewhere.parent / "it.patch").write_text(patch)
    git(elsewhere, "apply", "../it.patch")
    for name in ("train.py", "sub/renamed.py", "new ü.py", "sub/new.ipynb", "empty.py"):
        assert (elsewhere / name).read_bytes() == (checkout / name).read_bytes()


def test_secrets_in_new_files_are_masked_and_told(checkout: Path) -> None:
    (checkout / "keys.py").write_text("x = 1\napi_key = 'abcdef123456'\n")
    state = code_state(checkout)
    assert state is not None
    assert "abcdef123456" not in state.diff
    assert [each.kind for each in state.masked] == ["api-key"]
    assert "(keys.py)" in state.masked[0].where


def test_outside_of_git_there_is_nothing(tmp_path: Path) -> None:
    assert code_state(tmp_path) is None


def test_a_committed_script_can_be_run_again_until_something_changes(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origin, "script_path", lambda: checkout / "train.py")
    assert of_script(code_state(checkout)).reasons == ()
    (checkout / "other.py").touch()
    assert of_script(code_state(checkout)).reasons == ("not committed: other.py",)
    monkeypatch.setattr(origin, "script_path", lambda: checkout / "other.py")
    assert of_script(code_state(checkout)).reasons[0] == "the script other.py is in no git commit"
    monkeypatch.setattr(origin, "script_path", lambda: None)
    assert "typed at a prompt" in of_script(None).reasons[0]


def test_the_lock_has_exact_versions_and_where_a_checkout_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = tmp_path / "thing-1.2.dist-info"
    made.mkdir()
    (made / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.2\n")
    (made / "direct_url.json").write_text(
        '{"url": "https://me:s3cret-pass@host/x.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    lock = environment_lock()
    assert (lock.python, lock.packages["numpy"]) == (platform.python_version(), metadata.version("numpy"))
    assert lock.packages["thing"] == "1.2"
    assert lock.sources["thing"] == "git+https://[masked: url-credentials]@host/x.git@abc"
    newer = tmp_path / "other-3.dist-info"
    newer.mkdir()
    (newer / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 3\n")
    assert environment_lock().packages["other"] == "3", "installed while the kernel runs"


def test_the_lock_is_the_same_after_setuptools_private_copies_are_on_the_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = environment_lock()
    copy = tmp_path / "setuptools" / "_vendor" / "private-1.dist-info"
    copy.mkdir(parents=True)
    (copy / "METADATA").write_text("Metadata-Version: 2.1\nName: private\nVersion: 1\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(copy.parent)])
    assert environment_lock() == before


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_hardware_is_what_the_system_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = hardware.hardware()
    assert found.machine == platform.machine()
    assert found.cores is not None
    assert 1 <= found.cores <= len(os.sched_getaffinity(0))
    assert found.memory is not None
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    monkeypatch.setattr(hardware, "_GROUP", tmp_path)
    assert (hardware.hardware().memory, hardware.hardware().cores) == (1000, 1)


@pytest.mark.fast
def test_seeds_are_those_that_stand_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    model = make_pipeline(StandardScaler(), SGDClassifier(random_state=np.int64(7)))
    assert seeds_of(model, {"seed": "13", "shift": "2", "n_seeds": "3", "random_state": '"x"'}) == {
        "model.sgdclassifier__random_state": 7,
        "parameters.seed": 13,
        "PYTHONHASHSEED": 0,
    }
    monkeypatch.delenv("PYTHONHASHSEED")
    np.random.seed(3)  # noqa: NPY002 - the global state does not tell its seed
    assert seeds_of(LogisticRegression(random_state=np.random.RandomState(1)), {}) == {}


@pytest.mark.parametrize("catalog_url", ["sqlite"], indirect=True)
def test_a_version_tells_its_surroundings_and_an_explicit_run_its_time(workspace: Workspace) -> None:
    model = LogisticRegression(random_state=5).fit([[0.0], [1.0]], [0, 1])
    with active.start(workspace):
        version = edge.register(model, "delay", inputs=[])
    assert version.seconds is not None
    assert version.seconds >= 0
    assert version.seeds["model.random_state"] == 5
    assert version.hardware == hardware.hardware()
    assert version.lock == surroundings.environment_lock()
    again = edge.register(model, "delay", inputs=[])
    assert again == version
    active.end(workspace, "succeeded")
