"""The export is what openlineage-python accepts, and holds the same graph."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlops_ext.governance import service
from mlops_ext.governance.types import ShowLineage
from mlops_ext.records import new_id
from mlops_ext.workspace import Workspace

pytestmark = pytest.mark.sqlite

client = pytest.importorskip("openlineage.client")


def tell(ws: Workspace, action: str, subject: str, **data: Any) -> None:
    ws.catalog.write(lambda change: change.event(action, subject, data))


@pytest.fixture
def told(workspace: Workspace) -> dict[str, Any]:
    job, run, child = (new_id() for _ in range(3))
    tell(workspace, "dataset.committed", "dataset:flights@1", outputs=["dataset:flights@1"])
    tell(workspace, "job.submitted", f"job:{job}", notebook="train.ipynb", trigger="alert:a", inputs=["alert:a"])
    tell(workspace, "run.started", f"run:{run}", job=job, experiment="delays")
    tell(workspace, "run.started", f"run:{child}", parent=run, experiment="delays")
    tell(workspace, "model.registered", "model:delay é@1", inputs=["dataset:flights@1", f"run:{run}"])
    tell(workspace, "run.finished", f"run:{child}", status="failed", inputs=["dataset:flights@1"])
    outputs = ["model:delay é@1"]
    tell(workspace, "run.finished", f"run:{run}", status="succeeded", inputs=["dataset:flights@1"], outputs=outputs)
    tell(workspace, "model.promoted", "model:delay é@1", outputs=["model:delay é@production"])
    return {"ws": workspace, "run": run, "child": child, "job": job}


def read(event: dict[str, Any]) -> Any:
    """Build the client's own objects, whose attributes check themselves."""
    from openlineage.client.event_v2 import Dataset, InputDataset, Job, OutputDataset, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import dataset_version_dataset, parent_run

    def facets(each: dict[str, Any]) -> dict[str, Any]:
        version = each["facets"].get("version")
        if version is None:
            return {}
        made = dataset_version_dataset.DatasetVersionDatasetFacet(
            version["datasetVersion"], producer=version["_producer"]
        )
        assert made._schemaURL == version["_schemaURL"]
        return {"version": made}

    def parent() -> dict[str, Any]:
        facet = event["run"]["facets"].get("parent")
        if facet is None:
            return {}
        made = parent_run.ParentRunFacet(run=parent_run.Run(**facet["run"]), job=parent_run.Job(**facet["job"]))
        assert made._schemaURL.rpartition("/")[2] == facet["_schemaURL"].rpartition("/")[2]
        return {"parent": made}

    def dataset(kind: type[Dataset], each: dict[str, Any]) -> Dataset:
        return kind(namespace=each["namespace"], name=each["name"], facets=facets(each))

    made = RunEvent(
        eventTime=event["eventTime"],
        eventType=RunState[event["eventType"]],
        producer=event["producer"],
        run=Run(runId=event["run"]["runId"], facets=parent()),
        job=Job(namespace=event["job"]["namespace"], name=event["job"]["name"]),
        inputs=[dataset(InputDataset, each) for each in event["inputs"]],
        outputs=[dataset(OutputDataset, each) for each in event["outputs"]],
    )
    assert made.schemaURL == event["schemaURL"]
    return made


def exported(told: dict[str, Any], **asked: Any) -> list[dict[str, Any]]:
    found = told["ws"].call(service.export_lineage, ShowLineage(ref=f"run:{told['run']}", **asked))
    return json.loads(found.model_dump_json())["events"]


def test_every_event_is_accepted_by_the_client_of_the_standard(told) -> None:
    from openlineage.client.serde import Serde

    found = exported(told)
    for event in found:
        written = json.loads(Serde.to_json(read(event)))
        for key in ("eventType", "eventTime", "producer", "schemaURL"):
            assert written[key] == event[key]
        assert [each["name"] for each in written["outputs"]] == [each["name"] for each in event["outputs"]]
    assert [each["eventTime"] for each in found] == sorted(each["eventTime"] for each in found)


def test_the_graph_can_be_read_back(told) -> None:
    found = {event["run"]["runId"].replace("-", ""): event for event in exported(told)}
    run, child, job = (found[told[name]] for name in ("run", "child", "job"))

    def refs(event: dict[str, Any], side: str) -> list[str]:
        return [
            each["name"] + (f"@{each['facets']['version']['datasetVersion']}" if "version" in each["facets"] else "")
            for each in event[side]
        ]

    assert (refs(run, "inputs"), refs(run, "outputs")) == (["dataset:flights@1"], ["model:delay é@1"])
    assert (run["eventType"], child["eventType"], job["eventType"]) == ("COMPLETE", "FAIL", "START")
    assert (run["job"]["name"], job["job"]["name"]) == ("delays", "train.ipynb")
    assert child["run"]["facets"]["parent"]["run"]["runId"] == run["run"]["runId"]
    assert run["run"]["facets"]["parent"]["run"]["runId"] == job["run"]["runId"]
    steps = {event["job"]["name"]: event for event in found.values()}
    assert refs(steps["model.promoted"], "inputs") == ["model:delay é@1"]
    assert refs(steps["model.promoted"], "outputs") == ["model:delay é@production"]


def test_the_same_export_twice_has_the_same_ids(told) -> None:
    assert exported(told) == exported(told)
    assert len({event["run"]["runId"] for event in exported(told)}) == len(exported(told))
