"""Estimators in and out: what registering gathers, and that loading checks before it reads."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from mlops_ext.datasets import used
from mlops_ext.errors import DamagedBlob, InvalidValue, NotFound
from mlops_ext.models import edge, service
from mlops_ext.models.flavors import UntrustedModel
from mlops_ext.models.promotion import edge as promoting
from mlops_ext.models.promotion.types import ApplyPolicy, Policy
from mlops_ext.models.signatures.inference import infer
from mlops_ext.models.types import Field_, Signature
from mlops_ext.tracking import active
from mlops_ext.workspace import Workspace

pytestmark = pytest.mark.sqlite

X = pd.DataFrame({"distance": [1, 2, 3, 4], "wind": np.array([0.5, 1, 2, 3], "float32")})
Y = np.array([0, 0, 1, 1])


@pytest.fixture(autouse=True)
def _no_run_left(workspace: Workspace) -> Iterator[None]:
    yield
    active.end(workspace, "succeeded")


def classifier() -> LogisticRegression:
    return LogisticRegression().fit(X, Y)


def test_registering_gathers_what_the_model_was_made_of(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(used, "used", lambda root=None: ("flights@2", "weather@1"))
    version = edge.register(classifier(), "delay", example=X, metrics={"auc": np.float32(0.5)}, params={"c": 1})
    assert version.ref == "delay@1"
    assert version.inputs == ("dataset:flights@2", "dataset:weather@1")
    assert version.metrics == {"auc": 0.5}
    assert version.parameters == {"c": "1"}
    assert version.lock is not None
    assert version.lock.packages["scikit-learn"]
    run = active.current(workspace)
    assert run is not None
    assert version.run == run.id
    assert run.record.outputs == ("model:delay@1",)


def test_the_same_model_from_another_run_is_an_output_of_both(workspace: Workspace) -> None:
    first = edge.register(classifier(), "delay", inputs=[])
    active.end(workspace, "succeeded")
    second = edge.register(classifier(), "delay", inputs=[])
    run = active.current(workspace)
    assert second == first
    assert run is not None
    assert run.id != first.run
    assert run.record.outputs == ("model:delay@1",)


def test_what_is_loaded_predicts_as_what_was_registered(workspace: Workspace) -> None:
    model = classifier()
    version = edge.register(model, "delay", inputs=[])
    loaded = edge.load_model(version)
    assert type(loaded) is LogisticRegression
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_a_function_loads_only_when_what_it_refers_to_is_trusted(workspace: Workspace) -> None:
    version = edge.register(lambda frame: frame["wind"] * 2, "twice", example=X, inputs=[])
    assert "cloudpickle.cloudpickle._make_function" in version.trust
    with pytest.raises(UntrustedModel, match="_make_function"):
        edge.load_model("twice")
    assert edge.load_model("twice", trust=version.trust)(X).tolist() == [1, 2, 4, 6]


def test_a_damaged_file_is_named_and_not_read(workspace: Workspace) -> None:
    version = edge.register(lambda: None, "delay", inputs=[])
    path = workspace.blob_path(version.files[0].digest)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(DamagedBlob, match=r"model\.pkl of delay@1"):
        edge.load_model("delay", trust=version.trust)


def test_inputs_that_are_given_must_exist(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        edge.register(classifier(), "delay", inputs=["fligths@1"])
    with pytest.raises(InvalidValue, match="is one text"):
        edge.register(classifier(), "delay", inputs="flights@1")


def test_an_example_that_the_model_cannot_predict_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InvalidValue, match="cannot predict the example"):
        edge.register(classifier(), "delay", example=X[["wind"]])
    assert len(edge.models()) == 0


def test_promoting_and_rolling_back_take_records_and_texts(workspace: Workspace) -> None:
    # These tests are no script that could be run again, which the built-in policy asks for.
    workspace.call(service.apply_policy, ApplyPolicy(policy=Policy()))
    first = edge.register(classifier(), "delay", inputs=[])
    second = edge.register(LinearRegression().fit(X, Y), "delay", inputs=[])
    promoting.promote(first, to="production")
    deployment = promoting.promote("delay@latest", to="production", comment="better")
    assert deployment.version == second.version
    assert promoting.rollback(deployment).version == 1
    assert [each.version for each in promoting.deployments("delay")] == [1, 2, 1]


@pytest.mark.parametrize(
    ("example", "fields"),
    [
        (X, [("distance", "int64"), ("wind", "float32")]),
        (pa.table({"a": pa.array([1], pa.int8())}), [("a", "int8")]),
        (np.zeros((3, 4), "float32"), [("input", "float32[-1, 4]")]),
        (pd.DataFrame({"k": pd.Categorical(["x"])}), [("k", "category")]),
    ],
)
def test_a_signature_has_exact_types(example: object, fields: list[tuple[str, str]]) -> None:
    signature = infer(len, example)
    assert [(field.name, field.type) for field in signature.inputs] == fields


def test_outputs_are_asked_of_the_model() -> None:
    assert infer(classifier(), X).outputs == (
        Field_(name="prediction", type="int64"),
        Field_(name="probability", type="float64[-1, 2]"),
    )


def test_a_signature_can_be_given(workspace: Workspace) -> None:
    given = Signature(inputs=(Field_(name="x", type="int64"),))
    assert edge.register(classifier(), "delay", signature=given, inputs=[]).signature == given


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_git_state_is_kept_with_secrets_masked(workspace: Workspace) -> None:
    folder = workspace.root
    git(folder, "init", "-q", "-b", "main")
    (folder / "train.py").write_text("a = 1\n")
    git(folder, "add", "train.py")
    git(folder, "commit", "-q", "-m", "one")
    clean = edge.register(classifier(), "delay", inputs=[])
    (folder / "train.py").write_text("a = 2\napi_key = 'abcdef123456'\n")
    dirty = edge.register(classifier(), "delay", inputs=[], new=True)
    assert clean.git is not None
    assert dirty.git is not None
    assert clean.git.commit == git(folder, "rev-parse", "HEAD")
    assert (clean.git.branch, clean.git.dirty, clean.git.diff) == ("main", False, None)
    assert dirty.git.dirty
    assert dirty.git.diff is not None
    diff = workspace.get_blob(dirty.git.diff).decode()
    assert "+a = 2" in diff
    assert "abcdef123456" not in diff
