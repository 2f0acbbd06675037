"""MLOps inside JupyterLab: snapshot data, register models, retrain, watch drift, without leaving the notebook.

>>> import mlops_ext as mlops
>>> flights = mlops.load("flights")                 # doctest: +SKIP
>>> mlops.register(model, "delay", example=X)       # doctest: +SKIP
>>> mlops.promote("delay@latest", to="production")  # doctest: +SKIP

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlops_ext.datasets.classes.edge import classify
    from mlops_ext.datasets.curation.edge import (
        alias_dataset,
        archive_dataset,
        delete_dataset,
        describe_dataset,
        restore_dataset,
        tag_dataset,
        unalias_dataset,
        untag_dataset,
    )
    from mlops_ext.datasets.diff.edge import diff
    from mlops_ext.datasets.edge import load, scan, snapshot
    from mlops_ext.datasets.expectations.edge import check_dataset, expect, propose_expectations
    from mlops_ext.datasets.profile.edge import profile
    from mlops_ext.datasets.remotes.edge import pull, push
    from mlops_ext.features.edge import feature_view, join
    from mlops_ext.models.curation.edge import (
        archive_model,
        delete_model,
        describe_model,
        rename_model,
        restore_model,
        search,
        tag,
        untag,
    )
    from mlops_ext.models.edge import register
    from mlops_ext.models.importing.edge import import_mlflow
    from mlops_ext.models.loading import load_model
    from mlops_ext.models.promotion.edge import approve, check, promote, reject, rollback
    from mlops_ext.monitoring.drift.edge import drift, store_reference
    from mlops_ext.monitoring.explanation.edge import explain, why
    from mlops_ext.monitoring.groups.edge import attribute, bias, worst_slices
    from mlops_ext.monitoring.monitors.edge import monitor, observe, run_monitor
    from mlops_ext.monitoring.performance.edge import compare_window, estimate, log_labels, log_predictions, performance
    from mlops_ext.monitoring.performance.predicting import predict
    from mlops_ext.monitoring.performance.versions import compare
    from mlops_ext.monitoring.quality.edge import quality
    from mlops_ext.notebook.browse import browse
    from mlops_ext.notebook.dashboard import dashboard
    from mlops_ext.runs.edge import run
    from mlops_ext.runs.pipelines.edge import pipeline, step
    from mlops_ext.runs.reproduction.edge import reproduce
    from mlops_ext.runs.rerun import rerun
    from mlops_ext.runs.schedules.edge import schedule
    from mlops_ext.runs.sweeps.edge import sweep
    from mlops_ext.tracking.autolog import autolog
    from mlops_ext.tracking.curation.edge import (
        create_experiment,
        delete_experiment,
        delete_run,
        rename_experiment,
        rename_run,
        restore_experiment,
        restore_run,
        tag_experiment,
        tag_run,
        untag_experiment,
        untag_run,
    )
    from mlops_ext.tracking.edge import (
        active_run,
        end_run,
        log_artifact,
        log_figure,
        log_metric,
        log_metrics,
        log_param,
        log_params,
        metric_history,
        set_tag,
        set_tags,
        start_run,
    )
    from mlops_ext.workspace import Workspace

__all__ = [
    "Workspace",
    "active_run",
    "alias_dataset",
    "approve",
    "archive_dataset",
    "archive_model",
    "attribute",
    "autolog",
    "bias",
    "browse",
    "check",
    "check_dataset",
    "classify",
    "compare",
    "compare_window",
    "create_experiment",
    "dashboard",
    "delete_dataset",
    "delete_experiment",
    "delete_model",
    "delete_run",
    "describe_dataset",
    "describe_model",
    "diff",
    "drift",
    "end_run",
    "estimate",
    "expect",
    "explain",
    "feature_view",
    "import_mlflow",
    "join",
    "load",
    "load_model",
    "log_artifact",
    "log_figure",
    "log_labels",
    "log_metric",
    "log_metrics",
    "log_param",
    "log_params",
    "log_predictions",
    "metric_history",
    "monitor",
    "observe",
    "performance",
    "pipeline",
    "predict",
    "profile",
    "promote",
    "propose_expectations",
    "pull",
    "push",
    "quality",
    "register",
    "reject",
    "rename_experiment",
    "rename_model",
    "rename_run",
    "reproduce",
    "rerun",
    "restore_dataset",
    "restore_experiment",
    "restore_model",
    "restore_run",
    "rollback",
    "run",
    "run_monitor",
    "scan",
    "schedule",
    "search",
    "set_tag",
    "set_tags",
    "snapshot",
    "start_run",
    "step",
    "store_reference",
    "sweep",
    "tag",
    "tag_dataset",
    "tag_experiment",
    "tag_run",
    "unalias_dataset",
    "untag",
    "untag_dataset",
    "untag_experiment",
    "untag_run",
    "why",
    "worst_slices",
]

_FACE = {
    "mlops_ext.datasets.classes.edge": ("classify",),
    "mlops_ext.datasets.curation.edge": (
        "alias_dataset",
        "archive_dataset",
        "delete_dataset",
        "describe_dataset",
        "restore_dataset",
        "tag_dataset",
        "unalias_dataset",
        "untag_dataset",
    ),
    "mlops_ext.datasets.diff.edge": ("diff",),
    "mlops_ext.datasets.profile.edge": ("profile",),
    "mlops_ext.datasets.remotes.edge": ("pull", "push"),
    "mlops_ext.datasets.edge": ("load", "scan", "snapshot"),
    "mlops_ext.datasets.expectations.edge": ("check_dataset", "expect", "propose_expectations"),
    "mlops_ext.features.edge": ("feature_view", "join"),
    "mlops_ext.models.edge": ("register",),
    "mlops_ext.models.importing.edge": ("import_mlflow",),
    "mlops_ext.models.loading": ("load_model",),
    "mlops_ext.models.curation.edge": (
        "archive_model",
        "delete_model",
        "describe_model",
        "rename_model",
        "restore_model",
        "search",
        "tag",
        "untag",
    ),
    "mlops_ext.models.promotion.edge": ("approve", "check", "promote", "reject", "rollback"),
    "mlops_ext.monitoring.drift.edge": ("drift", "store_reference"),
    "mlops_ext.monitoring.explanation.edge": ("explain", "why"),
    "mlops_ext.monitoring.groups.edge": ("attribute", "bias", "worst_slices"),
    "mlops_ext.monitoring.monitors.edge": ("monitor", "observe", "run_monitor"),
    "mlops_ext.monitoring.performance.edge": (
        "compare_window",
        "estimate",
        "log_labels",
        "log_predictions",
        "performance",
    ),
    "mlops_ext.monitoring.performance.predicting": ("predict",),
    "mlops_ext.monitoring.performance.versions": ("compare",),
    "mlops_ext.monitoring.quality.edge": ("quality",),
    "mlops_ext.notebook.browse": ("browse",),
    "mlops_ext.notebook.dashboard": ("dashboard",),
    "mlops_ext.runs.edge": ("run",),
    "mlops_ext.runs.pipelines.edge": ("pipeline", "step"),
    "mlops_ext.runs.reproduction.edge": ("reproduce",),
    "mlops_ext.runs.rerun": ("rerun",),
    "mlops_ext.runs.sweeps.edge": ("sweep",),
    "mlops_ext.runs.schedules.edge": ("schedule",),
    "mlops_ext.tracking.autolog": ("autolog",),
    "mlops_ext.tracking.curation.edge": (
        "create_experiment",
        "delete_experiment",
        "delete_run",
        "rename_experiment",
        "rename_run",
        "restore_experiment",
        "restore_run",
        "tag_experiment",
        "tag_run",
        "untag_experiment",
        "untag_run",
    ),
    "mlops_ext.tracking.edge": (
        "active_run",
        "end_run",
        "log_artifact",
        "log_figure",
        "log_metric",
        "log_metrics",
        "log_param",
        "log_params",
        "metric_history",
        "set_tag",
        "set_tags",
        "start_run",
    ),
    "mlops_ext.workspace": ("Workspace",),
}
_HOMES = {name: module for module, names in _FACE.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return importlib.import_module("mlops_ext._version").__version__
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def load_ipython_extension(shell: Any) -> None:
    """Answer `%load_ext mlops_ext`."""
    from mlops_ext.notebook.magics import load

    load(shell)


def _watch() -> None:
    """In a kernel, note from the import on which cell each execution is of."""
    if "IPython" in sys.modules:
        from mlops_ext.tracking.history import watch

        watch()


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from mlops_ext.server.extension import MlopsExtension

    return [{"module": "mlops_ext", "app": MlopsExtension}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "mlops-ext"}]


_watch()
