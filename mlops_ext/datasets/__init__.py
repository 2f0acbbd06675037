"""Datasets: snapshots of frames that are equal exactly when their content is."""
