"""A story that every writing operation has a part in, and the cast that asks for it."""

from __future__ import annotations

import io
import json
import os
import time
from typing import Any

import nbformat
import pandas as pd

import mlops_ext as mlops
from mlops_ext.posting import sign
from mlops_ext.rooms import OPERATIONS
from mlops_ext.workspace import Workspace
from tests.models.support import file_of

# Each writing operation in the order of a story, what it is asked, and what a repeat is: a no-op,
# a further change (a new run, job or report), or refused.
STORY: tuple[tuple[str, str], ...] = (
    ("policy.apply", "no-op"),
    ("tracking.start", "again"),
    ("datasets.commit", "no-op"),
    ("datasets.compact", "no-op"),
    ("datasets.tag", "no-op"),
    ("datasets.untag", "refused"),
    ("datasets.describe", "no-op"),
    ("datasets.alias", "no-op"),
    ("datasets.unalias", "refused"),
    ("datasets.receive", "no-op"),
    ("datasets.note_push", "again"),
    ("datasets.expect", "no-op"),
    ("datasets.note_check", "no-op"),
    ("datasets.archive", "no-op"),
    ("datasets.delete", "no-op"),
    ("datasets.restore", "no-op"),
    ("features.define", "no-op"),
    ("models.register", "no-op"),
    ("models.note_reproduction", "no-op"),
    ("models.alias", "no-op"),
    ("models.promote", "no-op"),
    ("models.rollback", "refused"),
    ("models.break_glass", "no-op"),
    ("models.review", "refused"),
    ("models.approve", "no-op"),
    ("models.reject", "refused"),
    ("models.unalias", "refused"),
    ("models.tag", "no-op"),
    ("models.untag", "refused"),
    ("models.describe", "no-op"),
    ("models.archive", "no-op"),
    ("models.delete", "no-op"),
    ("models.restore", "no-op"),
    ("models.rename", "refused"),
    ("monitoring.log", "no-op"),
    ("monitoring.log_predictions", "no-op"),
    ("monitoring.log_labels", "no-op"),
    ("monitoring.report", "again"),
    ("monitoring.raise", "no-op"),
    ("monitoring.acknowledge", "no-op"),
    ("monitoring.resolve", "no-op"),
    ("monitoring.mute", "again"),
    ("monitoring.unmute", "no-op"),
    ("monitors.add", "no-op"),
    ("monitors.pause", "no-op"),
    ("monitors.resume", "no-op"),
    ("monitors.run", "no-op"),
    ("monitors.remove", "refused"),
    ("jobs.submit", "again"),
    ("jobs.cancel", "no-op"),
    ("sweeps.submit", "again"),
    ("jobs.cancel_many", "no-op"),
    ("sweeps.cancel", "no-op"),
    ("sweeps.resume", "no-op"),
    ("pipelines.run", "again"),
    ("pipelines.cancel", "no-op"),
    ("pipelines.resume", "refused"),
    ("schedules.add", "no-op"),
    ("schedules.pause", "no-op"),
    ("schedules.resume", "no-op"),
    ("schedules.remove", "refused"),
    ("webhooks.receive", "refused"),
    ("tracking.attach", "no-op"),
    ("tracking.finish", "no-op"),
    ("tracking.rename", "no-op"),
    ("tracking.tag", "no-op"),
    ("tracking.untag", "refused"),
    ("tracking.delete", "no-op"),
    ("tracking.restore", "no-op"),
    ("experiments.create", "refused"),
    ("experiments.tag", "no-op"),
    ("experiments.untag", "refused"),
    ("experiments.rename", "refused"),
    ("experiments.delete", "no-op"),
    ("experiments.restore", "no-op"),
    ("import.open", "no-op"),
    ("import.end", "no-op"),
    ("import.experiment", "no-op"),
    ("import.version", "no-op"),
    ("import.model", "no-op"),
    ("governance.sign", "no-op"),
    ("datasets.prune", "no-op"),
    ("audit.erase", "no-op"),
    ("audit.retain", "no-op"),
    ("datasets.classify", "no-op"),
    ("datasets.read", "again"),
)


def call(ws: Workspace, name: str, request: dict[str, Any]) -> Any:
    operation = OPERATIONS[name]
    return ws.call(operation, operation.request.model_validate_json(json.dumps(request)))


