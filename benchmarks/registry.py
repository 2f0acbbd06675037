"""The registry and tracking beside MLflow's and beside bare SQLite: python -m benchmarks.registry

In process our operations beside MlflowClient on `sqlite:///`; over HTTP our extension in `jupyter server` beside
`mlflow server`, both asked by the same plain client; and our operations beside bare SQLite that reads and writes the
same rows. Of ours every change of a record is one durable transaction with its hashed event, and what is fetched is
verified; MLflow does neither. Jupyter's server checks the token of every request; what that alone costs is shown by a
handler beside ours that answers a constant, so that what is Jupyter's and what is ours is plain. All of it once with a
thousand versions and once with a hundred thousand.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.contenders.registries import (
    NAME,
    POINTS,
    TOKEN,
    Bare,
    JupyterRest,
    Mlflow,
    MlflowRest,
    Ours,
    OursRest,
    Registry,
)
from benchmarks.frame import Report, Size, compare, run, timed
from benchmarks.servers import jupyter, mlflow
from mlops_ext.governance import audit
from mlops_ext.models.registration import content_digest, enter, model_to_register
from mlops_ext.store.catalog import Change

IN_PROCESS, REST, FLOOR, FLAT = 1 / 5, 1 / 10, 5.0, 2.0
"""What the ratios keep to: to MLflow in process and over HTTP, to bare SQLite, and of many versions to few."""
VERIFY = 2.0
"""Seconds for the trail of the many versions."""
CONSTANT = "benchmarks.contenders.constant"
FEW, MANY = 1_000, 100_000
TIMES = 20

WORK: dict[str, Callable[[Registry], object]] = {
    f"register {TIMES} versions": lambda each: [each.register() for _ in range(TIMES)],
    f"move an alias {TIMES} times": lambda each: [each.alias(1 + number % 2) for number in range(TIMES)],
    f"get by alias {TIMES} times": lambda each: [each.by_alias() for _ in range(TIMES)],
    "search a page of 100": lambda each: each.page(),
    f"log {POINTS} points of a metric": lambda each: each.metrics(),
    "look up and fetch 100 kB to load": lambda each: each.fetch(),
}
GROWING = tuple(WORK)[:4]
"""What could cost more when there are more versions."""
BESIDE = (GROWING[0], *GROWING[2:])
"""What is done beside MLflow with many: it reads all versions to move an alias, which is shown once."""


def fill(ours: Ours, count: int) -> None:
    """Register versions by our own code, each with its event, but all in one transaction."""
    with ours.ws.database.writing(serial=True) as (connection, algorithm):
        connection.exec_driver_sql("PRAGMA cache_size = -500000")  # kB, so that the one transaction stays in memory
        for _ in range(count):
            change, asked = Change(connection, ours.ws.actor, algorithm), ours.asked()
            model = model_to_register(change, NAME)
            enter(change, model, asked, content_digest(asked, algorithm), None)
            change.close()
        connection.exec_driver_sql("PRAGMA cache_size = -2000")


def fill_mlflow(file: Path, count: int) -> None:
    """Copy the newest version's row of MLflow as often, under the numbers that follow."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute("SELECT * FROM model_versions ORDER BY version DESC LIMIT 1").fetchone())
        rows = ({**row, "version": row["version"] + 1 + number} for number in range(count))
        names = ", ".join(f":{name}" for name in row)
        connection.executemany(f"INSERT INTO model_versions ({', '.join(row)}) VALUES ({names})", rows)
        connection.commit()


def beside(
    report: Report,
    what: str,
    ours: Registry,
    theirs: Registry,
    bound: float,
    rounds: int,
    names: Sequence[str] = tuple(WORK),
) -> None:
    """Compare all that is done, in turn."""
    for name in names:
        work = WORK[name]
        found = compare(f"{what}: {name}", lambda: work(ours), lambda: work(theirs), rounds=rounds)  # noqa: B023
        report.add(replace(found, bound=bound))


def measure(report: Report, rounds: int) -> None:
    """Compare in process and over HTTP with few versions, then with many; and many with few."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = {each: folder / each for each in ("few", "many", "mlflow", "server", "bare")}
        for place in places.values():
            place.mkdir()
        few, many, theirs = Ours(places["few"]), Ours(places["many"]), Mlflow(places["mlflow"])
        database = places["server"] / "mlflow.db"
        with (
            jupyter(few.ws.root, token=TOKEN, beside=CONSTANT) as near,
            jupyter(many.ws.root, token=TOKEN) as far,
            mlflow(places["server"], f"sqlite:///{database}") as port,
        ):
            served, near_, far_ = MlflowRest(places["server"], port), OursRest(few, near), OursRest(many, far)
            fill(few, FEW)
            fill_mlflow(places["mlflow"] / "mlflow.db", FEW)
            fill_mlflow(database, FEW)
            beside(report, "in process, 1k", few, theirs, IN_PROCESS, rounds)
            beside(report, "REST, 1k", near_, served, REST, rounds)
            floor = JupyterRest(few, near)
            beside(report, "Jupyter's constant to MLflow", floor, served, 0, rounds)
            beside(report, "REST to Jupyter's constant, 1k", near_, floor, 0, rounds)
            beside(report, "bare SQLite, 1k", few, Bare(few, places["bare"]), FLOOR, rounds)
            report.add(Size(f"to fill {MANY} versions", timed(lambda: fill(many, MANY)), "s"))
            fill_mlflow(places["mlflow"] / "mlflow.db", MANY - FEW)
            fill_mlflow(database, MANY - FEW)
            beside(report, "in process, 100k", many, theirs, IN_PROCESS, rounds, BESIDE)
            beside(report, "REST, 100k", far_, served, REST, rounds, BESIDE)
            report.add(Size("MLflow: move an alias once, 100k", timed(lambda: theirs.alias(2)), "s"))
            beside(report, "100k to 1k", many, few, FLAT, rounds, GROWING)
        report.add(Size("verify the trail of 100k events", timed(lambda: audit.verify_trail(many.ws)), "s", VERIFY))


if __name__ == "__main__":
    run("registry", measure, rounds=7)
