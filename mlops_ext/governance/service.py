"""What governance does: the audit trail, retention, lineage and the state of the workspace."""

from __future__ import annotations

from mlops_ext.governance import audit, lineage, openlineage, overview, retention
from mlops_ext.governance.evidence import card as show_card
from mlops_ext.governance.evidence import facts, signatures
from mlops_ext.governance.evidence import sbom as materials

__all__ = [
    "attach_signature",
    "card",
    "check_evidence",
    "consistency",
    "erase",
    "export_lineage",
    "head",
    "log",
    "prove",
    "retain",
    "sbom",
    "show",
    "show_lineage",
    "verify",
]

log, verify, head = audit.log, audit.verify, audit.head
prove, consistency = audit.prove, audit.consistency
retain, erase = retention.retain, retention.erase
show_lineage, export_lineage = lineage.show, openlineage.export
show = overview.show
card, sbom, check_evidence, attach_signature = show_card.show, materials.show, facts.check, signatures.attach
