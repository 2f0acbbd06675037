"""Experiments and runs are renamed, tagged, deleted and restored as MLflow has it, one event each."""

from __future__ import annotations

import pytest

import mlops_ext as mlops
from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.governance import overview
from mlops_ext.models.types import NoRequest
from mlops_ext.tracking import edge, service
from mlops_ext.tracking.curation import experiments
from mlops_ext.tracking.curation import runs as kept
from mlops_ext.tracking.curation.types import (
    ChangeExperimentState,
    ChangeRunState,
    CreateExperiment,
    DeleteRunTag,
    RenameExperiment,
    RenameRun,
    SetExperimentTags,
    SetRunTags,
    ShowExperiment,
)
from mlops_ext.tracking.rows import ExperimentDeleted, RunDeleted
from mlops_ext.tracking.types import FinishRun, ListExperiments, ListRuns, LogRun, Run, ShowRun, StartRun
from mlops_ext.workspace import Workspace


def started(ws: Workspace, name: str = "", experiment: str = "default", **asked: object) -> Run:
    return ws.call(service.start, StartRun.model_validate({"name": name, "experiment": experiment, **asked}))


def names(ws: Workspace, **asked: object) -> list[str]:
    return [run.name for run in ws.call(service.list_, ListRuns.model_validate({"order_by": "name", **asked}))]


def test_a_deleted_run_leaves_the_lists_takes_nothing_and_comes_back(workspace: Workspace) -> None:
    run, _ = started(workspace, "a"), started(workspace, "b")
    deleted = workspace.call(kept.delete_, ChangeRunState(run=run.ref))
    assert deleted.state == "deleted"
    assert names(workspace) == ["b"]
    assert workspace.call(overview.show, NoRequest()).runs == 1
    assert (names(workspace, state="deleted"), names(workspace, state="any")) == (["a"], ["a", "b"])
    assert workspace.call(service.show, ShowRun(run=run.id)).state == "deleted"
    for refused in (
        lambda: workspace.call(service.log, LogRun(run=run.id, parameters={"month": "1"})),
        lambda: workspace.call(kept.tag, SetRunTags(run=run.id, tags={"team": "ops"})),
        lambda: workspace.call(kept.rename, RenameRun(run=run.id, to="c")),
    ):
        with pytest.raises(RunDeleted, match="is deleted"):
            refused()
    assert workspace.call(kept.restore, ChangeRunState(run=run.id)).state == "active"
    workspace.call(service.log, LogRun(run=run.id, parameters={"month": "1"}))
    assert names(workspace) == ["a", "b"]


def test_a_deleted_run_that_goes_on_can_still_end(workspace: Workspace) -> None:
    run = started(workspace)
    workspace.call(kept.delete_, ChangeRunState(run=run.id))
    ended = workspace.call(service.finish, FinishRun(run=run.id))
    assert (ended.status, ended.state) == ("succeeded", "deleted")


def test_runs_go_and_come_back_with_their_experiment(workspace: Workspace) -> None:
    alone, _, _ = started(workspace, "a", "trials"), started(workspace, "b", "trials"), started(workspace, "c")
    workspace.call(kept.delete_, ChangeRunState(run=alone.id))
    gone = workspace.call(experiments.delete_, ChangeExperimentState(experiment="trials"))
    assert (gone.state, gone.runs) == ("deleted", 1)
    assert names(workspace) == ["c"]
    assert names(workspace, experiment="trials", state="deleted") == ["a", "b"]
    assert [each.name for each in workspace.call(service.experiments_, ListExperiments())] == ["default"]
    with pytest.raises(ExperimentDeleted, match="'trials' is deleted"):
        started(workspace, "d", "trials")
    with pytest.raises(ExperimentDeleted, match="'trials' is deleted"):
        workspace.call(kept.restore, ChangeRunState(run=alone.id))
    workspace.call(experiments.restore, ChangeExperimentState(experiment="trials"))
    assert names(workspace) == ["b", "c"], "what was deleted by itself stays deleted"


