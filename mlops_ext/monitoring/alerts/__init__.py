"""Alerts: when a window deserves one, and what becomes of it."""
