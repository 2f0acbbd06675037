"""Features: columns of datasets, joined as they were known at a moment."""

from __future__ import annotations

from mlops_ext.features.service import define, list_, show

__all__ = ["define", "list_", "show"]
