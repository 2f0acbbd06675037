"""What the documents say about operations and settings is current and complete."""

from __future__ import annotations

import subprocess
import sys

from mlops_ext.declaring import keys_of
from mlops_ext.monitoring.monitors.types import AddMonitor
from mlops_ext.runs.pipelines.definition import StepSettings
from mlops_ext.runs.schedules.types import AddSchedule
from mlops_ext.server.extension import MlopsExtension
from mlops_ext.settings import AuditSettings, JobLimit, JobSettings, RemoteSettings, Trigger, Webhook, WorkspaceSettings
from tests.cli.conftest import ROOT


def test_the_page_of_operations_is_current() -> None:
    command = [sys.executable, "scripts/generate_api_docs.py", "--check"]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert ended.returncode == 0, ended.stderr


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for key in WorkspaceSettings.model_fields:
        assert f"| `{key}` |" in page
        assert f"MLOPS_{key.upper()}" in page
    for key in (
        *Trigger.model_fields,
        *AuditSettings.model_fields,
        *RemoteSettings.model_fields,
        *Webhook.model_fields,
        *JobLimit.model_fields,
        *(set(JobSettings.model_fields) - {"limits"}),
        *keys_of(AddSchedule, "schedule", listed=True),
    ):
        assert f"| `{key}` |" in page
    monitors = (ROOT / "docs" / "monitors.md").read_text(encoding="utf-8")
    for key in keys_of(AddMonitor, "monitor", listed=False):
        assert f"`{key}`" in monitors
    pipelines = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
    for key in StepSettings.model_fields:
        assert f"`{key}`" in pipelines
    for name in MlopsExtension.class_own_traits(config=True):
        if name in vars(MlopsExtension):
            assert f"c.MlopsExtension.{name}" in page
