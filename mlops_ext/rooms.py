"""All rooms, gathered for the doors: importing this module fills `OPERATIONS`."""

from __future__ import annotations

import mlops_ext.datasets.classes.service
import mlops_ext.datasets.curation.service
import mlops_ext.datasets.diff.service
import mlops_ext.datasets.expectations.service
import mlops_ext.datasets.profile.service
import mlops_ext.datasets.remotes.service
import mlops_ext.datasets.service
import mlops_ext.datasets.storage.compaction
import mlops_ext.features.service
import mlops_ext.governance.service
import mlops_ext.governance.upkeep.service
import mlops_ext.models.importing.service
import mlops_ext.models.service
import mlops_ext.monitoring.alerts.mutes
import mlops_ext.monitoring.alerts.notices
import mlops_ext.monitoring.alerts.service
import mlops_ext.monitoring.dashboard.drawing
import mlops_ext.monitoring.dashboard.health
import mlops_ext.monitoring.monitors.observing
import mlops_ext.monitoring.monitors.running
import mlops_ext.monitoring.monitors.service
import mlops_ext.monitoring.performance.batches
import mlops_ext.monitoring.performance.rows
import mlops_ext.monitoring.service
import mlops_ext.runs.pipelines.service
import mlops_ext.runs.schedules.service
import mlops_ext.runs.schedules.webhooks
import mlops_ext.runs.service
import mlops_ext.runs.sweeps.service
import mlops_ext.tracking.curation.experiments
import mlops_ext.tracking.curation.runs
import mlops_ext.tracking.service  # noqa: F401
from mlops_ext.operations import OPERATIONS, Operation, find

__all__ = ["OPERATIONS", "Operation", "find"]
