"""Tests of gc and fsck."""
