"""Loading: digests first, then policy's verifiers, then what is trusted by name; and models behind their signature."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import mlops_ext
from mlops_ext.errors import DamagedBlob, Forbidden, InvalidValue, MissingExtra, NotFound, StoreUnavailable
from mlops_ext.models import edge, loading, plugins, service
from mlops_ext.models.flavors import UntrustedModel
from mlops_ext.models.flavors import callable as pickled
from mlops_ext.models.plugins import BrokenPlugin
from mlops_ext.models.promotion.types import ApplyPolicy, Policy
from mlops_ext.models.signatures.enforcing import Enforced, conformed
from mlops_ext.models.types import Field_, Signature
from mlops_ext.tracking import active
from mlops_ext.workspace import Workspace
from tests.models.support import file_of, registered

pytestmark = pytest.mark.sqlite

X = pd.DataFrame({"distance": [1, 2, 3, 4], "wind": np.array([0.5, 1, 2, 3], "float32")})
Y = np.array([0, 0, 1, 1])


@pytest.fixture(autouse=True)
def _no_run_left(workspace: Workspace) -> Iterator[None]:
    yield
    active.end(workspace, "succeeded")


def own() -> Any:
    """A pipeline with a lambda, which only a pickle can hold."""
    return make_pipeline(FunctionTransformer(lambda rows: rows * 2), StandardScaler(), LogisticRegression()).fit(X, Y)


def policy(ws: Workspace, **fields: Any) -> None:
    ws.call(service.apply_policy, ApplyPolicy(policy=Policy(**fields)))


def test_a_version_says_what_its_scan_found(workspace: Workspace) -> None:
    clean = edge.register(LinearRegression().fit(X, Y), "clean", inputs=[])
    unsafe = edge.register(own(), "unsafe", inputs=[])
    assert clean.scan is not None
    assert (clean.scan.verdict, clean.scan.findings, clean.trust) == ("clean", (), ())
    assert unsafe.scan is not None
    assert unsafe.scan.verdict == "unsafe"
    assert {finding.name for finding in unsafe.scan.findings} == set(unsafe.trust)
    assert {finding.file for finding in unsafe.scan.findings} == {"model.pkl"}


def test_a_pipeline_with_a_lambda_loads_with_the_names_that_are_listed(workspace: Workspace) -> None:
    model = own()
    version = edge.register(model, "delay", inputs=[])
    assert edge.register(model, "delay", inputs=[]) == version
    with pytest.raises(UntrustedModel) as refusal:
        mlops_ext.load_model("delay")
    assert all(repr(name) in refusal.value.hint for name in version.trust)
    with pytest.raises(UntrustedModel):
        mlops_ext.load_model("delay", trust=version.trust[:-1])
    np.testing.assert_array_equal(mlops_ext.load_model("delay", trust=version.trust).predict(X), model.predict(X))
    assert isinstance(refusal.value, Forbidden)


def test_what_policy_trusts_needs_no_naming(workspace: Workspace) -> None:
    version = edge.register(own(), "delay", inputs=[])
    policy(workspace, trust=version.trust[:-1])
    with pytest.raises(UntrustedModel, match=version.trust[-1].rpartition(".")[2]):
        edge.load_model("delay")
    edge.load_model("delay", trust=version.trust[-1:])
    policy(workspace, trust=version.trust)
    edge.load_model("delay")


def test_names_to_trust_are_a_list(workspace: Workspace) -> None:
    with pytest.raises(InvalidValue, match="is one text"):
        edge.load_model("delay", trust="pickle")


@pytest.fixture
def verifiers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Verifiers as installed packages would bring them."""
    held: dict[str, Any] = {}

    def load(group: str, name: str) -> Any:
        if name not in held:
            raise NotFound(f"the verifier {name!r} is not installed", hint="Install the package that brings it")
        return held[name]

    monkeypatch.setattr(loading, "load_plugin", load)
    return held


def test_policys_verifiers_see_checked_files_before_anything_is_read(
    workspace: Workspace, verifiers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = edge.register(own(), "delay", inputs=[])
    monkeypatch.setattr(pickled.CallableFlavor, "load", lambda *_: seen.append("loaded"))
    seen: list[str] = []

    def look(ws: Workspace, asked: Any, folder: Path) -> None:
        assert (ws.root, asked.ref) == (workspace.root, version.ref)
        assert loading.sha256_of(folder / "model.pkl") == asked.files[0].sha256
        seen.append("verified")

    verifiers["look"] = look
    policy(workspace, verify=("look",))
    edge.load_model("delay", trust=version.trust)
    assert seen == ["verified", "loaded"]


def test_a_verifier_that_refuses_or_is_missing_stops_the_load(workspace: Workspace, verifiers: dict[str, Any]) -> None:
    edge.register(LinearRegression().fit(X, Y), "delay", inputs=[])
    policy(workspace, verify=("absent",))
    with pytest.raises(NotFound, match="'absent'"):
        edge.load_model("delay")

    def refuse(*_: Any) -> None:
        raise Forbidden("nobody signed it")

    verifiers["absent"] = refuse
    with pytest.raises(Forbidden, match="nobody signed"):
        edge.load_model("delay")


@pytest.mark.parametrize("how", ["changed", "cut", "gone"])
def test_a_file_that_is_not_what_was_registered_is_named_and_not_read(workspace: Workspace, how: str) -> None:
    version = edge.register(own(), "delay", inputs=[])
    path = workspace.blob_path(version.files[0].digest)
    path.chmod(0o600)
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-1] + (b"X" if how == "changed" else b""))
    with pytest.raises((DamagedBlob, StoreUnavailable), match=r"model\.pkl of delay@1"):
        edge.load_model("delay", trust=version.trust)


