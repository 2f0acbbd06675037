"""Promotion: policy, gates, approvals, and which version an environment serves."""
