"""ONNX: the bytes are kept, a session comes back, and no file outside of the model is read."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from mlops_ext.errors import DamagedBlob, MissingExtra
from mlops_ext.models.flavors import CannotSave, save_model
from mlops_ext.models.flavors import onnx as flavor_module
from mlops_ext.models.flavors.onnx import OnnxFlavor
from mlops_ext.models.scanning import scan_folder
from mlops_ext.models.signatures.asking import answers_of
from mlops_ext.models.signatures.inference import infer

X = np.random.default_rng(2).random((60, 3)).astype("float32")
Y = (X[:, 0] > 0.5).astype(int)


@cache
def estimator() -> Any:
    return LogisticRegression().fit(X, Y)


@cache
def converted() -> Any:
    return to_onnx(estimator(), X[:1], options={"zipmap": False})


def product(weights: Any) -> Any:
    """The product of the rows with fixed weights."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", weights.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", weights.shape[1]])],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def pointing(location: str) -> Any:
    """The same product, whose weights are said to lie in another file."""
    model = product(np.ones((3, 2), "float32"))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "24")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return model


def files(model: Any, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    assert save_model(model, folder).name == "onnx"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_session_comes_back_that_predicts_the_same(tmp_path: Path) -> None:
    first = files(converted(), tmp_path / "a")
    assert list(first) == ["model.onnx"]
    assert files(converted(), tmp_path / "b") == first
    assert files(onnx.load_model_from_string(first["model.onnx"]), tmp_path / "c") == first
    assert OnnxFlavor().untrusted(tmp_path / "a") == []
    assert scan_folder(tmp_path / "a").verdict == "clean"
    session = OnnxFlavor().load(tmp_path / "a", frozenset())
    assert isinstance(session, onnxruntime.InferenceSession)
    label, probability = session.run(None, {session.get_inputs()[0].name: X})
    np.testing.assert_array_equal(label, estimator().predict(X))
    np.testing.assert_allclose(probability, estimator().predict_proba(X), atol=1e-6)


def test_its_outputs_are_asked_by_name_before_and_after() -> None:
    session = onnxruntime.InferenceSession(converted().SerializeToString(), providers=["CPUExecutionProvider"])
    for model in (converted(), session):
        asked = answers_of(model)
        assert list(asked) == ["label", "probabilities"]
        np.testing.assert_array_equal(asked["label"](pd.DataFrame(X)), estimator().predict(X))
    found = infer(converted(), X)
    assert [(field.name, field.type) for field in (*found.inputs, *found.outputs)] == [
        ("input", "float32[-1, 3]"),
        ("label", "int64"),
        ("probabilities", "float32[-1, 2]"),
    ]


def test_columns_of_their_own_are_fed_by_name() -> None:
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", 1]) for name in ("a", "b")]
    output = [helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["rows", 1])]
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["sum"])], "sum", inputs, output)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    frame = pd.DataFrame({"b": [10, 20], "a": [1.0, 2.0]})
    assert answers_of(model)["sum"](frame).tolist() == [[11], [22]]


def test_a_model_larger_than_a_protobuf_keeps_its_tensors_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = np.random.default_rng(1).random((64, 64)).astype("float32")
    model = product(weights)
    whole = model.SerializeToString()
    monkeypatch.setattr(flavor_module, "MAX_BYTES", 1000)
    stored = files(model, tmp_path / "a")
    assert sorted(stored) == ["model.onnx", "model.onnx.data"]
    assert model.SerializeToString() == whole
    assert files(model, tmp_path / "b") == stored
    rows = np.ones((2, 64), "float32")
    session = OnnxFlavor().load(tmp_path / "a", frozenset())
    np.testing.assert_allclose(session.run(None, {"x": rows})[0], rows @ weights, rtol=1e-5)


def test_tensors_that_are_not_loaded_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotSave, match="'w' lies in a file of its own"):
        OnnxFlavor().save(pointing("w.bin"), tmp_path)


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "", "absent.bin", "link", "a/../../secret", "."])
def test_tensors_outside_of_the_model_are_not_read(location: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(24))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "model.onnx").write_bytes(pointing(location).SerializeToString())
    with pytest.raises(DamagedBlob, match="no file of the model"):
        OnnxFlavor().load(folder, frozenset())


def test_tensors_inside_a_branch_are_looked_at_too(tmp_path: Path) -> None:
    outer = product(np.ones((3, 2), "float32"))
    attribute = outer.graph.node[0].attribute.add()
    attribute.name, attribute.type = "then_branch", onnx.AttributeProto.GRAPH
    attribute.g.CopyFrom(pointing("../secret").graph)
    (tmp_path / "model.onnx").write_bytes(outer.SerializeToString())
    with pytest.raises(DamagedBlob, match=r"\.\./secret"):
        OnnxFlavor().load(tmp_path, frozenset())


def test_bytes_that_are_no_model_are_named(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\xff\xff no model")
    with pytest.raises(DamagedBlob, match=r"model\.onnx is no ONNX model"):
        OnnxFlavor().load(tmp_path, frozenset())


@pytest.mark.parametrize("library", ["onnx", "onnxruntime"])
def test_a_library_that_is_missing_is_named_with_its_extra(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(converted(), tmp_path / "a")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=library) as refusal:
        OnnxFlavor().load(tmp_path / "a", frozenset())
    assert "mlops-ext[onnx]" in refusal.value.hint
