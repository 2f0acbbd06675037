"""How many examples a property is tried on."""

from __future__ import annotations

from hypothesis import settings

__all__ = ["fewer"]


def fewer(part: int) -> settings:
    """Take a part of the examples that the profile asks for: for properties of which each example is dear."""
    return settings(max_examples=max(5, settings().max_examples // part))
