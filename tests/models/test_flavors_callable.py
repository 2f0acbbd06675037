"""Pickled callables: what runs is listed by name, trusted by name, and the bytes do not depend on the process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mlops_ext.errors import DamagedBlob
from mlops_ext.models.flavors import CannotSave, UntrustedModel
from mlops_ext.models.flavors import callable as pickled
from mlops_ext.models.flavors.callable import FILE, CallableFlavor
from tests.models import hostile

SOURCE = """
import hashlib, sys
import numpy as np
from pathlib import Path
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from mlops_ext.models.flavors.callable import CallableFlavor

CELL = '''
class Helper:
    def twice(self, x): return np.asarray(x) * factor
class Mine(BaseEstimator):
    def __init__(self, k=3): self.k = k
    def fit(self, X, y=None): self.seen_ = len(X); return self
    def predict(self, X): return Helper().twice(X) + self.k
factor = 2
'''
exec(compile(CELL, sys.argv[2], "exec"), globals())
made = {
    "function": lambda x: np.log1p(x) + factor,
    "pipeline": make_pipeline(FunctionTransformer(lambda X: X * 2), StandardScaler()).fit(np.arange(6.0).reshape(3, 2)),
    "class": Mine().fit([1, 2]),
}
for name, model in made.items():
    folder = Path(sys.argv[1]) / name
    folder.mkdir()
    CallableFlavor().save(model, folder)
    print(name, hashlib.sha256((folder / "model.pkl").read_bytes()).hexdigest())
"""


def saved(model: Any, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    CallableFlavor().save(model, folder)
    return folder


def test_two_kernels_write_the_same_bytes(tmp_path: Path) -> None:
    told = []
    for number in ("1", "2"):
        folder = tmp_path / number
        folder.mkdir()
        environment = {
            **os.environ,
            "PYTHONHASHSEED": number,
            "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path]),
        }
        command = [sys.executable, "-c", SOURCE, str(folder), f"/tmp/ipykernel_{number}/1.py"]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        told.append(done.stdout)
    assert told[0] == told[1]
    assert len(told[0].splitlines()) == 3
    flavor, folder = CallableFlavor(), tmp_path / "1" / "class"
    model = flavor.load(folder, flavor.untrusted(folder))
    assert model.predict([1, 2]).tolist() == [5, 7]
    assert model.seen_ == 2


def test_the_same_object_twice_is_the_same_bytes(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(lambda rows: rows[:, :1]), StandardScaler()).fit(np.eye(3))
    first, second = saved(model, tmp_path / "a"), saved(model, tmp_path / "b")
    assert (first / FILE).read_bytes() == (second / FILE).read_bytes()


def test_every_name_that_is_missing_is_told_with_what_to_write(tmp_path: Path) -> None:
    folder = saved(lambda x: x, tmp_path / "a")
    names = CallableFlavor().untrusted(folder)
    with pytest.raises(UntrustedModel) as refusal:
        CallableFlavor().load(folder, frozenset(names[:1]))
    assert all(name in refusal.value.message for name in names[1:])
    assert names[0] not in refusal.value.message
    assert all(repr(name) in refusal.value.hint for name in names)


@pytest.mark.parametrize("trick", sorted(hostile.everything()))
def test_no_hostile_file_runs_untrusted(trick: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "system", _refuse)
    (tmp_path / FILE).write_bytes(hostile.everything()[trick])
    with pytest.raises(UntrustedModel):
        CallableFlavor().load(tmp_path, frozenset())


def test_the_unpickler_itself_lets_nothing_by_that_the_scan_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pickled, "findings_of", lambda folder: ())
    monkeypatch.setattr(os, "system", _refuse)
    for trick, data in {**hostile.of_calls(), **hostile.of_tricks()}.items():
        (tmp_path / FILE).write_bytes(data)
        try:
            CallableFlavor().load(tmp_path, frozenset())
        except (UntrustedModel, DamagedBlob):
            continue
        assert trick in {"second stream", "bytes behind", "partial of exec", "build on a class"}, trick


def _refuse(*_: Any) -> Any:
    raise AssertionError("it ran")


def test_what_is_not_here_any_more_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\x80\x04" + hostile.pair("gone.away", "Model") + b".")
    with pytest.raises(DamagedBlob, match="No module named 'gone'"):
        CallableFlavor().load(tmp_path, ["gone.away.Model"])


def test_what_cannot_be_pickled_is_refused_with_the_reason(tmp_path: Path) -> None:
    import threading

    lock = threading.Lock()
    with pytest.raises(CannotSave, match="lock") as refusal:
        CallableFlavor().save(lambda x: lock, tmp_path)
    assert "Leave out" in refusal.value.hint
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(CannotSave):
        CallableFlavor().save(lambda: deep, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_ids_that_a_model_holds_itself_are_left_alone(tmp_path: Path) -> None:
    class Mine:
        known = (hashlib.md5(b"x").hexdigest(), "0" * 32, "0" * 31 + "1")

        def predict(self, rows: Any) -> Any:
            return self.known

    Mine.__module__ = "__main__"
    folder = saved(Mine(), tmp_path / "a")
    flavor = CallableFlavor()
    assert flavor.load(folder, flavor.untrusted(folder)).predict([]) == Mine.known
