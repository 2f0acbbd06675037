"""Fill a workspace with a small story: `python -m tests.ui.seed FOLDER`."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

import mlops_ext as mlops
from mlops_ext.models.promotion.types import ApplyPolicy, GateRule, Policy
from mlops_ext.models.types import SetAlias
from mlops_ext.monitoring.alerts.types import RaiseAlert
from mlops_ext.monitoring.types import MetricEstimate, SaveReport
from mlops_ext.rooms import find
from mlops_ext.runs.schedules.types import AddSchedule
from mlops_ext.store.catalog import Actor
from mlops_ext.workspace import Workspace

WINDOWS = {"2013-02": 0.779, "2013-03": 0.731, "2013-04": 0.742, "2013-05": 0.765, "2013-06": 0.712}
PARAMETERS = """\
month: int = 1  # Month of 2013 to train on
learning_rate: float = 0.1  # Step size
balanced: bool = False  # Weigh classes
fail: bool = False
"""


def main(folder: Path) -> None:
    """Make notebooks, datasets, models, deployments, reports and an alert."""
    folder.mkdir(parents=True, exist_ok=True)
    notebooks(folder)
    ws = Workspace(folder)
    data = frame(400)
    first = data.iloc[:380].assign(wind_speed=data["wind_speed"].where(data.index % 40 > 0, 0.0))
    mlops.snapshot(first, "flights", primary_key=["flight"], description="Departures out of New York", workspace=ws)
    flights = mlops.snapshot(data, "flights", description="Departures out of New York", workspace=ws)
    mlops.snapshot(data[["distance", "wind_speed"]], "weather", workspace=ws)
    rule = GateRule(gate="metric", options={"metric": "auc", "minimum": 0.75})
    asked = GateRule(gate="approvals", options={"count": 1})
    ws.call(find("policy.apply"), ApplyPolicy(policy=Policy(gates={"production": (rule,), "development": (asked,)})))
    for name in ("delay", "fraud"):
        models(ws, name, data, flights)
    anna = ws.acting_as(Actor("anna"))
    mlops.promote("delay@3", to="development", comment="to try it", workspace=anna)
    reports(ws)
    nightly = AddSchedule(schedule="nightly", notebook="train.ipynb", cron="0 3 * * *", tz="Europe/Berlin")
    ws.call(find("schedules.add"), nightly)


def frame(rows: int) -> pd.DataFrame:
    """Give flights that never were."""
    random = np.random.default_rng(rows)
    return pd.DataFrame(
        {
            "flight": [f"UA{1000 + number}" for number in range(rows)],
            "origin": random.choice(["EWR", "JFK", "LGA"], rows),
            "dep_hour": random.integers(5, 23, rows),
            "distance": random.uniform(90, 4900, rows).round(),
            "wind_speed": random.gamma(3, 4, rows),
            "late": random.integers(0, 2, rows),
        }
    )


def notebooks(folder: Path) -> None:
    """Write a notebook with parameters and one without."""
    cell = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    work = nbformat.v4.new_code_cell("assert not fail, 'asked to fail'\nprint(month)")
    # As Lab itself would write it; with less, opening the notebook changes it.
    language = {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": platform.python_version(),
    }
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    spec = {"kernelspec": kernel, "language_info": language}
    nbformat.write(nbformat.v4.new_notebook(cells=[cell, work], metadata=spec), folder / "train.ipynb")
    nbformat.write(nbformat.v4.new_notebook(cells=[work], metadata=spec), folder / "plain.ipynb")


def models(ws: Workspace, name: str, data: pd.DataFrame, inputs: Any) -> None:
    """Register three versions, of which the last is too bad for production."""
    features = data[["dep_hour", "distance", "wind_speed"]]
    for auc, strength in ((0.7612, 1.0), (0.7831, 0.1), (0.7004, 1e-4)):
        model = LogisticRegression(C=strength).fit(features, data["late"])
        mlops.register(
            model,
            name,
            metrics={"auc": auc, "log_loss": 0.43},
            params={"C": strength},
            inputs=[inputs],
            example=features.head(),
            description="Will this flight be late?" if name == "delay" else "",
            workspace=ws,
        )
    mlops.promote(f"{name}@1", to="production", comment="the first one", workspace=ws)
    mlops.promote(f"{name}@2", to="production", comment="more data", workspace=ws)
    mlops.promote(f"{name}@3", to="staging", workspace=ws)
    ws.call(find("models.alias"), SetAlias(model=f"{name}@2", alias="champion"))


def reports(ws: Workspace) -> None:
    """Save how a model did, and raise an alert on the last window."""
    for window, auc in WINDOWS.items():
        metric = MetricEstimate(name="auc", value=auc, low=auc - 0.011, high=auc + 0.011)
        status = "loss" if auc < 0.75 else "ok"
        report = SaveReport(kind="performance", model="delay@2", window=window, status=status, metrics=(metric,))
        saved = ws.call(find("monitoring.report"), report.model_copy(update={"label_coverage": 1.0}))
    estimate = MetricEstimate(name="auc", value=0.70, low=0.66, high=0.735, kind="estimated")
    ws.call(
        find("monitoring.report"),
        SaveReport(kind="estimate", model="delay@2", window="2013-07", status="loss", metrics=(estimate,)),
    )
    drift(ws)
    alert = RaiseAlert(
        monitor="auc", model="delay@2", kind="performance_loss", window="2013-06", report=saved.id,
        message="AUC fell to 0.712 [0.701, 0.723] in 2013-06",
    )  # fmt: skip
    ws.call(find("monitoring.raise"), alert)


def drift(ws: Workspace) -> None:
    """Compare two later months with the first: the wind rises."""
    first = frame(600)
    for number, window in enumerate(("2013-05", "2013-06"), 1):
        later = frame(600 + number)
        later["wind_speed"] = later["wind_speed"] + 6 * number
        mlops.drift(
            first, later, columns=["dep_hour", "distance", "wind_speed"], slices=["origin"], window=window,
            together=window == "2013-06", model="delay@2", save=True, workspace=ws,
        )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
