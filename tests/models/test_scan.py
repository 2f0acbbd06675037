"""The scan: what runs something is found however it hides; what runs nothing is clean; nothing is ever run."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import all_estimators

from mlops_ext.models import scanning
from mlops_ext.models.scanning import findings_of, scan_folder
from mlops_ext.models.scanning import pickles as machine
from mlops_ext.models.scanning.reviewed import is_reviewed
from tests.models import hostile

X = np.random.default_rng(3).random((200, 3))
Y = (X[:, 0] > 0.5).astype(int)
NAMES = ("model.pkl", "model.bin", "model.json", "model.onnx", "weights.safetensors", "README.md")


def verdict(data: bytes, folder: Path, name: str = "model.bin") -> str:
    (folder / name).write_bytes(data)
    return scan_folder(folder).verdict


def names(data: bytes, folder: Path) -> set[str]:
    (folder / "model.bin").write_bytes(data)
    return {finding.name for finding in findings_of(folder)}


@pytest.mark.parametrize("trick", sorted(hostile.everything()))
def test_what_could_run_something_is_unsafe_under_every_name(trick: str, tmp_path: Path) -> None:
    data = hostile.everything()[trick]
    for name in NAMES:
        folder = tmp_path / name
        folder.mkdir()
        assert verdict(data, folder, name) == "unsafe", trick


@pytest.mark.parametrize("trick", sorted(hostile.of_wrappings()))
def test_the_hidden_name_is_told_where_it_can_be_reached(trick: str, tmp_path: Path) -> None:
    beyond = {"hidden member", "cut gz", "deep"}
    assert ("os.system" in names(hostile.of_wrappings()[trick], tmp_path)) == (trick not in beyond)


def test_names_are_told_as_the_unpickler_would_import_them(tmp_path: Path) -> None:
    calls, tricks = hostile.of_calls(), hostile.of_tricks()
    assert names(calls["subprocess under its old name"], tmp_path) == {"subprocess.getoutput"}
    assert names(calls["touch"], tmp_path) == {"pathlib.Path.touch"}
    assert names(calls["resolve_name"], tmp_path) == {"pkgutil.resolve_name"}
    assert names(calls["getattr chain"], tmp_path) == {"builtins.getattr", "builtins.__import__"}
    assert names(tricks["memo written over"], tmp_path) == {"os.system"}
    assert names(tricks["decoded name"], tmp_path) == {"computed-name", "computed-call"}
    assert names(tricks["second stream"], tmp_path) == {"trailing-bytes", "os.system"}


def dumped(model: Any, **how: Any) -> bytes:
    target = io.BytesIO()
    joblib.dump(model, target, **how)
    return target.getvalue()


def saved(array: Any) -> bytes:
    target = io.BytesIO()
    np.save(target, array, allow_pickle=True)
    return target.getvalue()


@cache
def forest() -> Any:
    return RandomForestClassifier(10, random_state=1).fit(X, np.where(Y, "late", "on time").astype(object))


@cache
def linear() -> Any:
    return LogisticRegression().fit(X, Y)


def frame() -> Any:
    return pd.DataFrame({"a": [1.5], "b": ["x"], "c": pd.Categorical(["y"])})


BENIGN: dict[str, Callable[[], bytes]] = {
    **{f"linear, protocol {each}": partial(lambda each: pickle.dumps(linear(), each), each) for each in range(6)},
    **{
        f"forest, {each}": partial(lambda each: dumped(forest(), compress=(each, 3)), each)
        for each in ("zlib", "gzip", "bz2", "xz", "lzma")
    },
    "forest, by joblib": lambda: dumped(forest()),
    "forest, pickled": lambda: pickle.dumps(forest()),
    "boosting": lambda: pickle.dumps(HistGradientBoostingClassifier(max_iter=2).fit(X, Y)),
    "texts, by joblib": lambda: dumped(make_pipeline(OneHotEncoder()).fit(np.array([["a"], ["b"]], object))),
    "array": lambda: pickle.dumps(X),
    "npy": lambda: saved(X),
    "npy of one": lambda: saved(np.float64(1)),
    "npy of objects": lambda: saved(np.array(["a", None, 2.5], object)),
    "frame": lambda: pickle.dumps(frame()),
    "generators": lambda: pickle.dumps([np.random.default_rng(1), np.random.RandomState(1)]),
    "nothing": lambda: b"",
    "text": "é\n".encode,
    "json": lambda: b'{"a": [1, 2]}',
    "zip of text": lambda: hostile.zipped(a=b"text"),
}


@pytest.mark.parametrize("kind", sorted(BENIGN))
def test_what_runs_nothing_is_clean(kind: str, tmp_path: Path) -> None:
    if kind == "boosting" and tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8):
        pytest.skip("scikit-learn before 1.8 names its losses by a module that anybody could plant")
    (tmp_path / "model.bin").write_bytes(BENIGN[kind]())
    assert [(found.name, found.reason) for found in scan_folder(tmp_path).findings] == []


def test_every_estimator_of_scikit_learn_is_reviewed() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = all_estimators()
    assert [name for name, kind in known if not is_reviewed(kind.__module__, name)] == []


def test_no_reviewed_name_takes_another_by_its_text() -> None:
    takers = {"getattr", "eval", "exec", "compile", "open", "__import__", "attrgetter", "methodcaller", "type", "map"}
    assert not [each for each in takers for module in ("builtins", "operator", "io") if is_reviewed(module, each)]
    assert is_reviewed("numpy", "dtype")
    assert not is_reviewed("numpy", "dtype.type")


def test_nothing_is_run_or_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("unpickled")

    monkeypatch.setattr(os, "system", refuse)
    for module in (pickle, pickle._Unpickler):  # type: ignore[attr-defined]
        monkeypatch.setattr(module, "load", refuse)
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    for place, data in enumerate(hostile.everything().values()):
        (tmp_path / str(place)).write_bytes(data)
    assert scan_folder(tmp_path).verdict == "unsafe"


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\x80\x04", b"\x80\x04]\x94(", b"{", b"\x93NUMPY\x01\x00", b"PK\x03\x04"]),
)
def test_arbitrary_bytes_are_judged_without_failing(tail: bytes, head: bytes) -> None:
    file = io.BytesIO(head + tail)
    list(scanning._content(file, "x", 0))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner) | st.sets(st.integers())
        ),
        max_leaves=20,
    ),
    st.integers(0, 5),
)
def test_plain_values_are_clean_in_every_protocol(value: Any, protocol: int) -> None:
    assert list(scanning._content(io.BytesIO(pickle.dumps(value, protocol=protocol)), "x", 0)) == []


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_never_hides_a_name_that_is_still_called(place: int, byte: int) -> None:
    """Whatever an unpickler asks for after a change, the scan has told, unless it is reviewed."""
    data = bytearray(pickle.dumps(make_pipeline(StandardScaler()).fit(X[:3]), protocol=4))
    data[place % len(data)] = byte
    asked: list[tuple[str, str]] = []

    class Asking(pickle._Unpickler):  # type: ignore[name-defined,misc]
        def find_class(self, module: str, name: str) -> Any:
            asked.append((module, name))
            if not is_reviewed(module, name):
                raise pickle.UnpicklingError("not reviewed")
            return super().find_class(module, name)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Asking(io.BytesIO(bytes(data)), fix_imports=False).load()
    except Exception:  # noqa: BLE001 - whatever an unpickler makes of broken bytes
        pass
    told = {name for _, name, _ in scanning._content(io.BytesIO(bytes(data)), "x", 0)}
    assert all(is_reviewed(*each) or ".".join(each) in told for each in asked)


def test_a_pickle_that_is_too_long_is_unsafe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MAX_OPCODES", 50)
    assert "too-long" in names(pickle.dumps(list(range(100))), tmp_path)


def test_what_unpacks_to_too_much_is_unsafe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "MAX_UNPACKED", 100_000)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(1_000_000))
    assert names(target.getvalue(), tmp_path) == {"too-large"}
    import gzip

    assert names(gzip.compress(bytes(1_000_000)), tmp_path) == {"too-large"}


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "model.json").symlink_to("/etc/hostname")
    assert [finding.name for finding in findings_of(tmp_path)] == ["unknown-format"]


def test_findings_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "MAX_FINDINGS", 5)
    data = b"\x80\x04" + b"".join(hostile.pair("os", f"n{each}") + b"0" for each in range(50)) + b"N."
    (tmp_path / "model.bin").write_bytes(data)
    found = findings_of(tmp_path)
    assert len(found) == 6
    assert found[-1].name == "more-findings"


def test_what_a_flavor_must_be_told_to_trust_is_a_finding(tmp_path: Path) -> None:
    scan = scan_folder(tmp_path, ["mine.Model"])
    assert (scan.verdict, [each.name for each in scan.findings]) == ("unsafe", ["mine.Model"])


def test_the_machine_knows_every_opcode() -> None:
    """An opcode without its own rule must neither import, call nor change the memo."""
    special = set(machine._Machine.SPECIAL) | {"STOP"}
    dangerous = {
        "GLOBAL",
        "STACK_GLOBAL",
        "INST",
        "OBJ",
        "REDUCE",
        "NEWOBJ",
        "NEWOBJ_EX",
        "BUILD",
        "EXT1",
        "EXT2",
        "EXT4",
        "PUT",
        "BINPUT",
        "LONG_BINPUT",
        "MEMOIZE",
        "GET",
        "BINGET",
        "LONG_BINGET",
        "PERSID",
    }
    assert dangerous <= special
    generic = {opcode.name for opcode in pickletools.opcodes} - special
    assert generic == {
        "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "STRING", "BINSTRING", "SHORT_BINSTRING",
        "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "NEXT_BUFFER", "READONLY_BUFFER", "UNICODE",
        "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "FLOAT", "BINFLOAT", "EMPTY_LIST", "APPEND", "APPENDS", "LIST",
        "EMPTY_SET", "ADDITEMS", "FROZENSET", "BINPERSID",
    }  # fmt: skip