class Cast:
    """Makes the request of each operation in a workspace where the story has come that far."""

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self.made: dict[str, Any] = {}
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
        (ws.root / "one.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")

    def request(self, name: str) -> dict[str, Any]:
        return getattr(self, name.replace(".", "_"))()

    def policy_apply(self) -> dict[str, Any]:
        two = {"gate": "approvals", "options": {"count": 2}}
        return {"policy": {"environments": ["staging", "production"], "gates": {"staging": [two]}}}

    def tracking_start(self) -> dict[str, Any]:
        return {"experiment": "story"}

    def datasets_commit(self) -> dict[str, Any]:
        if "manifest" not in self.made:
            self.made["manifest"] = mlops.snapshot(weather(9), "other", workspace=self.ws).manifest
        return {"name": "weather", "manifest": self.made["manifest"]}

    def datasets_compact(self) -> dict[str, Any]:
        if "datasets.compact" not in self.made:
            mlops.snapshot(weather(9).assign(more=1), "other", workspace=self.ws)
        return {"dataset": "other@2"}

    def datasets_tag(self) -> dict[str, Any]:
        return {"dataset": "weather", "tags": {"team": "air"}}

    def datasets_untag(self) -> dict[str, Any]:
        return {"dataset": "weather", "key": "team"}

    def datasets_describe(self) -> dict[str, Any]:
        return {"dataset": "weather@1", "description": "# Weather"}

    def datasets_alias(self) -> dict[str, Any]:
        return {"dataset": "weather@1", "alias": "golden"}

    def datasets_unalias(self) -> dict[str, Any]:
        return {"dataset": "weather", "alias": "golden"}

    def datasets_receive(self) -> dict[str, Any]:
        entry = call(self.ws, "datasets.entry", {"dataset": "weather@1"})
        return {"name": "pulled", "entries": [entry.model_dump(mode="json")], "remote": "elsewhere"}

    def datasets_note_push(self) -> dict[str, Any]:
        return {"name": "weather", "versions": [1], "remote": "elsewhere"}

    def datasets_expect(self) -> dict[str, Any]:
        return {"dataset": "weather", "expectations": {"columns": {"temp": {"checks": {"ge": 0}}}}}

    def datasets_note_check(self) -> dict[str, Any]:
        return {"dataset": "weather", "result": {"checked": "weather", "passed": True, "rules": 1, "rows": 9}}

    def datasets_archive(self) -> dict[str, Any]:
        return {"dataset": "weather@1"}

    def datasets_delete(self) -> dict[str, Any]:
        return {"dataset": "weather@1", "comment": "a wrong station"}

    def datasets_restore(self) -> dict[str, Any]:
        return {"dataset": "weather@1"}

    def features_define(self) -> dict[str, Any]:
        return {"name": "view", "dataset": "weather", "entity": ["origin"], "time": "at", "features": ["temp"]}

    def models_register(self) -> dict[str, Any]:
        file = file_of(self.ws, b"two").model_dump()
        return {"name": "delay", "flavor": "test", "files": [file], "inputs": ["dataset:weather@1"]}

    def models_note_reproduction(self) -> dict[str, Any]:
        told = {"model": "delay@1", "verdict": "reproduced", "reason": "1 metrics agree within the tolerances"}
        told |= {"relative": 0.0, "absolute": 0.0, "environment": "check"}
        return {"model": "delay@1", "reproduction": told, "record": self.ws.put_blob(json.dumps(told).encode())}

    def models_alias(self) -> dict[str, Any]:
        return {"model": "delay@2", "alias": "champion"}

    def models_promote(self) -> dict[str, Any]:
        return {"model": "delay@2", "to": "production"}

    def models_rollback(self) -> dict[str, Any]:
        return {"model": "delay@production"}

    def models_break_glass(self) -> dict[str, Any]:
        return {"model": "delay@1", "to": "staging", "comment": "nothing else runs"}

    def models_review(self) -> dict[str, Any]:
        return {"promotion": self.made["models.break_glass"].id, "comment": "it was right"}

    def models_approve(self) -> dict[str, Any]:
        asked = call(self.ws, "models.promote", {"model": "delay@2", "to": "staging"})
        return {"promotion": asked.id}

    def models_reject(self) -> dict[str, Any]:
        return {"promotion": self.made["models.approve"].id, "comment": "not yet"}

    def models_unalias(self) -> dict[str, Any]:
        return {"model": "delay", "alias": "champion"}

    def models_tag(self) -> dict[str, Any]:
        return {"model": "delay", "tags": {"team": "weather"}}

    def models_untag(self) -> dict[str, Any]:
        return {"model": "delay", "key": "team"}

    def models_describe(self) -> dict[str, Any]:
        return {"model": "delay@2", "description": "# Delays"}

    def models_archive(self) -> dict[str, Any]:
        return {"model": "delay@2"}

    def models_delete(self) -> dict[str, Any]:
        return {"model": "delay@2", "comment": "wrong labels"}

    def models_restore(self) -> dict[str, Any]:
        return {"model": "delay@2"}

    def models_rename(self) -> dict[str, Any]:
        return {"model": "former", "to": "renamed"}

    def monitoring_log(self) -> dict[str, Any]:
        batch = io.BytesIO()
        pd.DataFrame({"id": [1], "label": [1.0]}).to_parquet(batch)
        return {"model": "delay@1", "kind": "labels", "batch": self.ws.put_blob(batch.getvalue()), "rows": 1}

    def monitoring_log_predictions(self) -> dict[str, Any]:
        return {"model": "delay@1", "rows": [{"id": 1, "at": "2013-03-01T00:00:00Z", "prediction": 1}], "window": "w"}

    def monitoring_log_labels(self) -> dict[str, Any]:
        return {"model": "delay@1", "rows": [{"id": 1, "at": "2013-04-01T00:00:00Z", "label": 1}], "window": "w"}

    def monitoring_report(self) -> dict[str, Any]:
        return {"kind": "performance", "model": "delay@1", "window": "w", "status": "measured"}

    def monitoring_raise(self) -> dict[str, Any]:
        about = {"monitor": "auc", "model": "delay@1", "kind": "performance_loss", "window": "w", "message": "worse"}
        return {**about, "report": self.made["monitoring.report"].id}

    def monitoring_acknowledge(self) -> dict[str, Any]:
        return {"alert": self.made["monitoring.raise"].id, "comment": "seen"}

    def monitoring_resolve(self) -> dict[str, Any]:
        return {"alert": self.made["monitoring.raise"].id, "comment": "over"}

    def monitoring_mute(self) -> dict[str, Any]:
        return {"model": "delay", "lasting": "8h"}

    def monitoring_unmute(self) -> dict[str, Any]:
        return {"mute": self.made["monitoring.mute"].id}

    def monitors_add(self) -> dict[str, Any]:
        return {"monitor": "watch", "reference": "weather@1", "data": "weather"}

    def monitors_pause(self) -> dict[str, Any]:
        return {"monitor": "watch"}

    monitors_resume = monitors_run = monitors_remove = monitors_pause

    def jobs_submit(self) -> dict[str, Any]:
        return {"notebook": "one.ipynb"}

    def jobs_cancel(self) -> dict[str, Any]:
        return {"job": self.made["jobs.submit"].id}

    def jobs_cancel_many(self) -> dict[str, Any]:
        return {"jobs": [point.job for point in self.made["sweeps.submit"].points[:2]]}

    def sweeps_submit(self) -> dict[str, Any]:
        return {"notebook": "one.ipynb", "points": [{}, {}, {}]}

    def sweeps_cancel(self) -> dict[str, Any]:
        return {"sweep": self.made["sweeps.submit"].id}

    sweeps_resume = sweeps_cancel

    def pipelines_run(self) -> dict[str, Any]:
        (self.ws.root / "mlops.toml").write_text('[pipelines.p.steps.one]\nnotebook = "one.ipynb"\n', encoding="utf-8")
        return {"pipeline": "p"}

    def pipelines_cancel(self) -> dict[str, Any]:
        return {"run": self.made["pipelines.run"].id}

    pipelines_resume = pipelines_cancel

    def schedules_add(self) -> dict[str, Any]:
        return {"schedule": "nightly", "notebook": "one.ipynb", "cron": "30 2 * * *", "tz": "Europe/Berlin"}

    def schedules_pause(self) -> dict[str, Any]:
        return {"schedule": "nightly"}

    schedules_resume = schedules_remove = schedules_pause

    def webhooks_receive(self) -> dict[str, Any]:
        (self.ws.root / "mlops.toml").write_text('[[webhooks]]\nname = "shop"\nsecret = "HOOK"\n', encoding="utf-8")
        os.environ["HOOK"] = "a secret of some length"
        message = {"id": "m1", "timestamp": str(int(time.time())), "body": "{}"}
        signature = sign(os.environ["HOOK"], "m1", message["timestamp"], "{}")
        return {"webhook": "shop", "signature": signature, **message}

    def tracking_attach(self) -> dict[str, Any]:
        return {"run": self.made["tracking.start"].id, "output": self.ws.put_blob(b"{}")}

    def tracking_finish(self) -> dict[str, Any]:
        return {"run": self.made["tracking.start"].id, "status": "succeeded"}

    def tracking_rename(self) -> dict[str, Any]:
        return {"run": self.made["tracking.start"].id, "to": "the first"}

    def tracking_tag(self) -> dict[str, Any]:
        return {"run": self.made["tracking.start"].id, "tags": {"team": "ops"}}

    def tracking_untag(self) -> dict[str, Any]:
        return {"run": self.made["tracking.start"].id, "key": "team"}

    def tracking_delete(self) -> dict[str, Any]:
        return {"run": self.made["tracking.start"].id, "comment": "a wrong month"}

    tracking_restore = tracking_delete

    def experiments_create(self) -> dict[str, Any]:
        return {"experiment": "empty"}

    def experiments_tag(self) -> dict[str, Any]:
        return {"experiment": "empty", "tags": {"team": "ops"}}

    def experiments_untag(self) -> dict[str, Any]:
        return {"experiment": "empty", "key": "team"}

    def experiments_rename(self) -> dict[str, Any]:
        return {"experiment": "empty", "to": "nothing"}

    def experiments_delete(self) -> dict[str, Any]:
        return {"experiment": "nothing"}

    experiments_restore = experiments_delete

    def import_experiment(self) -> dict[str, Any]:
        ids = {"source": "http://elsewhere", "source_id": "7"}
        return {**ids, "experiment": "emptied", "tags": {"team": "ops"}, "deleted": True}

    def import_open(self) -> dict[str, Any]:
        ids = {"source": "http://elsewhere", "source_id": "ab" * 16}
        return {**ids, "experiment": "theirs", "started_at": "2013-01-01T00:00:00Z"}

    def import_end(self) -> dict[str, Any]:
        ids = {"source": "http://elsewhere", "source_id": "ab" * 16}
        return {**ids, "run": "ab" * 16, "status": "failed", "ended_at": "2013-01-01T01:00:00Z"}

    def import_version(self) -> dict[str, Any]:
        file = file_of(self.ws, b"theirs").model_dump()
        model = {"name": "theirs", "flavor": "test", "files": [file]}
        return {"source": "http://elsewhere", "number": 3, "model": model, "created_at": "2013-01-01T00:00:00Z"}

    def import_model(self) -> dict[str, Any]:
        told = {"description": "# Theirs", "tags": {"team": "ops"}, "aliases": {"champion": 3}}
        return {"model": "theirs", "source": "http://elsewhere", **told}

    def governance_sign(self) -> dict[str, Any]:
        return {"model": "delay@1", "signature": self.ws.put_blob(b"a bundle"), "public_key": "PEM"}

    def datasets_classify(self) -> dict[str, Any]:
        return {"dataset": "weather", "classes": {"temp": "restricted"}}

    def datasets_read(self) -> dict[str, Any]:
        return {"dataset": "weather"}

    def datasets_prune(self) -> dict[str, Any]:
        return {"dataset": "other@1", "why": "the story is over"}

    def audit_erase(self) -> dict[str, Any]:
        return {"seqs": [1], "reason": "asked for"}

    def audit_retain(self) -> dict[str, Any]:
        return {"profile": "sr-11-7"}


def weather(rows: int) -> pd.DataFrame:
    times = pd.date_range("2013-01-01", periods=rows, freq="h", tz="UTC")
    return pd.DataFrame({"origin": "JFK", "at": times, "temp": range(rows)})
