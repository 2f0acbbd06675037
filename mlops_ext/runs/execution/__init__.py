"""Executing: the cells of one notebook through papermill, recorded as one run."""
