"""Datasets: snapshots of frames that are equal exactly when their content is."""

from __future__ import annotations

from mlops_ext.datasets import used
from mlops_ext.datasets.service import commit, files, list_, resolve, show, versions
from mlops_ext.datasets.storage.compaction import compact

__all__ = ["commit", "compact", "files", "list_", "resolve", "show", "used", "versions"]
