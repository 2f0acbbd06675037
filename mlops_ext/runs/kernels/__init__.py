"""Kernels for jobs: which one, and how it is started."""
