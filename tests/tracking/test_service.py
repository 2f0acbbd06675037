"""Runs in the workspace: what is kept, what is refused, and what the trail tells of it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import select, update

from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.store.catalog import MissingBlob
from mlops_ext.store.schema import blob_owners, event_data, events
from mlops_ext.tracking import service
from mlops_ext.tracking.metrics import latest, rank
from mlops_ext.tracking.tables import runs
from mlops_ext.tracking.types import (
    Artifact,
    AttachNotebook,
    FinishRun,
    ListExperiments,
    ListMetric,
    ListRuns,
    LogRun,
    MetricPoint,
    Run,
    RunDataset,
    ShowRun,
    StartRun,
)
from mlops_ext.workspace import Workspace

NOON = datetime(2013, 1, 1, 12, tzinfo=timezone.utc)


def begin(ws: Workspace, **fields: Any) -> Run:
    return ws.call(service.start, StartRun(**fields))


def log(ws: Workspace, run: Run, **fields: Any) -> Any:
    return ws.call(service.log, LogRun(run=run.id, **fields))


def show(ws: Workspace, run: Run) -> Run:
    return ws.call(service.show, ShowRun(run=run.ref))


def trail(ws: Workspace) -> list[tuple[str, str]]:
    with ws.catalog.read() as connection:
        return [
            tuple(row) for row in connection.execute(select(events.c.action, events.c.subject).order_by(events.c.seq))
        ]


def last_data(ws: Workspace) -> dict[str, Any]:
    import json

    with ws.catalog.read() as connection:
        return json.loads(
            connection.execute(select(event_data.c.data).order_by(event_data.c.seq.desc())).scalars().first()
        )


def let_lease_end(ws: Workspace, run: Run) -> None:
    past = datetime.now(timezone.utc) - timedelta(seconds=1)
    ws.catalog.measure(lambda change: change.execute(update(runs).where(runs.c.id == run.id).values(lease_until=past)))


def test_a_workspace_without_runs_lists_none_and_is_not_made(workspace: Workspace) -> None:
    assert workspace.call(service.list_, ListRuns()).items == ()
    assert workspace.call(service.list_, ListRuns(experiment="default")).items == ()
    assert workspace.call(service.experiments_, ListExperiments()).items == ()
    assert not workspace.exists()


def test_a_run_holds_what_was_logged_to_it(workspace: Workspace) -> None:
    blob = workspace.put_blob(b"a plot")
    run = begin(workspace, experiment="delay", name="trial", notebook="train.ipynb", tags={"team": "ops"})
    log(
        workspace,
        run,
        parameters={"lr": "0.1", "layers": "[3,2]"},
        metrics=(MetricPoint(key="auc", value=0.7, step=1), MetricPoint(key="auc", value=0.6, step=2)),
        tags={"team": "data", "stage": "α"},
        inputs=("dataset:flights@1", "dataset:weather@2", "dataset:flights@1"),
        outputs=("model:delay@1",),
        artifacts=(Artifact(path="plots/roc.png", digest=blob, size=6),),
    )
    ended = workspace.call(service.finish, FinishRun(run=run.id))
    assert ended == show(workspace, run)
    assert ended.experiment == "delay"
    assert ended.parameters == {"layers": "[3,2]", "lr": "0.1"}
    assert ended.metrics == {"auc": 0.6}
    assert ended.tags == {"stage": "α", "team": "data"}
    assert ended.inputs == ("dataset:flights@1", "dataset:weather@2")
    assert ended.outputs == ("model:delay@1",)
    assert ended.artifacts == (Artifact(path="plots/roc.png", digest=blob, size=6),)
    assert workspace.call(service.list_, ListRuns(experiment="delay")).items == (ended,)
    with workspace.catalog.read() as connection:
        assert connection.execute(select(blob_owners.c.owner)).scalars().all() == [run.ref]


def test_the_trail_tells_of_start_and_end_and_not_of_measurements(workspace: Workspace) -> None:
    run = begin(workspace)
    for step in range(5):
        log(workspace, run, metrics=(MetricPoint(key="loss", value=1 / (step + 1), step=step),))
    log(workspace, run, inputs=("dataset:flights@1",), outputs=("model:delay@1",), parameters={"a": "1"})
    ended = workspace.call(service.finish, FinishRun(run=run.id, status="failed", error="KeyError: 'x'"))
    assert trail(workspace) == [("run.started", run.ref), ("run.finished", run.ref)]
    data = last_data(workspace)
    assert (data["status"], data["parameters"], data["points"]) == ("failed", 1, 5)
    assert (data["inputs"], data["outputs"]) == (["dataset:flights@1"], ["model:delay@1"])
    assert data["digest"] == ended.digest


def test_the_digest_depends_on_what_was_measured_and_not_on_the_order_or_batches(workspace: Workspace) -> None:
    def digest(batches: list[dict[str, Any]]) -> Any:
        run = begin(workspace)
        for batch in batches:
            log(workspace, run, **batch)
        return workspace.call(service.finish, FinishRun(run=run.id)).digest

    one, two = ({"key": "Loss", "value": value, "step": step, "at": NOON} for value, step in ((0.5, 0), (math.nan, 1)))
    other = {"key": "acc", "value": 1.0, "at": NOON}
    first = digest([{"metrics": (one, two, other), "parameters": {"B": "1", "a": "2"}}])
    assert first == digest(
        [
            {"metrics": (other,)},
            {"metrics": (two,)},
            {"parameters": {"a": "2"}},
            {"metrics": (one,), "parameters": {"B": "1"}},
        ]
    )
    assert first != digest([{"metrics": (one, other), "parameters": {"B": "1", "a": "2"}}])
    assert first != digest([{"metrics": (one, two, other), "parameters": {"B": "1", "a": "3"}}])


def test_finishing_twice_is_once_and_another_end_is_refused(workspace: Workspace) -> None:
    run = begin(workspace)
    workspace.call(service.finish, FinishRun(run=run.id))
    before = trail(workspace)
    assert workspace.call(service.finish, FinishRun(run=run.ref)).status == "succeeded"
    with pytest.raises(Conflict, match="has ended as 'succeeded'"):
        workspace.call(service.finish, FinishRun(run=run.id, status="failed"))
    with pytest.raises(InvalidValue):
        workspace.call(service.finish, FinishRun(run=run.id, status="running"))
    assert trail(workspace) == before


def test_an_ended_run_takes_no_more(workspace: Workspace) -> None:
    run = begin(workspace)
    workspace.call(service.finish, FinishRun(run=run.id, status="cancelled"))
    with pytest.raises(service.RunEnded, match="has ended as 'cancelled'"):
        log(workspace, run, parameters={"a": "1"})
    assert show(workspace, run).parameters == {}


def test_a_parameter_keeps_its_first_value_and_the_refusal_names_both(workspace: Workspace) -> None:
    run = begin(workspace)
    log(workspace, run, parameters={"lr": "0.1"})
    log(workspace, run, parameters={"lr": "0.1"})
    with pytest.raises(Conflict, match=r"'lr' .* is 0\.1 and cannot become 0\.2"):
        log(
            workspace,
            run,
            parameters={"new": "1", "lr": "0.2"},
            metrics=(MetricPoint(key="auc", value=1),),
            tags={"x": "y"},
        )
    held = show(workspace, run)
    assert (held.parameters, held.metrics, held.tags) == ({"lr": "0.1"}, {}, {})


def test_non_finite_metrics_are_kept_and_shown(workspace: Workspace) -> None:
    run = begin(workspace)
    values = [math.inf, -math.inf, math.nan, 1e308]
    log(workspace, run, metrics=tuple(MetricPoint(key=f"m{i}", value=value) for i, value in enumerate(values)))
    held = show(workspace, run)
    assert [held.metrics[f"m{i}"] for i in (0, 1, 3)] == [math.inf, -math.inf, 1e308]
    assert math.isnan(held.metrics["m2"])
    assert '"m0":"Infinity","m1":"-Infinity","m2":"NaN"' in held.model_dump_json()
    assert math.isnan(workspace.call(service.metric, ListMetric(run=run.id, key="m2")).items[0].value)


def test_a_repeated_point_is_one_point(workspace: Workspace) -> None:
    run = begin(workspace)
    point = MetricPoint(key="auc", value=0.7, step=3, at=NOON)
    gap = MetricPoint(key="auc", value=math.nan, step=3, at=NOON)
    assert log(workspace, run, metrics=(point, point)).metrics == 1
    assert log(workspace, run, metrics=(point, gap, gap)).metrics == 2
    assert log(workspace, run, metrics=(gap,)).metrics == 2


POINTS = st.lists(
    st.tuples(
        st.sampled_from(["auc", "loss"]),
        st.integers(-2, 2),
        st.integers(-1, 1).map(lambda minutes: NOON + timedelta(minutes=minutes)),
        st.sampled_from([-math.inf, -1.5, -0.0, 0.0, 5e-324, 2.0, math.inf, math.nan]),
    ),
    min_size=1,
    max_size=12,
)


def brute_force(points: list[tuple[str, int, datetime, float]], key: str) -> float:
    """Sort by step, then time, then value with NaN below all: the rule as it is written down."""
    ordered = sorted(
        (point for point in points if point[0] == key),
        key=lambda point: (point[1], point[2], not math.isnan(point[3]), 0.0 if math.isnan(point[3]) else point[3]),
    )
    return ordered[-1][3]


@given(POINTS)
def test_the_latest_point_is_that_of_the_brute_force_list(points: list[tuple[str, int, datetime, float]]) -> None:
    found = latest((key, step, at, rank(value)) for key, step, at, value in points)
    assert {key: point[3] for key, point in found.items()} == {
        key: rank(brute_force(points, key)) for key in {point[0] for point in points}
    }


@given(st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_the_rank_sorts_as_the_values_do(one: float, other: float) -> None:
    assert (rank(one) < rank(other)) == (one < other)
    assert (rank(one) == rank(other)) == (one == other)
    assert rank(math.nan) < rank(one)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(points=POINTS, cut=st.integers(0, 12))
def test_the_listed_value_is_the_latest_however_the_points_were_batched(
    workspace: Workspace, points: list[tuple[str, int, datetime, float]], cut: int
) -> None:
    run = begin(workspace)
    for batch in (points[:cut], points[cut:]):
        log(workspace, run, metrics=tuple(MetricPoint(key=k, step=s, at=at, value=v) for k, s, at, v in batch))
    held = show(workspace, run).metrics
    assert {key: repr(value) for key, value in held.items()} == {
        key: repr(brute_force(points, key) + 0.0) for key in {point[0] for point in points}
    }


def in_threads(count: int, work: Callable[[int], None]) -> None:
    failures: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_eight_threads_that_log_at_once_lose_nothing(workspace: Workspace) -> None:
    run = begin(workspace)

    def work(number: int) -> None:
        for step in range(15):
            log(
                workspace,
                run,
                metrics=(
                    MetricPoint(key="shared", value=number, step=step),
                    MetricPoint(key=f"own {number}", value=step, step=step),
                ),
                parameters={"same": "1", f"own {number}": "2"},
                tags={"last": str(number)},
                inputs=(f"dataset:d{number}@1", "dataset:all@1"),
            )

    in_threads(8, work)
    held = show(workspace, run)
    assert len(workspace.call(service.metric, ListMetric(run=run.id, key="shared", limit=1000))) == 8 * 15
    assert log(workspace, run).metrics == 2 * 8 * 15
    assert held.parameters == {"same": "1", **{f"own {number}": "2" for number in range(8)}}
    assert set(held.inputs) == {"dataset:all@1", *(f"dataset:d{number}@1" for number in range(8))}
    assert held.metrics == {"shared": held.metrics["shared"], **{f"own {number}": 14.0 for number in range(8)}}


def test_of_two_values_logged_at_once_one_is_refused(workspace: Workspace) -> None:
    run, refused = begin(workspace), []

    def work(number: int) -> None:
        try:
            log(workspace, run, parameters={"lr": str(number)})
        except Conflict:
            refused.append(str(number))

    in_threads(6, work)
    assert len(refused) == 5
    assert show(workspace, run).parameters["lr"] not in refused


def test_many_runs_started_at_once_share_one_experiment(workspace: Workspace) -> None:
    in_threads(6, lambda number: begin(workspace, experiment="sweep", name=str(number)) and None)
    found = workspace.call(service.experiments_, ListExperiments()).items
    assert [(each.name, each.runs) for each in found] == [("sweep", 6)]


def test_a_run_without_a_sign_of_life_reads_as_lost_and_comes_back_with_one(workspace: Workspace) -> None:
    run = begin(workspace)
    let_lease_end(workspace, run)
    before = trail(workspace)
    assert show(workspace, run).status == "lost"
    assert [each.id for each in workspace.call(service.list_, ListRuns(status="lost"))] == [run.id]
    assert workspace.call(service.list_, ListRuns(status="running")).items == ()
    log(workspace, run)
    assert show(workspace, run).status == "running"
    assert trail(workspace) == before


def test_expiring_ends_lost_runs_once_each_and_leaves_the_living(workspace: Workspace) -> None:
    dead, living = begin(workspace), begin(workspace)
    let_lease_end(workspace, dead)
    assert service.expire(workspace) == [dead.id]
    assert service.expire(workspace) == []
    assert trail(workspace)[-1] == ("run.finished", dead.ref)
    assert last_data(workspace)["status"] == "lost"
    assert (show(workspace, dead).status, show(workspace, living).status) == ("lost", "running")
    with pytest.raises(Conflict):
        workspace.call(service.finish, FinishRun(run=dead.id))


def test_two_that_expire_at_once_write_one_event(workspace: Workspace) -> None:
    run = begin(workspace)
    let_lease_end(workspace, run)
    ended: list[str] = []
    in_threads(4, lambda number: ended.extend(service.expire(workspace)))
    assert ended == [run.id]
    assert [action for action, _ in trail(workspace)] == ["run.started", "run.finished"]


def test_a_notebook_is_attached_once_also_after_the_end(workspace: Workspace) -> None:
    run = begin(workspace)
    workspace.call(service.finish, FinishRun(run=run.id))
    blob = workspace.put_blob(b"{}")
    request = AttachNotebook(run=run.id, output=blob)
    assert workspace.call(service.attach, request).output == blob
    assert workspace.call(service.attach, request).output == blob
    assert [action for action, _ in trail(workspace)] == ["run.started", "run.finished", "run.attached"]


def test_a_blob_that_is_not_in_the_store_is_not_named(workspace: Workspace) -> None:
    run = begin(workspace)
    unknown = "b3:" + "0" * 64
    with pytest.raises(MissingBlob):
        workspace.call(service.attach, AttachNotebook(run=run.id, output=unknown))
    with pytest.raises(MissingBlob):
        log(workspace, run, artifacts=(Artifact(path="a", digest=unknown, size=1),))


def test_lists_come_in_pages_newest_first(workspace: Workspace) -> None:
    made = [begin(workspace, name=str(number)).id for number in range(7)]
    found, cursor = [], ""
    while True:
        page = workspace.call(service.list_, ListRuns(limit=3, cursor=cursor))
        found += [run.id for run in page]
        cursor = page.next
        if not cursor:
            break
    assert found == made[::-1]
    run = begin(workspace)
    log(
        workspace,
        run,
        metrics=tuple(
            MetricPoint(key="loss", value=v, step=s, at=NOON) for s, v in ((1, math.nan), (1, 2.0), (0, 1.0))
        ),
    )
    first = workspace.call(service.metric, ListMetric(run=run.id, key="loss", limit=2))
    rest = workspace.call(service.metric, ListMetric(run=run.id, key="loss", limit=2, cursor=first.next))
    assert [(each.step, repr(each.value)) for each in (*first, *rest)] == [(0, "1.0"), (1, "nan"), (1, "2.0")]


@pytest.mark.parametrize(
    "entries",
    [
        {"parameters": {"": "1"}},
        {"parameters": {"a\nb": "1"}},
        {"parameters": {"a": "no json"}},
        {"parameters": {"a": '"' + "x" * 70_000 + '"'}},
        {"tags": {"k" * 251: "v"}},
        {"tags": {"k": "nul \0"}},
        {"metrics": ({"key": " ", "value": 1},)},
        {"metrics": ({"key": "a", "value": 1, "step": 2**63},)},
        {"inputs": ("flights@1",)},
        {"outputs": ("model:",)},
        *(
            {"artifacts": ({"path": path, "digest": "b3:" + "0" * 64, "size": 1},)}
            for path in ("/etc/passwd", "../x", "a/../../x", "a\\b", "", ".", "a//b")
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_value(tmp_path: Any, entries: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue) as caught:
        Workspace(tmp_path).call(service.log, LogRun(run="none", **entries))
    assert caught.value.hint
    assert not (tmp_path / ".mlops").exists()


def test_hostile_texts_are_kept_verbatim(workspace: Workspace) -> None:
    hostile = "<script>alert(1)</script>'; DROP TABLE runs; -- \u202e"
    run = begin(workspace, name=hostile, tags={"note": hostile})
    held = show(workspace, run)
    assert (held.name, held.tags["note"]) == (hostile, hostile)
    assert "<script>" not in held._repr_html_()


def test_what_is_unknown_is_named_with_the_nearest(workspace: Workspace) -> None:
    run = begin(workspace, experiment="delay")
    log(workspace, run, metrics=(MetricPoint(key="accuracy", value=1),))
    with pytest.raises(NotFound, match="'accuracy'"):
        workspace.call(service.metric, ListMetric(run=run.id, key="acuracy"))
    with pytest.raises(NotFound, match="'delay'"):
        workspace.call(service.list_, ListRuns(experiment="dely"))
    with pytest.raises(InvalidValue, match="'succeeded'"):
        workspace.call(service.list_, ListRuns(status="suceeded"))
    with pytest.raises(NotFound, match="runs list"):
        workspace.call(service.show, ShowRun(run="nothing"))
    with pytest.raises(NotFound):
        begin(workspace, parent="nothing")
    with pytest.raises(ValidationError):
        StartRun(lease_seconds=math.nan)


def test_a_described_dataset_keeps_its_first_description(workspace: Workspace) -> None:
    run = begin(workspace)
    first = RunDataset(name="rows", digest="12ab", context="train", source="{}", columns="[]")
    log(workspace, run, datasets=(first, RunDataset(name="rows", digest="12ab", context="test")))
    log(workspace, run, datasets=(RunDataset(name="rows", digest="12ab", context="later"),))
    assert show(workspace, run).datasets == (first,)


@pytest.mark.sqlite
@pytest.mark.parametrize("wrong", [{"name": " "}, {"name": "a\nb"}, {"digest": "d" * 81}, {"source": "a\0b"}])
def test_a_dataset_that_cannot_be_kept_is_refused(workspace: Workspace, wrong: dict[str, str]) -> None:
    run = begin(workspace)
    with pytest.raises(InvalidValue):
        log(workspace, run, datasets=(RunDataset(**{"name": "rows", "digest": "12ab", **wrong}),))
    assert show(workspace, run).datasets == ()


def test_a_run_names_the_models_that_it_made_and_shows_itself(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    run = begin(workspace)
    log(workspace, run, outputs=("model:delay@3", "dataset:flights@1", "model:delay@4"))
    run = show(workspace, run)
    assert run.models == ("delay@3", "delay@4")
    run.show()
    assert run.id in capsys.readouterr().out
