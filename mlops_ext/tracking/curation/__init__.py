"""Keeping experiments and runs in order: create, rename, tag, delete, restore."""
