"""Signatures: inferred, compared type by type, and enforced."""
