"""Flavors: the same fitted model gives the same bytes, and nothing untrusted is loaded."""
# ruff: noqa: N803, N806 - X is what scikit-learn calls it

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from mlops_ext.errors import InvalidValue
from mlops_ext.models.flavors import UntrustedModel, save_model
from mlops_ext.models.flavors.archive import normalised
from mlops_ext.models.flavors.callable import CallableFlavor
from mlops_ext.models.flavors.sklearn import FILE, SklearnFlavor


def data() -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(7)
    X = pd.DataFrame({"a": rng.normal(size=300), "b": rng.integers(0, 5, 300), "c": rng.choice(["x", "y"], 300)})
    return X, (X["a"] + rng.normal(size=300) > 0).to_numpy()


def encoded() -> ColumnTransformer:
    return ColumnTransformer(
        [("scale", StandardScaler(), ["a", "b"]), ("code", OneHotEncoder(handle_unknown="ignore"), ["c"])]
    )


MODELS = {
    "boosting": lambda: HistGradientBoostingClassifier(max_iter=4, random_state=1),
    "forest": lambda: RandomForestClassifier(5, random_state=1),
    "linear": LogisticRegression,
    "calibrated": lambda: CalibratedClassifierCV(LogisticRegression(), cv=2),
    "network": lambda: MLPClassifier((4,), max_iter=5, random_state=1),
}


def fitted(name: str) -> Any:
    X, y = data()
    return make_pipeline(encoded(), MODELS[name]()).fit(X, y)


def archive(model: Any, folder: Path) -> bytes:
    folder.mkdir(exist_ok=True)
    SklearnFlavor().save(model, folder)
    return (folder / FILE).read_bytes()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", sorted(MODELS))
def test_dumping_twice_gives_the_same_bytes_and_loads_to_the_same_predictions(name: str, tmp_path: Path) -> None:
    X, _ = data()
    model = fitted(name)
    first = archive(model, tmp_path / "a")
    assert archive(model, tmp_path / "b") == first
    assert archive(fitted(name), tmp_path / "c") == first
    assert SklearnFlavor().untrusted(tmp_path / "a") == []
    loaded = SklearnFlavor().load(tmp_path / "a", frozenset())
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def digests_of_all() -> dict[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        return {name: hashlib.sha256(archive(fitted(name), Path(folder) / name)).hexdigest() for name in MODELS}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_another_process_with_another_hash_seed_gives_the_same_bytes() -> None:
    code = (
        "import json, sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "from tests.models.test_flavors import digests_of_all\n"
        "print(json.dumps([digests_of_all(), sorted({'dask', 'torch'} & set(sys.modules))]))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    digests, imported = json.loads(done.stdout)
    assert digests == digests_of_all()
    assert imported == [], "large libraries that no model needs are not imported"


def test_normalising_is_idempotent_and_fixes_every_stamp() -> None:
    import skops.io

    once = normalised(skops.io.dumps(fitted("forest")))
    assert normalised(once) == once
    with zipfile.ZipFile(io.BytesIO(once)) as archive_:
        assert {member.date_time for member in archive_.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        names = archive_.namelist()
    assert names[0] == "schema.json"
    assert names[1:] == [f"{number}.npy" for number in range(len(names) - 1)]


class Doubler(BaseEstimator):
    def fit(self, X: Any, y: Any = None) -> Doubler:
        self.factor_ = 2
        return self

    def predict(self, X: Any) -> Any:
        return np.asarray(X) * self.factor_


def test_a_class_of_ones_own_must_be_trusted_by_name(tmp_path: Path) -> None:
    assert save_model(Doubler().fit([[1]]), tmp_path).name == "sklearn"
    flavor = SklearnFlavor()
    found = flavor.untrusted(tmp_path)
    assert found == ["tests.models.test_flavors.Doubler"]
    with pytest.raises(UntrustedModel, match="Doubler") as refusal:
        flavor.load(tmp_path, frozenset())
    assert "trust=['tests.models.test_flavors.Doubler']" in refusal.value.hint
    assert flavor.load(tmp_path, frozenset(found)).predict([1, 2]).tolist() == [2, 4]


def test_a_pipeline_with_a_lambda_is_saved_unsafely_and_says_so(tmp_path: Path) -> None:
    X, _ = data()
    model = make_pipeline(FunctionTransformer(lambda frame: frame[["a"]]), StandardScaler()).fit(X)
    flavor = save_model(model, tmp_path)
    assert (flavor.name, flavor.unsafe) == ("callable", True)
    named = flavor.untrusted(tmp_path)
    assert "cloudpickle.cloudpickle._make_function" in named
    assert not [each for each in named if each.startswith(("sklearn.", "numpy."))]
    loaded = flavor.load(tmp_path, named)
    np.testing.assert_array_equal(loaded.transform(X), model.transform(X))


def test_a_function_that_no_name_leads_to_is_saved_by_value(tmp_path: Path) -> None:
    def doubled(X: Any) -> Any:
        return X * 2

    model = make_pipeline(FunctionTransformer(doubled), StandardScaler()).fit(data()[0][["a"]])
    flavor = save_model(model, tmp_path)
    assert flavor.name == "callable"
    loaded = flavor.load(tmp_path, flavor.untrusted(tmp_path))
    assert loaded.steps[0][1].func(21) == 42


def test_a_function_of_a_module_is_saved_by_name(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(np.log1p), FunctionTransformer(data)).fit([[1.0]])
    flavor = save_model(model, tmp_path)
    assert (flavor.name, flavor.untrusted(tmp_path)) == ("sklearn", ["tests.models.test_flavors.data"])


def test_a_pickle_is_not_read_unless_trusted(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    folder = tmp_path / "model"
    folder.mkdir()

    class Hostile:
        def __reduce__(self) -> Any:
            return (Path.touch, (witness,))

        def predict(self, X: Any) -> Any:
            return X

    CallableFlavor().save(Hostile(), folder)
    with pytest.raises(UntrustedModel, match=r"Path\.touch"):
        CallableFlavor().load(folder, frozenset(["sklearn"]))
    assert not witness.exists()


def test_what_no_flavor_can_save_is_said_with_the_reasons(tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        with pytest.raises(InvalidValue, match="callable: PicklingError"):
            save_model(lambda: file, tmp_path / "none")
    with pytest.raises(InvalidValue, match=r"no flavor can save a builtins\.int"):
        save_model(3, tmp_path)


def test_a_class_of_the_notebook_is_saved_by_value(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys\n"
        "from sklearn.base import BaseEstimator\n"
        "from mlops_ext.models.flavors import save_model\n"
        "class Mine(BaseEstimator):\n"
        "    def fit(self, X, y=None): return self\n"
        "    def predict(self, X): return [7 for _ in X]\n"
        "print(save_model(Mine(), pathlib.Path(sys.argv[1])).name)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
    command = [sys.executable, "-c", code, str(tmp_path)]
    told = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert told.stdout.strip() == "callable"
    flavor = CallableFlavor()
    assert flavor.load(tmp_path, flavor.untrusted(tmp_path)).predict([1, 2]) == [7, 7]