def test_the_name_of_a_deleted_experiment_stays_taken(workspace: Workspace) -> None:
    for name in ("a", "b"):
        workspace.call(experiments.create, CreateExperiment(experiment=name))
    workspace.call(experiments.delete_, ChangeExperimentState(experiment="a"))
    with pytest.raises(Conflict, match="'a' exists already and is deleted"):
        workspace.call(experiments.create, CreateExperiment(experiment="a"))
    with pytest.raises(Conflict, match="'a' exists already"):
        workspace.call(experiments.rename, RenameExperiment(experiment="b", to="a"))
    with pytest.raises(ExperimentDeleted):
        workspace.call(experiments.rename, RenameExperiment(experiment="a", to="c"))
    with pytest.raises(NotFound, match="no experiment named 'bb'"):
        workspace.call(experiments.show, ShowExperiment(experiment="bb"))


def test_a_renamed_experiment_keeps_its_runs_and_tags(workspace: Workspace) -> None:
    run = started(workspace, "a", "trials")
    workspace.call(experiments.tag, SetExperimentTags(experiment="trials", tags={"team": "<b>ops</b>", "b": "2"}))
    renamed = workspace.call(experiments.rename, RenameExperiment(experiment="trials", to="delays"))
    assert (renamed.runs, renamed.tags) == (1, {"b": "2", "team": "<b>ops</b>"})
    assert workspace.call(service.show, ShowRun(run=run.id)).experiment == "delays"
    found = workspace.call(service.experiments_, ListExperiments(filter="tags.team LIKE '%ops%'"))
    assert [each.name for each in found] == ["delays"]


def test_tags_of_a_run_change_also_after_its_end_and_its_name_with_mlflows(workspace: Workspace) -> None:
    run = started(workspace, "a", tags={"mlflow.runName": "a", "team": "ops"})
    workspace.call(service.finish, FinishRun(run=run.id))
    before = workspace.call(service.show, ShowRun(run=run.id)).digest
    workspace.call(kept.rename, RenameRun(run=run.id, to="b"))
    workspace.call(kept.tag, SetRunTags(run=run.id, tags={"reviewed": "yes"}))
    workspace.call(kept.untag, DeleteRunTag(run=run.id, key="team"))
    after = workspace.call(service.show, ShowRun(run=run.id))
    assert (after.name, after.tags) == ("b", {"mlflow.runName": "b", "reviewed": "yes"})
    assert after.digest == before
    with pytest.raises(InvalidValue, match="cannot lose its name"):
        workspace.call(kept.rename, RenameRun(run=run.id, to=" "))


def test_logging_goes_on_in_a_new_run_when_the_lazy_one_was_deleted(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    edge.log_metric("auc", 0.5, workspace=workspace)
    first = edge.active_run(workspace=workspace)
    assert first is not None
    workspace.call(kept.delete_, ChangeRunState(run=first.id))
    edge.log_metric("auc", 0.7, workspace=workspace)
    second = edge.end_run(workspace=workspace)
    assert second is not None
    assert (second.id != first.id, second.metrics) == (True, {"auc": 0.7})


@pytest.mark.sqlite
def test_a_notebook_keeps_runs_and_experiments_in_order(workspace: Workspace) -> None:
    assert mlops.create_experiment("trials", {"data.owner": "ann"}).tags == {"data.owner": "ann"}
    run = started(workspace, "a", "trials")
    assert mlops.rename_run(run, "first").name == "first"
    assert mlops.tag_run(f"run:{run.id}", {"data.owner": "ann"}, team="ops").tags == {
        "data.owner": "ann",
        "team": "ops",
    }
    assert mlops.untag_run(run, "team").tags == {"data.owner": "ann"}
    assert mlops.delete_run(run, comment="a wrong month").state == "deleted"
    assert mlops.restore_run(run).state == "active"
    assert mlops.rename_experiment("trials", "tries").name == "tries"
    assert mlops.tag_experiment("tries", team="ops").tags == {"data.owner": "ann", "team": "ops"}
    assert mlops.untag_experiment("tries", "team").tags == {"data.owner": "ann"}
    mlops.delete_experiment("tries")
    assert names(workspace) == []
    mlops.restore_experiment("tries")
    assert names(workspace) == ["first"]
