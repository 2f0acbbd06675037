"""Making a version again: the same comes out or it is said what differs, and nothing but evidence is left behind."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import func, select

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.edge import snapshot
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import InvalidValue, MissingExtra, MlopsError
from mlops_ext.features.edge import feature_view
from mlops_ext.governance.evidence import card
from mlops_ext.governance.evidence.types import ShowCard
from mlops_ext.models import service as registry
from mlops_ext.models.comparison import Difference
from mlops_ext.models.reproductions import Reproduction, ShowReproduction
from mlops_ext.models.types import EnvironmentLock, Execution, ModelVersion, ShowModel, ShowVersion
from mlops_ext.runs import edge
from mlops_ext.runs.reproduction import environments
from mlops_ext.runs.reproduction.comparing import Tolerances, predictions_of, verdict_of
from mlops_ext.runs.reproduction.edge import reproduce
from mlops_ext.store.schema import event_data, events
from mlops_ext.tracking import active
from mlops_ext.workspace import Workspace
from tests.models.support import registered
from tests.runs.writing import write_notebook

TRAIN = """
import mlops_ext as mlops
rows = mlops.load('numbers')
slope = float(rows['y'].diff().mean()) * scale
version = mlops.register(lambda rows: rows['x'] * slope, 'line', example=rows[['x']], metrics={'slope': slope})
"""
FIT = """
import mlops_ext as mlops
from sklearn.linear_model import LinearRegression
rows = mlops.load('numbers')
model = LinearRegression().fit(rows[['x']], rows['y'] * scale)
version = mlops.register(model, 'line', example=rows[['x']], metrics={'slope': float(model.coef_[0])})
"""
TRUSTED = [f"cloudpickle.cloudpickle.{name}" for name in ("_builtin_type", "_function_setstate", "_make_function")]
NO_CELLS = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}).encode()


@pytest.fixture(autouse=True)
def _no_run_left(ws: Workspace) -> Iterator[None]:
    yield
    active.end(ws, "succeeded")


def numbers(slope: float = 2.0, rows: int = 20) -> pd.DataFrame:
    x = [float(each) for each in range(rows)]
    return pd.DataFrame({"x": x, "y": [slope * each + 1 for each in x]})


def train(ws: Workspace, *cells: str, **parameters: Any) -> ModelVersion:
    """Register `line@1` from a job."""
    write_notebook(ws.root / "nb" / "train.ipynb", ("scale: float = 1.0", "parameters"), *(cells or (TRAIN,)))
    run = edge.run("nb/train.ipynb", parameters=parameters, workspace=ws)
    assert run.status == "succeeded", run
    return ws.call(registry.version, ShowVersion(model="line"))


def count_of(ws: Workspace) -> int:
    return ws.call(registry.show, ShowModel(model="line")).latest


def test_the_same_comes_out_of_the_same_data_and_parameters_and_only_evidence_is_left(ws: Workspace) -> None:
    snapshot(numbers(), "numbers", workspace=ws)
    first = train(ws, FIT, scale=3.0)
    (ws.root / "nb" / "train.ipynb").unlink()
    snapshot(numbers(5.0), "numbers", workspace=ws)
    found = reproduce(first, workspace=ws)
    assert (found.verdict, found.same_files, found.differences) == ("reproduced", True, ()), found
    assert [(each.name, each.within) for each in found.metrics] == [("slope", True)]
    assert found.metrics[0].after == pytest.approx(6.0), "made of the rows and parameters of then"
    assert found.predictions is not None
    assert (found.predictions.dataset, found.predictions.answers) == ("numbers@1", 20)
    assert (found.predictions.different, found.predictions.largest) == (0, 0.0)
    assert "dataset:numbers@1" in found.pinned
    assert count_of(ws) == 1, "no version was registered"
    noted = ws.call(registry.reproduction, ShowReproduction(model="line@1"))
    assert (noted.verdict, noted.run) == ("reproduced", found.run)
    assert Reproduction.model_validate_json(ws.get_blob(noted.record)) == found
    shown = ws.call(card.show, ShowCard(model="line@1"))
    assert shown.reproduction == noted
    with ws.catalog.read() as connection:
        made = connection.execute(select(func.count()).where(events.c.action == "model.reproduced")).scalar_one()
        told = connection.execute(select(event_data.c.data).order_by(event_data.c.seq.desc()).limit(1)).scalar_one()
    assert (made, json.loads(told)["verdict"]) == (1, "reproduced")


def changed_by_a_thousandth(ws: Workspace) -> ModelVersion:
    """Register `line@1`, then change the module that its notebook imports."""
    snapshot(numbers(), "numbers", workspace=ws)
    (ws.root / "nb" / "factor.py").write_text("FACTOR = 1.0\n", encoding="utf-8")
    first = train(ws, "from factor import FACTOR\nscale = scale * FACTOR", TRAIN)
    (ws.root / "nb" / "factor.py").write_text("FACTOR = 1.001\n", encoding="utf-8")
    return first


def test_a_module_that_changed_is_found_by_the_metrics_and_predictions(ws: Workspace) -> None:
    found = reproduce(changed_by_a_thousandth(ws), trust=TRUSTED, workspace=ws)
    assert found.verdict == "differs"
    assert found.metrics[0].within is False
    assert found.predictions is not None
    assert found.predictions.different == 19, "all but zero"
    assert "slope" in found.reason
    assert not found.same_files


@pytest.mark.deep
def test_what_differs_by_less_than_the_given_tolerance_is_the_same(ws: Workspace) -> None:
    found = reproduce(changed_by_a_thousandth(ws), relative=0.01, on="numbers", trust=TRUSTED, workspace=ws)
    assert found.verdict == "reproduced", "within one percent"
    assert (found.relative, found.absolute) == (0.01, 1e-9)


def test_what_the_first_run_made_on_its_way_is_made_again_and_no_second_version_stays(ws: Workspace) -> None:
    snapshot(numbers(), "numbers", workspace=ws)
    halve = "import mlops_ext as mlops\nmlops.snapshot(mlops.load('numbers').head(10), 'half')"
    second = f"""
