"""Monitoring: drift, performance with intervals, estimates before labels, comparisons and alerts."""
