"""Reports, alerts and batches in the store, on both databases."""

from __future__ import annotations

import math

import pytest
from sqlalchemy import func, select

from mlops_ext.errors import InvalidValue, MlopsError, NotFound
from mlops_ext.monitoring import service
from mlops_ext.monitoring.alerts import service as alerting
from mlops_ext.monitoring.alerts.types import ListAlerts, RaiseAlert, ShowAlert
from mlops_ext.monitoring.performance import batches
from mlops_ext.monitoring.types import (
    DriftRow,
    ListReports,
    LogBatch,
    MetricEstimate,
    SaveReport,
    ShowReport,
    Verdict,
)
from mlops_ext.store.schema import blob_owners, event_data, events
from tests.models.support import actions, registered


def saved(ws, **fields):
    values = {"kind": "performance", "model": "delay@1", "window": "2013-02", "status": "measured"} | fields
    return ws.call(service.report, SaveReport(**values))


def raised(ws, **fields):
    values = {
        "monitor": "auc-loss",
        "model": "delay",
        "kind": "performance_loss",
        "window": "2013-02",
        "message": "low",
    }
    return ws.call(alerting.raise_alert, RaiseAlert(**values | fields))


def event_of(ws, action):
    import json

    query = select(events.c.subject, event_data.c.data).join(event_data, event_data.c.seq == events.c.seq)
    with ws.catalog.read() as connection:
        subject, data = connection.execute(query.where(events.c.action == action)).one()
    return subject, json.loads(data)


def test_a_workspace_that_does_not_exist_yet_lists_nothing(workspace):
    assert workspace.call(service.reports, ListReports()).items == ()
    assert workspace.call(alerting.alerts, ListAlerts()).items == ()
    assert not workspace.exists()


def test_a_report_comes_back_as_it_was_saved(workspace):
    registered(workspace)
    row = DriftRow(column="x", statistic="psi", value=math.inf, p_value=None, parameters={"epsilon": 1e-4})
    made = saved(
        workspace,
        kind="drift",
        model="delay",
        rows=(row,),
        verdict=Verdict(status="drift", columns=("x",), alpha=0.05, method="m"),
        metrics=(MetricEstimate(name="auc", value=0.7, low=math.nan, high=0.8),),
        details={"bound": 0.1},
        label_coverage=0.25,
    )
    found = workspace.call(service.show, ShowReport(report=made.ref))
    assert found.model == "delay@1"
    assert found.rows == (row,)
    assert math.isnan(found.metrics[0].low)
    assert found.model_dump_json() == made.model_dump_json()
    assert found.label_coverage == 0.25


def test_a_saved_report_is_one_event_that_lineage_can_be_drawn_from(workspace):
    registered(workspace)
    registered(workspace, content=b"two")
    made = saved(workspace, kind="comparison", model="delay@2", reference="delay@1")
    subject, data = event_of(workspace, "report.saved")
    assert (subject, data["inputs"], data["outputs"]) == (made.ref, ["model:delay@2", "model:delay@1"], [made.ref])


def test_reports_are_listed_newest_first_by_model_version_kind_and_window(workspace):
    registered(workspace)
    registered(workspace, content=b"two")
    registered(workspace, name="other")
    first = saved(workspace, rows=(DriftRow(column="x", statistic="ks", value=0.1),), details={"a": 1})
    second = saved(workspace, model="delay@2", window="2013-03")
    third = saved(workspace, model="other", kind="estimate")

    def ids(**fields):
        return [each.id for each in workspace.call(service.reports, ListReports(**fields)).items]

    assert ids() == [third.id, second.id, first.id]
    assert ids(model="delay") == [second.id, first.id]
    assert ids(model="delay@1") == [first.id]
    assert ids(kind="estimate") == [third.id]
    assert ids(window="2013-03") == [second.id]
    page = workspace.call(service.reports, ListReports(limit=2))
    assert [each.id for each in workspace.call(service.reports, ListReports(limit=2, cursor=page.next)).items] == [
        first.id
    ]
    listed = workspace.call(service.reports, ListReports(model="delay@1")).items[0]
    assert (listed.rows, listed.details) == ((), {})


@pytest.mark.parametrize("fields", [{"model": "nothing"}, {"model": "delay@7"}, {"reference": "nothing"}])
def test_a_report_on_what_does_not_exist_is_refused(workspace, fields):
    registered(workspace)
    with pytest.raises(NotFound):
        saved(workspace, **fields)
    assert actions(workspace) == ["model.registered"]


def test_an_unknown_report_or_alert_is_not_found(workspace):
    for call, request in ((service.show, ShowReport(report="abc")), (alerting.alert, ShowAlert(alert="alert:abc"))):
        with pytest.raises(NotFound, match="abc"):
            workspace.call(call, request)
    with pytest.raises(InvalidValue, match="not a report"):
        workspace.call(service.show, ShowReport(report="alert:abc"))


def test_the_same_batch_is_kept_once_and_its_blob_is_owned(workspace):
    registered(workspace)
    digest = workspace.put_blob(b"batch")
    request = LogBatch(model="delay", kind="labels", batch=digest, rows=3, window="2013-02")
    first, second = workspace.call(batches.log, request), workspace.call(batches.log, request)
    assert (first.new, second.new, first.model) == (True, False, "delay@1")
    assert workspace.call(batches.log, request.model_copy(update={"kind": "predictions"})).new
    assert actions(workspace).count("batch.logged") == 2
    with workspace.catalog.read() as connection:
        owners = select(func.count()).where(blob_owners.c.digest == digest)
        assert connection.execute(owners).scalar_one() == 2


def test_a_batch_whose_blob_is_missing_is_refused(workspace):
    registered(workspace)
    with pytest.raises(MlopsError, match="is not in the store"):
        workspace.call(batches.log, LogBatch(model="delay", kind="labels", batch="b3:" + "0" * 64, rows=1))


def test_records_show_themselves(workspace):
    registered(workspace)
    report, alert = saved(workspace), raised(workspace)
    assert "performance" in report._repr_html_()
    assert "auc-loss" in alert._repr_html_()
    assert "2013-02" in workspace.call(service.reports, ListReports())._repr_html_()
