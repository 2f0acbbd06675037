"""What is hostile, huge or no number: kept and shown as it is, bounded and said, or refused by name."""

from __future__ import annotations

import io
import json
import math

import pytest
from rich.console import Console

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue, MlopsError
from mlops_ext.records import Record
from mlops_ext.tracking import service
from mlops_ext.tracking.curation import experiments
from mlops_ext.tracking.curation import runs as kept
from mlops_ext.tracking.curation.types import CreateExperiment, RenameRun, SetRunTags
from mlops_ext.tracking.edge import active_run, end_run, log_metric, log_param, set_tag
from mlops_ext.tracking.types import FinishRun, LogRun, MetricPoint, ShowRun, StartRun
from mlops_ext.workspace import Workspace

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> [red]markup[/red] '; DROP TABLE runs; -- \u202egnp.exe"


def shown(record: Record) -> str:
    """Draw a record as the terminal does."""
    out = io.StringIO()
    Console(file=out, width=4000, highlight=False).print(record)
    return out.getvalue()


@pytest.mark.sqlite
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_not_finite_is_stored_shown_and_travels(value: float, workspace: Workspace) -> None:
    log_metric("auc", value, workspace=workspace)
    run = end_run(workspace=workspace)
    assert run is not None
    held = workspace.call(service.show, ShowRun(run=run.id))
    assert str(held.metrics["auc"]) == str(value)
    written = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    assert json.loads(held.model_dump_json())["metrics"] == {"auc": written}
    assert type(held).model_validate_json(held.model_dump_json()) is not None
    assert "auc" in held._repr_html_()
    assert "auc" in shown(held)


def test_hostile_names_and_tags_are_kept_verbatim_and_shown_inert(workspace: Workspace) -> None:
    run = workspace.call(service.start, StartRun(name=HOSTILE, tags={"note": HOSTILE}))
    workspace.call(service.log, LogRun(run=run.id, parameters={"text": json.dumps(HOSTILE)}))
    workspace.call(kept.tag, SetRunTags(run=run.id, tags={"again": HOSTILE}))
    workspace.call(kept.rename, RenameRun(run=run.id, to=HOSTILE + "2"))
    workspace.call(service.finish, FinishRun(run=run.id, status="failed", error=HOSTILE))
    held = workspace.call(service.show, ShowRun(run=run.id))
    assert (held.name, held.tags) == (HOSTILE + "2", {"note": HOSTILE, "again": HOSTILE})
    assert (json.loads(held.parameters["text"]), held.error) == (HOSTILE, HOSTILE)
    made = workspace.call(experiments.create, CreateExperiment(experiment="trials", tags={"note": HOSTILE}))
    for record in (held, made):
        page = record._repr_html_()
        assert "<script" not in page
        assert "<img" not in page
    assert "[red]markup[/red]" in shown(made)


@pytest.mark.sqlite
def test_huge_metadata_is_refused_with_its_size_and_the_bound(workspace: Workspace) -> None:
    with pytest.raises(InvalidValue, match="64,001 characters") as refusal:
        set_tag("note", "x" * 64_001, workspace=workspace)
    assert "64,000" in (refusal.value.hint or "")
    with pytest.raises(InvalidValue, match="parameter 'text' has 64,001 characters"):
        log_param("text", "x" * 63_999, workspace=workspace)
    with pytest.raises(InvalidValue, match="cannot be named"):
        log_metric("m" * 251, 1.0, workspace=workspace)
    run = active_run(workspace=workspace)
    assert run is not None
    many = {f"tag {number}": "x" for number in range(1001)}
    with pytest.raises(InvalidValue, match="1001 tags"):
        workspace.call(kept.tag, SetRunTags(run=run.id, tags=many))
    with pytest.raises(InvalidValue, match="1001 tags"):
        workspace.call(service.log, LogRun(run=run.id, tags=many))
    with pytest.raises(InvalidValue, match="1001 tags"):
        workspace.call(service.start, StartRun(tags=many))
    with pytest.raises(InvalidValue, match="name is too long"):
        workspace.call(service.start, StartRun(name="x" * 70_000))
    held = workspace.call(service.show, ShowRun(run=run.id))
    assert (held.tags, held.parameters, held.metrics) == ({}, {}, {}), "what is refused leaves nothing behind"


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["", " ", "a/b", "a\0b", "x" * 251, "latest@1"])
def test_an_experiment_that_cannot_be_written_as_a_reference_is_refused(name: str, workspace: Workspace) -> None:
    with pytest.raises(MlopsError):
        workspace.call(experiments.create, CreateExperiment(experiment=name))
    assert not workspace.exists()


@pytest.mark.sqlite
def test_what_is_no_number_is_no_metric(workspace: Workspace) -> None:
    for value in ("0.7", None, 1 + 2j, [1.0, 2.0]):
        with pytest.raises(InvalidValue, match="metric 'auc' is no"):
            mlops.log_metric("auc", value, workspace=workspace)
    run = workspace.call(service.start, StartRun())
    with pytest.raises(InvalidValue, match="has the step"):
        workspace.call(service.log, LogRun(run=run.id, metrics=(MetricPoint(key="a", value=1.0, step=2**63),)))
