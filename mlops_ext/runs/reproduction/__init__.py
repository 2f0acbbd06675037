"""Reproduction: a version made again from its notebook, parameters, data and environment, and held against it."""
