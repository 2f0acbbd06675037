"""Frames of every kind to Arrow, and exactly back."""
