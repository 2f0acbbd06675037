"""What monitoring knows of a model follows its new name."""

from __future__ import annotations

import pytest
from sqlalchemy import Table

import mlops_ext.rooms  # noqa: F401 - so that all tables are known
from mlops_ext.errors import NotFound
from mlops_ext.models import service as models
from mlops_ext.models.types import RenameModel, ShowVersion
from mlops_ext.monitoring import renaming, service
from mlops_ext.monitoring.alerts import mutes
from mlops_ext.monitoring.alerts import service as alerting
from mlops_ext.monitoring.alerts.types import ListAlerts, ListMutes, MuteAlerts, RaiseAlert
from mlops_ext.monitoring.performance import batches
from mlops_ext.monitoring.types import ListBatches, ListReports, LogBatch, SaveReport
from mlops_ext.store.schema import metadata
from mlops_ext.workspace import Workspace
from tests.models.support import registered


def test_reports_alerts_mutes_and_batches_are_found_by_the_new_name_and_matched_by_it(workspace: Workspace) -> None:
    registered(workspace)
    registered(workspace, content=b"two")
    registered(workspace, name="delayed")
    workspace.call(service.report, SaveReport(kind="drift", model="delay@1", window="w", status=""))
    pair = {"reference": "delay@1", "current": "delayed@1"}
    workspace.call(service.report, SaveReport(kind="comparison", model="delay@2", **pair, window="w", status=""))
    raised = RaiseAlert(monitor="m", model="delay@1", kind="drift", window="w", message="late")
    first = workspace.call(alerting.raise_alert, raised)
    workspace.call(mutes.mute, MuteAlerts(model="delay"))
    logged = LogBatch(model="delay@1", kind="predictions", batch=workspace.put_blob(b"rows"), rows=1)
    batch = workspace.call(batches.log, logged)
    workspace.call(models.rename, RenameModel(model="delay", to="late"))

    shown = workspace.call(service.reports, ListReports(model="late")).items
    assert sorted((each.model, each.reference, each.current) for each in shown) == [
        ("late@1", "", ""),
        ("late@2", "model:late@1", "model:delayed@1"),
    ]
    assert len(workspace.call(service.reports, ListReports(model="late@1")).items) == 1
    assert [each.id for each in workspace.call(alerting.alerts, ListAlerts(model="late@1"))] == [first.id]
    again = raised.model_copy(update={"model": "late@1", "window": "w2"})
    assert workspace.call(alerting.raise_alert, again).id == first.id
    assert [each.model for each in workspace.call(mutes.list_, ListMutes(model="late"))] == ["late"]
    found = workspace.call(batches.log, logged.model_copy(update={"model": "late@1"}))
    assert (found.id, found.new) == (batch.id, False)
    assert [each.id for each in workspace.call(batches.batches, ListBatches(model="late"))] == [batch.id]

    with pytest.raises(NotFound) as gone:
        workspace.call(models.version, ShowVersion(model="delay@1"))
    assert gone.value.hint == "It was renamed: late"
    registered(workspace, name="delay", content=b"another")
    assert workspace.call(service.reports, ListReports(model="delay")).items == ()


def test_every_table_that_names_models_follows() -> None:
    naming: set[Table] = {table for table in metadata.tables.values() if "model_name" in table.c}
    assert naming == set(renaming._NAMES)
