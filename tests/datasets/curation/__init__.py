"""Tests of what may change of a dataset."""
