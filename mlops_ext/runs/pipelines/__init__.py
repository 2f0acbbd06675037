"""Pipelines: notebooks and functions as steps, in the order of what they read and write."""
