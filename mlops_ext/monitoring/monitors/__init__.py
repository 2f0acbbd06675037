"""Monitors: what is watched by the clock, with new data, or row by row as it streams in."""