assert version.version == 1
assert len(mlops.load('half')) == 10
mlops.load_model('line', trust={TRUSTED})"""
    first = train(ws, halve, TRAIN.replace("'numbers'", "'half'"), second)
    snapshot(numbers(7.0), "half", workspace=ws)
    found = reproduce(first, workspace=ws)
    assert found.verdict == "reproduced", found
    assert found.notes == ()
    assert ws.call(datasets.show, ShowDataset(dataset="half")).version == 2, "no third version of it was made"
    assert count_of(ws) == 1


def test_a_view_is_defined_again_as_it_was_and_refused_once_it_is_defined_otherwise(ws: Workspace) -> None:
    snapshot(
        numbers().assign(place="a", seen=pd.date_range("2024-01-01", periods=20, tz="UTC")), "numbers", workspace=ws
    )
    view = "mlops.feature_view('by_place', dataset='numbers', entity='place', time='seen', ttl='3h')"
    first = train(ws, f"import mlops_ext as mlops\n{view}", TRAIN)
    snapshot(numbers().assign(place="a", seen=pd.Timestamp("2024-01-01", tz="UTC"), more=1.0), "numbers", workspace=ws)
    found = reproduce(first, workspace=ws)
    assert (found.verdict, found.notes) == ("reproduced", ())
    feature_view("by_place", dataset="numbers", entity="place", time="seen", ttl="1h", workspace=ws)
    found = reproduce(first, workspace=ws)
    assert found.verdict == "not_comparable"
    assert "features.define is not done in a reproduction" in found.reason


def test_a_notebook_that_promotes_changes_nothing_and_is_compared_all_the_same(ws: Workspace) -> None:
    snapshot(numbers(), "numbers", workspace=ws)
    first = train(ws, TRAIN, "mlops.tag('line', {'team': 'air'})")
    found = reproduce(first, workspace=ws)
    assert found.verdict == "reproduced"
    assert any("is not done in a reproduction" in each for each in found.notes)


@pytest.mark.deep
def test_a_notebook_that_fails_or_registers_nothing_is_not_comparable(ws: Workspace) -> None:
    snapshot(numbers(), "numbers", workspace=ws)
    gate = "from pathlib import Path\nmode = Path('mode').read_text()\nassert mode != 'fail', 'no more'"
    (ws.root / "nb" / "mode").write_text("go")
    first = train(ws, gate, f"if mode == 'go':\n{TRAIN.replace(chr(10), chr(10) + '    ')}")
    (ws.root / "nb" / "mode").write_text("fail")
    failed = reproduce(first, workspace=ws)
    assert failed.verdict == "not_comparable"
    assert "no more" in failed.reason
    (ws.root / "nb" / "mode").write_text("silent")
    assert "it registered no 'line'" in reproduce(first, workspace=ws).reason


@pytest.mark.parametrize(
    ("fields", "says", "hint"),
    [
        ({"execution": Execution(kind="script")}, "a script registered it", "Run the script"),
        ({"notebook": None}, "has no notebook", "Run again"),
        ({"execution": Execution(kind="interactive", reasons=("cell 2 ran twice",))}, "by hand", "mlops rerun delay@1"),
    ],
)
def test_what_no_run_made_is_refused(ws: Workspace, fields: dict[str, Any], says: str, hint: str) -> None:
    notebook = None if fields.get("execution", Execution(kind="clean")).kind == "script" else ws.put_blob(NO_CELLS)
    version = registered(ws, **{"notebook": notebook, **fields})
    with pytest.raises(InvalidValue, match=says) as refusal:
        reproduce(version, workspace=ws)
    assert hint in refusal.value.hint


def test_a_missing_secret_is_named_before_anything_starts(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot(numbers(), "numbers", workspace=ws)
    write_notebook(ws.root / "nb" / "train.ipynb", ("scale: float = 1.0\ntoken: str = ''", "parameters"), TRAIN)
    monkeypatch.setenv("MLOPS_SECRET_TOKEN", "tulip-77")
    edge.run("nb/train.ipynb", secrets=["token"], workspace=ws)
    monkeypatch.delenv("MLOPS_SECRET_TOKEN")
    with pytest.raises(InvalidValue, match="the secret 'token'"):
        reproduce("line@1", workspace=ws)
    assert reproduce("line@1", secrets={"token": "tulip-77"}, workspace=ws).verdict == "reproduced"


def test_data_that_is_gone_is_named(ws: Workspace) -> None:
    snapshot(numbers(), "numbers", workspace=ws)
    first = registered(ws, notebook=ws.put_blob(NO_CELLS), inputs=("dataset:numbers@1",))
    manifest = Path(ws.blob_path(ws.call(datasets.show, ShowDataset(dataset="numbers@1")).manifest))
    manifest.chmod(0o600)
    manifest.unlink()
    with pytest.raises(MlopsError, match="made of numbers@1, which is no longer there"):
        reproduce(first, workspace=ws)


@pytest.mark.fast
def test_tolerances_and_verdicts() -> None:
    tight = Tolerances(1e-6, 0.0)
    assert tight.near(float("nan"), float("nan"))
    assert not tight.near(1.0, float("nan"))
    assert tight.near(float("inf"), float("inf"))
    assert tight.near(1e6, 1e6 + 1)
    assert not tight.near(1e6, 1e6 + 2)
    with pytest.raises(InvalidValue, match="tolerance"):
        Tolerances(-1.0)
    from mlops_ext.models.reproductions import ComparedMetric, ComparedPredictions

    off = ComparedMetric(name="auc", before=0.7, after=0.6, difference=-0.1, within=False)
    none = ComparedPredictions(dataset="", why_not="no rows")
    package = Difference(about="package", name="scikit-learn", before="1.5", after="1.6")
    verdict, reason = verdict_of([off], none, [package], same_files=False)
    assert verdict == "differs"
    assert reason.endswith("one input differs: package scikit-learn (1.5 → 1.6)")
    assert "not deterministic" in verdict_of([off], none, [], same_files=False)[1]
    assert verdict_of([], none, [], same_files=False)[0] == "not_comparable"
    assert verdict_of([], none, [], same_files=True)[0] == "reproduced"


@pytest.mark.fast
def test_a_lock_becomes_requirements_without_what_lay_on_that_machine() -> None:
    lock = EnvironmentLock(
        python="3.11.7",
        platform="Linux",
        packages={"a": "1.0", "b": "2.0", "mlops-ext": "0.2", "mine": "0"},
        sources={"b": "git+https://example.org/b@abc", "mine": "editable file:///home/me/mine"},
    )
    wanted, notes = environments.requirements_of(lock)
    assert wanted == ["a==1.0", "b @ git+https://example.org/b@abc"]
    assert notes == ("mine 0 was editable file:///home/me/mine and was not installed",)


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_a_locked_environment_is_built_once_and_the_kernel_and_the_models_live_in_it(ws: Workspace) -> None:
    snapshot(numbers(), "numbers", workspace=ws)
    first = train(ws, FIT)
    assert first.lock is not None
    needed = closure("mlops-ext", {"runs", "models", "data"})
    packages = {name: number for name, number in first.lock.packages.items() if plain(name) in needed}
    version = first.model_copy(update={"lock": first.lock.model_copy(update={"packages": packages, "sources": {}})})
    built = environments.build(ws, version)
    again = environments.build(ws, version)
    assert again.folder == built.folder
    assert [each.name for each in built.folder.parent.iterdir()] == [built.folder.name], "nothing half built is left"
    with environments.with_kernel(built) as kernel:
        write_notebook(ws.root / "nb" / "where.ipynb", f"import sys, mlops_ext\n{TRAIN_ELSEWHERE}\nprint(sys.prefix)")
        run = edge.run("nb/where.ipynb", "out.ipynb", kernel=kernel, workspace=ws)
    assert run.status == "succeeded", run
    assert str(built.folder) in (ws.root / "out.ipynb").read_text(encoding="utf-8").replace("\\", "")
    other = ws.call(registry.version, ShowVersion(model="other"))
    assert other.lock is not None
    assert {plain(name) for name in other.lock.packages} <= needed
    answers = predictions_of(ws, first, other, Tolerances(), python=str(built.python))
    assert (answers.why_not, answers.answers, answers.different) == ("", 20, 0)


TRAIN_ELSEWHERE = FIT.replace("'line'", "'other'").replace(" * scale", "")


def plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def closure(name: str, extras: set[str]) -> set[str]:
    """Name all that a distribution needs here, itself included."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    found, look = set[str](), [(name, frozenset(extras))]
    while look:
        at, wanted = look.pop()
        try:
            needs = [Requirement(text) for text in requires(at) or ()]
        except PackageNotFoundError:
            continue
        found.add(plain(at))
        for need in needs:
            marker = need.marker
            asked = any(marker.evaluate({"extra": each}) for each in ("", *wanted)) if marker else True
            if asked and plain(need.name) not in found:
                look.append((need.name, frozenset(need.extras)))
    return found


def test_a_missing_uv_is_said(ws: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    snapshot(numbers(), "numbers", workspace=ws)
    lock = EnvironmentLock(python="3.11", platform="Linux", packages={"a": "1.0"})
    version = registered(ws, notebook=ws.put_blob(NO_CELLS), lock=lock, execution=Execution(kind="clean"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtra, match="uv builds environments") as refusal:
        reproduce(version, env="build", workspace=ws)
    assert "pip install uv" in refusal.value.hint
