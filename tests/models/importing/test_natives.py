"""Which of our flavors reads what MLflow wrote: its own libraries write the folders, the natives read them back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlops_ext.models.flavors import flavor_named
from mlops_ext.models.importing.natives import flavor_of, read_mlmodel

pytest.importorskip("mlflow")

pytestmark = pytest.mark.filterwarnings("ignore")
ROWS = np.random.default_rng(0).normal(size=(60, 3))
TRUTH = (ROWS[:, 0] > 0).astype(int)


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_boosted_trees_are_read_by_their_own_library(library: str, tmp_path: Path) -> None:
    import mlflow

    module = pytest.importorskip(library)
    kind = module.XGBClassifier if library == "xgboost" else module.LGBMClassifier
    model = kind(n_estimators=5).fit(ROWS, TRUTH)
    folder = tmp_path / "model"
    saver: Any = getattr(mlflow, library)
    saver.save_model(model if library == "xgboost" else model.booster_, folder, pip_requirements=[library])
    assert flavor_of(folder, read_mlmodel(folder)) == library
    flavor = flavor_named(library)
    assert list(flavor.untrusted(folder)) == []
    loaded = flavor.load(folder, ())
    rows = module.DMatrix(ROWS) if library == "xgboost" else ROWS
    assert np.allclose(loaded.predict(rows), model.predict_proba(ROWS)[:, 1])


def test_onnx_is_onnx(tmp_path: Path) -> None:
    import mlflow

    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    told = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 3]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", told[:1], told[1:])
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    mlflow.onnx.save_model(model, tmp_path / "model", pip_requirements=["onnx"])
    folder = tmp_path / "model"
    assert flavor_of(folder, read_mlmodel(folder)) == "onnx"
