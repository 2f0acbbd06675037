"""What governance does: the audit trail, retention, lineage and the state of the workspace."""

from __future__ import annotations

from mlops_ext.governance import audit, lineage, overview, retention

__all__ = ["consistency", "erase", "head", "log", "prove", "retain", "show", "show_lineage", "verify"]

log, verify, head = audit.log, audit.verify, audit.head
prove, consistency = audit.prove, audit.consistency
retain, erase = retention.retain, retention.erase
show_lineage = lineage.show
show = overview.show
