"""Runs elsewhere: jobs of the queue executed by the workers of a Dask cluster, with no disk in common."""
