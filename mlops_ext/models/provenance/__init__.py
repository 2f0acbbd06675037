"""Provenance: what surrounds a version when it is made, with secrets masked."""
