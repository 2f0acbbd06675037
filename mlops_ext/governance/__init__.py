"""Governance: gates, lineage, the audit trail with its signed heads, and the state of the workspace."""
