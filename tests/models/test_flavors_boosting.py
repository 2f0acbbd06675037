"""XGBoost and LightGBM: the same class comes back, predicts the same and has the same bytes; nothing is pickled."""
# ruff: noqa: N803, N806 - X is what scikit-learn calls it

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlops_ext.errors import DamagedBlob, MissingExtra
from mlops_ext.models.flavors import CannotSave, flavor_named, save_model
from mlops_ext.models.scanning import scan_folder
from mlops_ext.models.signatures.inference import infer
from mlops_ext.models.types import Field_


@cache
def data() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(5)
    X = pd.DataFrame({"a": rng.normal(size=400), "b": rng.normal(size=400), "c": rng.choice(["x", "y", "z"], 400)})
    X.loc[::7, "b"] = np.nan
    X["c"] = X["c"].astype("category")
    return X, (X["a"] + (X["c"] == "x") > 0.3).astype(int).to_numpy()


def late() -> Any:
    """A classifier whose classes are texts."""
    X, y = data()
    return lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(X, np.where(y, "late", "on time"))


def stopped(model: Any, **more: Any) -> Any:
    X, y = data()
    return model.fit(X[:300], y[:300], eval_set=[(X[300:], y[300:])], **more)


def ranker(kind: Any) -> Any:
    X, y = data()
    return kind.fit(X, y, group=[200, 200])


def booster(X: Any, y: Any) -> Any:
    return xgboost.train({"max_depth": 2}, xgboost.DMatrix(X, y, enable_categorical=True), 4)


def light_booster(X: Any, y: Any) -> Any:
    return lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, y), 4)


MODELS: dict[str, Callable[[], Any]] = {
    "xgboost classifier": lambda: xgboost.XGBClassifier(enable_categorical=True, n_estimators=5, max_depth=2).fit(
        *data()
    ),
    "xgboost regressor": lambda: xgboost.XGBRegressor(enable_categorical=True, n_estimators=5, missing=np.inf).fit(
        data()[0][["a"]], data()[1]
    ),
    "xgboost forest": lambda: xgboost.XGBRFClassifier(enable_categorical=True, n_estimators=5).fit(*data()),
    "xgboost ranker": lambda: ranker(xgboost.XGBRanker(enable_categorical=True, n_estimators=5)),
    "xgboost of many classes": lambda: xgboost.XGBClassifier(enable_categorical=True, n_estimators=3).fit(
        data()[0], data()[1] + (data()[0].a > 1)
    ),
    "xgboost stopped early": lambda: stopped(
        xgboost.XGBClassifier(enable_categorical=True, n_estimators=60, early_stopping_rounds=2), verbose=False
    ),
    "xgboost linear": lambda: xgboost.XGBRegressor(enable_categorical=True, booster="gblinear", n_estimators=3).fit(
        data()[0][["a"]], data()[1]
    ),
    "xgboost booster": lambda: booster(*data()),
    "lightgbm classifier": late,
    "lightgbm regressor": lambda: lightgbm.LGBMRegressor(n_estimators=5, verbose=-1).fit(*data()),
    "lightgbm ranker": lambda: ranker(lightgbm.LGBMRanker(n_estimators=5, verbose=-1)),
    "lightgbm balanced": lambda: lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, class_weight={0: 1.0, 1: 3.0}).fit(
        *data()
    ),
    "lightgbm stopped early": lambda: stopped(
        lightgbm.LGBMClassifier(n_estimators=60, verbose=-1), callbacks=[lightgbm.early_stopping(2, verbose=False)]
    ),
    "lightgbm booster": lambda: light_booster(*data()),
}


def answer(model: Any, X: Any) -> Any:
    if isinstance(model, xgboost.Booster):
        return model.predict(xgboost.DMatrix(X, enable_categorical=True))
    return (model.predict_proba if hasattr(model, "predict_proba") else model.predict)(X)


