"""Tests of what datasets are held to."""
