"""Sweeps: one notebook run with many parameters, as one object."""