def files(model: Any, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    save_model(model, folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def wide(model: Any) -> pd.DataFrame:
    """Rows in the columns that the model was fitted on."""
    names = model.feature_name() if isinstance(model, lightgbm.Booster) else getattr(model, "feature_names", None)
    names = list(model.feature_names_in_) if names is None else names
    return data()[0][list(names)]


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::lightgbm.basic.LGBMDeprecationWarning")
@pytest.mark.parametrize("kind", sorted(MODELS))
def test_what_is_loaded_is_the_same_and_has_the_same_bytes(kind: str, tmp_path: Path) -> None:
    model = MODELS[kind]()
    first = files(model, tmp_path / "a")
    assert files(model, tmp_path / "b") == first
    assert files(MODELS[kind](), tmp_path / "c") == first
    flavor = flavor_named(kind.split(maxsplit=1)[0])
    assert (flavor.unsafe, flavor.untrusted(tmp_path / "a")) == (False, [])
    assert scan_folder(tmp_path / "a").findings == ()
    loaded = flavor.load(tmp_path / "a", frozenset())
    assert type(loaded) is type(model)
    X = wide(model)
    np.testing.assert_array_equal(answer(loaded, X), answer(model, X))
    assert files(loaded, tmp_path / "d") == first
    if hasattr(model, "get_params"):
        assert repr(loaded.get_params()) == repr(model.get_params())
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        assert str(clone(loaded)) == str(clone(model))


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::lightgbm.basic.LGBMDeprecationWarning")
@pytest.mark.parametrize("kind", ["xgboost stopped early", "lightgbm stopped early"])
def test_the_best_iteration_stays_known(kind: str, tmp_path: Path) -> None:
    model = MODELS[kind]()
    files(model, tmp_path / "a")
    loaded = flavor_named(kind.split(maxsplit=1)[0]).load(tmp_path / "a", frozenset())
    name = "best_iteration" if kind.startswith("xgboost") else "best_iteration_"
    assert 0 < getattr(loaded, name) == getattr(model, name) < 59
    assert loaded.n_estimators == 60


def test_any_xgboost_and_any_lightgbm_reads_the_trees(tmp_path: Path) -> None:
    X, y = data()
    model = xgboost.XGBRegressor(enable_categorical=True, n_estimators=3).fit(X, y)
    files(model, tmp_path / "x")
    plain = xgboost.Booster(model_file=tmp_path / "x" / "model.ubj")
    np.testing.assert_array_equal(plain.predict(xgboost.DMatrix(X, enable_categorical=True)), model.predict(X))
    light = late()
    files(light, tmp_path / "l")
    trees = lightgbm.Booster(model_file=tmp_path / "l" / "model.txt")
    np.testing.assert_array_equal(trees.predict(X), light.predict_proba(X)[:, 1])


def test_an_objective_of_ones_own_is_left_to_another_flavor(tmp_path: Path) -> None:
    def objective(y: Any, p: Any) -> Any:
        return p - y, np.ones_like(y)

    X, y = data()
    model = xgboost.XGBRegressor(enable_categorical=True, n_estimators=2, objective=objective).fit(X, y)
    with pytest.raises(CannotSave, match="'objective'"):
        flavor_named("xgboost").save(model, tmp_path)
    assert save_model(model, tmp_path).name == "callable"


@pytest.mark.parametrize("model", [xgboost.XGBClassifier(), lightgbm.LGBMClassifier()])
def test_a_model_that_is_not_fitted_is_refused_by_its_flavor(model: Any, tmp_path: Path) -> None:
    with pytest.raises(CannotSave, match="not fitted"):
        flavor_named(type(model).__module__.partition(".")[0]).save(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "step", [xgboost.XGBClassifier(n_estimators=3), lightgbm.LGBMClassifier(n_estimators=3, verbose=-1)]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_trees_at_the_end_of_a_pipeline_need_no_trust(step: Any, tmp_path: Path) -> None:
    X, y = data()
    numbers = X[["a", "b"]]
    model = make_pipeline(StandardScaler(), step).fit(numbers, y)
    first = files(model, tmp_path / "a")
    assert list(first) == ["model.skops"]
    assert files(model, tmp_path / "b") == first
    flavor = flavor_named("sklearn")
    assert flavor.untrusted(tmp_path / "a") == []
    loaded = flavor.load(tmp_path / "a", frozenset())
    np.testing.assert_array_equal(loaded.predict_proba(numbers), model.predict_proba(numbers))


def test_a_booster_is_asked_for_its_signature(tmp_path: Path) -> None:
    X, y = data()
    assert infer(booster(X, y), X).outputs == (Field_(name="prediction", type="float32"),)
    assert infer(light_booster(X, y), X).outputs == (Field_(name="prediction", type="float64"),)


@pytest.mark.parametrize(("kind", "file"), [("xgboost booster", "model.ubj"), ("lightgbm booster", "model.txt")])
def test_a_file_that_the_library_cannot_read_is_named(kind: str, file: str, tmp_path: Path) -> None:
    files(MODELS[kind](), tmp_path / "a")
    (tmp_path / "a" / file).write_bytes(b"no trees")
    with pytest.raises(DamagedBlob, match=file):
        flavor_named(kind.split(maxsplit=1)[0]).load(tmp_path / "a", frozenset())


def test_a_class_that_is_not_the_librarys_is_not_made(tmp_path: Path) -> None:
    files(MODELS["xgboost classifier"](), tmp_path / "a")
    path = tmp_path / "a" / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"class": "DMatrix"}))
    with pytest.raises(DamagedBlob, match="DMatrix"):
        flavor_named("xgboost").load(tmp_path / "a", frozenset())


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_a_library_that_is_missing_is_named_with_its_extra(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(MODELS[f"{library} booster"](), tmp_path / "a")
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(MissingExtra, match=library) as refusal:
        flavor_named(library).load(tmp_path / "a", frozenset())
    assert "mlops-ext[boost]" in refusal.value.hint
