"""What governance does: the audit trail, lineage and the state of the workspace."""

from __future__ import annotations

from mlops_ext.governance import audit, lineage, overview

__all__ = ["head", "log", "show", "show_lineage", "verify"]

log, verify, head = audit.log, audit.verify, audit.head
show_lineage = lineage.show
show = overview.show
