"""Notebooks before they run: read, asked for their parameters, checked, kept without secrets."""
