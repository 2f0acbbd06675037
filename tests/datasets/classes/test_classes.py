"""Classes of columns: by hand and by pattern, hiding values everywhere, and reads of restricted ones as events."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pandas as pd
import pytest
from sqlalchemy import select

from mlops_ext.datasets.classes.edge import classify
from mlops_ext.datasets.classes.service import classes, hidden_columns, note_download
from mlops_ext.datasets.classes.types import ShowClasses
from mlops_ext.datasets.edge import export, files, load, scan, snapshot
from mlops_ext.datasets.profile.edge import profile
from mlops_ext.datasets.storage.manifest import Manifest
from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.monitoring.drift.edge import drift
from mlops_ext.store.schema import event_data, events
from mlops_ext.workspace import Actor, Workspace

pytestmark = pytest.mark.sqlite

FRAME = pd.DataFrame({"id": [1, 2, 3], "mail": ["ann@x.org", "bob@x.org", "cy@x.org"], "x": [1.0, 2.0, 3.0]})


@pytest.fixture
def ws(workspace):
    snapshot(FRAME, "people", workspace=workspace)
    return workspace


def trail(ws):
    with ws.catalog.read() as connection:
        query = select(events, event_data.c.data).join(event_data, event_data.c.seq == events.c.seq)
        rows = connection.execute(query.order_by(events.c.seq)).all()
    return [SimpleNamespace(**{**row._mapping, "data": json.loads(row.data)}) for row in rows]


def reads(ws):
    return [
        (each.actor, each.subject, each.data["columns"], each.data["how"])
        for each in trail(ws)
        if each.action == "dataset.read"
    ]


def test_a_class_holds_for_all_versions_and_is_an_event(ws):
    snapshot(FRAME.drop(columns="x"), "people", workspace=ws)
    made = classify("people", {"x": "pii", "mail": "restricted"}, workspace=ws)
    assert made.hidden == {"x": "pii", "mail": "restricted"}
    event = trail(ws)[-1]
    assert (event.action, event.subject) == ("dataset.classified", "dataset:people")
    assert event.data["was"] == {"x": "open", "mail": "open"}
    before = len(trail(ws))
    classify("people", {"x": "pii"}, workspace=ws)
    assert len(trail(ws)) == before
    assert classify("people", {"x": "open"}, workspace=ws).hidden == {"mail": "restricted"}


def test_what_is_not_there_has_no_class(ws):
    with pytest.raises(NotFound):
        classify("nobody", {"x": "pii"}, workspace=ws)
    with pytest.raises(InvalidValue, match="no column 'mial'"):
        classify("people", {"mial": "pii"}, workspace=ws)


def test_patterns_give_classes_and_the_stricter_holds(ws):
    patterns = '[datasets.classes]\npii = ["*MAIL*", "id"]\nrestricted = ["people/x", "other/id"]\n'
    (ws.root / "mlops.toml").write_text(patterns, encoding="utf-8")
    ruled = Workspace(ws.root)
    assert hidden_columns(ruled, "people") == {"mail": "pii", "id": "pii", "x": "restricted"}
    classify("people", {"mail": "restricted", "x": "pii"}, workspace=ruled)
    found = ruled.call(classes, ShowClasses(dataset="people"))
    assert found.hidden == {"mail": "restricted", "id": "pii", "x": "restricted"}
    assert {each.column: each.origin for each in found.columns}["x"] == "mlops.toml: people/x"


def test_each_door_that_gives_out_restricted_values_makes_an_event(ws, tmp_path):
    classify("people", {"mail": "restricted", "id": "pii"}, workspace=ws)
    load("people", columns=["id", "x"], workspace=ws)
    assert reads(ws) == []
    load("people", columns=["mail"], workspace=ws)
    load("people", columns=["x"], filter="mail = 'ann@x.org'", workspace=ws)
    scan("people", "arrow", workspace=ws)
    files("people", workspace=ws)
    export("people", tmp_path / "out", workspace=ws)
    made = reads(ws)
    assert [how for *_, how in made] == ["load", "load", "scan", "files", "export"]
    assert {(actor, subject, *columns) for actor, subject, columns, _ in made} == {
        (ws.actor.name, "dataset:people@1", "mail")
    }


def test_a_download_of_a_restricted_file_is_noted_once_in_a_while(ws):
    version = snapshot(FRAME, "people", workspace=ws)
    manifest = Manifest.from_bytes(ws.get_blob(version.manifest))
    note_download(ws, manifest.files[0].digest)
    assert reads(ws) == []
    classify("people", {"mail": "restricted"}, workspace=ws)
    note_download(ws, version.manifest)
    assert reads(ws) == []
    for _ in range(2):
        note_download(ws, manifest.files[0].digest)
    note_download(ws.acting_as(Actor("eve")), manifest.files[0].digest)
    assert [(actor, how) for actor, *_, how in reads(ws)] == [(ws.actor.name, "download"), ("eve", "download")]


def test_hidden_values_are_in_no_profile_and_no_drift_report(ws):
    moved = FRAME.assign(mail=["dan@x.org", "eve@x.org", "fay@x.org"])
    snapshot(moved, "people", workspace=ws)
    classify("people", {"mail": "pii"}, workspace=ws)
    held = profile("people@1", workspace=ws)
    assert held.column("mail").hidden == "pii"
    assert held.column("mail").personal[0].pattern == "email"
    report = drift("people@1", "people@2", categorical=["mail"], workspace=ws)
    shown = json.dumps(report.to_dict()) + report._repr_html_() + held.model_dump_json() + held._repr_html_()
    assert [row for row in report.comparison.rows if row.column == "mail" and row.statistic == "psi_na"]
    assert not [name for name in ("ann@", "dan@", "eve@") if name in shown]
    with pytest.raises(InvalidValue, match="hidden"):
        drift("people@1", "people@2", slices=["mail"], workspace=ws)