def test_a_file_whose_sha256_is_another_is_refused(workspace: Workspace) -> None:
    file = file_of(workspace, b"one").model_copy(update={"sha256": "0" * 64})
    registered(workspace, files=(file,))
    with pytest.raises(DamagedBlob, match=r"model\.bin of delay@1 has another SHA-256"):
        edge.load_model("delay")


def test_a_flavor_that_is_not_installed_is_named(workspace: Workspace) -> None:
    registered(workspace)
    with pytest.raises(NotFound, match="the flavor 'test' is not installed") as refusal:
        edge.load_model("delay")
    assert "sklearn" in refusal.value.hint


def test_a_flavor_that_does_not_load_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("mine", "absent_package.flavor:Mine", "mlops_ext.flavors")
    others = plugins._points
    monkeypatch.setattr(plugins, "_points", lambda group: EntryPoints([*others(group), broken]))
    with pytest.raises(BrokenPlugin, match="the flavor 'mine' does not load: No module named 'absent_package'"):
        edge.register(LinearRegression().fit(X, Y), "delay", inputs=[])
    assert len(edge.models()) == 0


def test_a_library_that_is_missing_is_named_with_its_extra(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = edge.register(LinearRegression().fit(X, Y), "delay", inputs=[])
    monkeypatch.setitem(__import__("sys").modules, "skops.io", None)
    with pytest.raises(MissingExtra) as refusal:
        edge.load_model(version)
    assert "mlops-ext[models]" in refusal.value.hint


def test_nothing_is_registered_of_what_no_flavor_saves(workspace: Workspace, tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file, pytest.raises(InvalidValue, match="no flavor can save"):
        edge.register(lambda: file, "delay", inputs=[])
    assert len(edge.models()) == 0


def test_behind_its_signature_a_model_takes_its_columns_in_any_order(workspace: Workspace) -> None:
    model = LogisticRegression().fit(X, Y)
    edge.register(model, "delay", example=X, inputs=[])
    guarded = edge.load_model("delay", enforce=True)
    expected = model.predict_proba(X)
    np.testing.assert_array_equal(guarded.predict_proba(X[["wind", "distance"]]), expected)
    np.testing.assert_array_equal(guarded.predict(X), model.predict(X))
    assert type(guarded.model) is LogisticRegression
    assert guarded.classes_.tolist() == [0, 1]
    assert guarded.get_params() == model.get_params()
    assert copy.deepcopy(guarded).signature == guarded.signature
    with pytest.raises(AttributeError, match="absent"):
        _ = guarded.absent


def test_a_version_without_a_signature_has_nothing_to_enforce(workspace: Workspace) -> None:
    edge.register(LinearRegression().fit(X, Y), "delay", inputs=[])
    with pytest.raises(InvalidValue, match=r"delay@1 has no signature"):
        edge.load_model("delay", enforce=True)


def taking(**types: str) -> Signature:
    return Signature(inputs=tuple(Field_(name=name, type=kind) for name, kind in types.items()))


def test_missing_and_extra_columns_are_named() -> None:
    with pytest.raises(InvalidValue, match="missing: 'b', 'c'; extra: 'd'") as refusal:
        conformed(taking(a="int64", b="int64", c="int64"), pd.DataFrame({"a": [1], "d": [1]}))
    assert refusal.value.hint == "It takes a, b, c"


NA = pd.NA
FRAMES: list[tuple[Any, str, Any]] = [
    (pd.Series([1, 2], dtype="int32"), "int64", "int64"),
    (pd.Series([1, 2], dtype="uint8"), "int16", "int16"),
    (pd.Series([1, 2], dtype="int64"), "float64", "float64"),
    (pd.Series([1.5], dtype="float32"), "float64", "float64"),
    (pd.Series([1, 2], dtype="Int64"), "int64", "int64"),
    (pd.Series([1, 2], dtype="int32"), "Int64", "Int64"),
    (pd.Series([1, NA], dtype="Int64"), "Int64", "Int64"),
    (pd.Series([True, False], dtype="boolean"), "bool", None),
    (pd.Series(["a", None], dtype=object), "str", object),
    (pd.Series(["a"], dtype="str"), "object", pd.Series(["a"], dtype="str").dtype),
    (pd.Series(["a"], dtype="category"), "category", "category"),
    (pd.Series(pd.to_datetime(["2020-01-01"])).astype("datetime64[s]"), "datetime64[us]", "datetime64[us]"),
    (pd.Series(pd.to_datetime(["2020-01-01"], utc=True)).dt.as_unit("s"), "datetime64[ns, UTC]", "datetime64[ns, UTC]"),
]


@pytest.mark.parametrize(
    ("column", "taken", "becomes"), FRAMES, ids=[f"{each[0].dtype} as {each[1]}" for each in FRAMES]
)
def test_casts_that_lose_nothing_are_made(column: Any, taken: str, becomes: Any) -> None:
    given = conformed(taking(x=taken), pd.DataFrame({"x": column}))["x"]
    assert given.tolist() == column.tolist() or given.isna().tolist() == column.isna().tolist()
    if becomes is not None:
        assert given.dtype == becomes


REFUSED: list[tuple[Any, str]] = [
    (pd.Series([1.0]), "int64"),
    (pd.Series([1], dtype="int64"), "int32"),
    (pd.Series([1], dtype="int64"), "float32"),
    (pd.Series([2**53 + 1], dtype="int64"), "float64"),
    (pd.Series([-(2**60), 1], dtype="int64"), "float64"),
    (pd.Series([1.0], dtype="float64"), "float32"),
    (pd.Series([-1], dtype="int8"), "uint8"),
    (pd.Series([1, NA], dtype="Int64"), "int64"),
    (pd.Series([True, NA], dtype="boolean"), "bool"),
    (pd.Series([1, "a"], dtype=object), "str"),
    (pd.Series(["1"], dtype="str"), "int64"),
    (pd.Series(["a"], dtype="str"), "category"),
    (pd.Series([1]), "str"),
    (pd.Series(pd.to_datetime(["2020-01-01"])), "datetime64[ns, UTC]"),
    (pd.Series(pd.to_datetime(["2020-01-01"])).astype("datetime64[ns]"), "datetime64[s]"),
]


@pytest.mark.parametrize(
    ("column", "taken"), REFUSED, ids=[f"{each[0].dtype} as {each[1]}, {place}" for place, each in enumerate(REFUSED)]
)
def test_casts_that_could_lose_something_are_refused_with_both_types(column: Any, taken: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        conformed(taking(x=taken), pd.DataFrame({"x": column}))
    assert f"'x' is {column.dtype}, the model takes {taken}" in refusal.value.message


def test_frames_of_polars_and_arrow_conform_too() -> None:
    wanted = taking(a="float64", b="int64", c="str")
    light = pl.DataFrame({"c": ["x"], "b": pl.Series([1], dtype=pl.Int32), "a": [3]})
    given = conformed(wanted, light)
    assert (given.columns, given.dtypes) == (["a", "b", "c"], [pl.Float64, pl.Int64, pl.String])
    arrow = pa.table({"c": ["x"], "b": pa.array([1], pa.int8()), "a": pa.array([3], pa.int64())})
    assert conformed(wanted, arrow).schema == pa.schema({"a": pa.float64(), "b": pa.int64(), "c": pa.string()})
    with pytest.raises(InvalidValue, match="'b' is Int64, the model takes int64"):
        conformed(wanted, light.with_columns(b=pl.Series([None], dtype=pl.Int64)))
    with pytest.raises(InvalidValue, match="'a' is double, the model takes float"):
        conformed(taking(a="float"), pa.table({"a": [1.0]}))


@pytest.mark.parametrize(
    ("shape", "kind", "passes"),
    [
        ((4, 3), "float32", True),
        ((0, 3), "float32", True),
        ((4, 3), "int16", True),
        ((4, 3), "float64", False),
        ((4, 2), "float32", False),
        ((4,), "float32", False),
        ((4, 3, 1), "float32", False),
    ],
)
def test_an_array_must_have_the_shape_and_type(shape: tuple[int, ...], kind: str, passes: bool) -> None:
    wanted = taking(input="float32[-1, 3]")
    if passes:
        given = conformed(wanted, np.ones(shape, kind))
        assert (given.dtype, given.shape) == (np.float32, shape)
        return
    with pytest.raises(InvalidValue, match="'input' is"):
        conformed(wanted, np.ones(shape, kind))


def test_arrays_by_name_and_what_is_no_rows() -> None:
    wanted = taking(left="int64[-1, 2]", right="float64")
    given = conformed(wanted, {"right": np.ones(2, "float32"), "left": np.ones((2, 2), "int32")})
    assert list(given) == ["left", "right"]
    assert (given["left"].dtype, given["right"].dtype) == (np.int64, np.float64)
    with pytest.raises(InvalidValue, match="missing: 'right'"):
        conformed(wanted, {"left": np.ones((2, 2))})
    with pytest.raises(InvalidValue, match="takes columns by name, not a list") as refusal:
        conformed(wanted, [1, 2])
    assert "left, right" in refusal.value.hint


def test_a_function_behind_its_signature_is_called_with_what_conforms() -> None:
    guarded = Enforced(lambda rows: rows["a"] * 2, taking(a="float64"))
    assert guarded(pd.DataFrame({"a": [1]})).tolist() == [2.0]
    assert guarded.predict(pd.DataFrame({"a": [1]})).tolist() == [2.0]
    with pytest.raises(InvalidValue, match="missing: 'a'"):
        guarded(pd.DataFrame())
