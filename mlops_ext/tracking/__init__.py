"""Experiments and runs: parameters, metrics, tags, artifacts and lineage of each execution."""
