"""The registry and tracking beside MLflow's client, each on a SQLite file of its own: python -m benchmarks.registry

In process, like with like: rows only, no files. MLflow is asked through MlflowClient on `sqlite:///`, we through our
operations; of ours every change of a record is one durable transaction with its hashed event, which MLflow has not.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.frame import Report, compare, run
from mlops_ext.models import service
from mlops_ext.models.types import ListVersions, ModelFile, Register, SetAlias, ShowVersion
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import LogRun, MetricPoint, StartRun
from mlops_ext.workspace import Workspace

BOUND = 1 / 5
"""At least five times as fast in process."""
VERSIONS = 1000
MANY = 20
POINTS = 1000
NAME = "delay"


class Ours:
    """What is measured, through our operations."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.ws = Workspace(folder)
        self.count = itertools.count()
        self.digest = self.ws.put_blob(b"model")
        self.run = self.ws.call(tracking.start, StartRun(experiment="x")).id

    def register(self, times: int) -> None:
        """Register versions."""
        for _ in range(times):
            sha256 = hashlib.sha256(b"model").hexdigest()
            file = ModelFile(path=f"{next(self.count)}.bin", digest=self.digest, sha256=sha256, size=5)
            self.ws.call(service.register, Register(name=NAME, flavor="test", files=(file,)))

    def alias(self, times: int) -> None:
        """Move an alias there and back."""
        for number in range(times):
            self.ws.call(service.alias, SetAlias(model=f"{NAME}@{1 + number % 2}", alias="champion"))

    def by_alias(self, times: int) -> None:
        """Get a version by its alias."""
        for _ in range(times):
            self.ws.call(service.version, ShowVersion(model=f"{NAME}@champion"))

    def page(self) -> None:
        """List a page."""
        self.ws.call(service.versions, ListVersions(model=NAME, limit=100))

    def metrics(self) -> None:
        """Log points in one batch."""
        first = next(self.count) * POINTS
        points = tuple(MetricPoint(key="loss", value=step / 7, step=first + step) for step in range(POINTS))
        self.ws.call(tracking.log, LogRun(run=self.run, metrics=points))


class Theirs:
    """The same through MlflowClient."""

    def __init__(self, folder: Path) -> None:
        from mlflow import MlflowClient

        folder.mkdir()
        url = f"sqlite:///{folder / 'mlflow.db'}"
        self.client = MlflowClient(tracking_uri=url, registry_uri=url)
        self.count = itertools.count()
        self.client.create_registered_model(NAME)
        self.run = self.client.create_run(self.client.create_experiment("x")).info.run_id

    def register(self, times: int) -> None:
        """Register versions."""
        for _ in range(times):
            self.client.create_model_version(NAME, f"file:///models/{next(self.count)}")

    def alias(self, times: int) -> None:
        """Move an alias there and back."""
        for number in range(times):
            self.client.set_registered_model_alias(NAME, "champion", str(1 + number % 2))

    def by_alias(self, times: int) -> None:
        """Get a version by its alias."""
        for _ in range(times):
            self.client.get_model_version_by_alias(NAME, "champion")

    def page(self) -> None:
        """List a page."""
        self.client.search_model_versions(f"name = '{NAME}'", max_results=100)

    def metrics(self) -> None:
        """Log points in one batch."""
        from mlflow.entities import Metric

        first = next(self.count) * POINTS
        points = [Metric("loss", step / 7, 0, first + step) for step in range(POINTS)]
        self.client.log_batch(self.run, metrics=points)


def measure(report: Report, rounds: int) -> None:
    """Compare each thing in turn, with few versions and with a thousand."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Ours(Path(folder) / "ours"), Theirs(Path(folder) / "theirs")
        both: list[Any] = [ours, theirs]

        def add(name: str, work: Callable[[Any], None]) -> None:
            found = compare(name, lambda: work(ours), lambda: work(theirs), rounds=rounds)
            report.add(replace(found, bound=BOUND))

        add(f"register {MANY} versions", lambda each: each.register(MANY))
        add(f"move an alias {MANY} times", lambda each: each.alias(MANY))
        add(f"get by alias {MANY} times", lambda each: each.by_alias(MANY))
        add(f"log {POINTS} points of a metric", lambda each: each.metrics())
        for each in both:
            each.register(VERSIONS)
        add(f"register {MANY} versions, {VERSIONS} more there", lambda each: each.register(MANY))
        add(f"get by alias {MANY} times, {VERSIONS} more there", lambda each: each.by_alias(MANY))
        add(f"a page of 100 of {VERSIONS} versions", lambda each: each.page())


if __name__ == "__main__":
    run("registry", measure, rounds=7)
