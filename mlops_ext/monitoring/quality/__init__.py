"""Data quality: missing, out of range, retyped, duplicate, stale, too few; and what a dataset is held to."""
