"""Drift: two windows compared column by column, exactly, with one verdict over all of them."""
