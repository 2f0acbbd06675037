"""A full disk: one sentence with the remedy, nothing half done, and all well once there is space again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from mlops_ext.errors import StoreReadOnly
from mlops_ext.runs import edge
from mlops_ext.runs.types import Job
from mlops_ext.store import lifecycle
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook
from tests.store.notes import problems, sequence


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of 2 MB, where this user can make one."""
    monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    named = os.environ.get("MLOPS_TEST_SMALL_DISK")
    if named:
        yield Path(named)
        for path in Path(named).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        return
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk; name one in MLOPS_TEST_SMALL_DISK")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> Path:
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 16
        while size:
            try:
                file.write(b"\1" * size)
            except OSError:
                size >>= 1
    return ballast


def write_until_full(ws: Workspace) -> int:
    for number in range(10_000):
        try:
            ws.catalog.write(lambda change: change.event("note.written", "workspace", {"text": "x" * 5000}))
        except StoreReadOnly:
            return number
    raise AssertionError("the disk never filled")


def test_a_change_on_a_full_disk_does_not_happen_and_says_why(small_disk):
    ws = Workspace(small_disk)
    ws.catalog.write(lambda change: change.event("note.written", "workspace"))
    ballast = fill(small_disk)
    written = write_until_full(ws)
    assert sequence(ws) == list(range(1, written + 2))
    assert problems(ws) == []
    with pytest.raises(StoreReadOnly, match="Free some space"):
        ws.put_blob(os.urandom(1 << 16))
    assert list(ws.home.rglob("*.tmp")) == []
    ballast.unlink()
    ws.catalog.write(lambda change: change.event("note.written", "workspace"))
    assert ws.get_blob(ws.put_blob(b"again")) == b"again"
    assert sequence(ws) == list(range(1, written + 3))
    assert problems(ws) == []
    ws.database.close()


def test_a_backup_onto_a_full_disk_leaves_no_file(small_disk, tmp_path):
    ws = Workspace(tmp_path)
    ws.catalog.write(lambda change: change.event("note.written", "workspace"))
    fill(small_disk)
    with pytest.raises(StoreReadOnly, match="space"):
        lifecycle.back_up(ws.database, ws.ledger.store, small_disk / "b.tar")
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_a_store_made_on_a_full_disk_leaves_no_half_store(small_disk):
    fill(small_disk)
    with pytest.raises(StoreReadOnly, match="space"):
        Workspace(small_disk).ensure()
    assert not (small_disk / ".mlops" / "catalog.db").exists()


FILLS = """
if fills:
    with open('ballast', 'wb', buffering=0) as file:
        size = 1 << 16
        while size:
            try:
                file.write(b'1' * size)
            except OSError:
                size >>= 1
print('x' * 20_000)
""".strip()


def run_with_output(ws: Workspace, *, fills: bool) -> Job:
    job = edge.queue("it.ipynb", "out.ipynb", {"fills": fills}, workspace=ws)
    return edge.run_job(job, workspace=ws)


def test_a_run_whose_output_finds_no_space_fails_and_leaves_a_whole_notebook(small_disk, tmp_path, monkeypatch):
    monkeypatch.chdir(small_disk)
    monkeypatch.setenv("MLOPS_CATALOG", f"sqlite:///{tmp_path / 'catalog.db'}")
    monkeypatch.setenv("MLOPS_BLOBS", str(tmp_path / "blobs"))
    ws = Workspace(small_disk)
    write_notebook(small_disk / "it.ipynb", ("fills: bool = False", "parameters"), FILLS)
    output = small_disk / "out.ipynb"
    full = run_with_output(ws, fills=True)
    assert (full.status, "could not write" in full.error, "No space left" in full.error) == ("failed", True, True)
    nbformat.validate(nbformat.read(output, as_version=4))
    assert "x" * 20_000 not in output.read_text(), "it is the last that found space"
    run = ws.call(tracking.show, ShowRun(run=full.run))
    assert (run.status, b"x" * 20_000 in ws.get_blob(str(run.output))) == ("failed", True), "the workspace has it whole"
    former = output.read_bytes()
    unstarted = run_with_output(ws, fills=False)
    assert (unstarted.status, "No space left" in unstarted.error) == ("failed", True)
    assert output.read_bytes() == former
    assert sorted(path.name for path in small_disk.iterdir()) == [".mlops", "ballast", "it.ipynb", "out.ipynb"]
    (small_disk / "ballast").unlink()
    assert run_with_output(ws, fills=False).status == "succeeded"
    assert "x" * 20_000 in output.read_text()
    ws.database.close()
