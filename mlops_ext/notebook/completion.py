"""Completion of `%mlops`: what the command line itself would offer."""

from __future__ import annotations

from typing import Any

__all__ = ["complete"]


def complete(_shell: Any, event: Any) -> list[str]:
    """Give the words that can stand at the cursor."""
    words = event.text_until_cursor.split()[1:]
    incomplete = event.symbol
    before = words[:-1] if incomplete and words else words
    from mlops_ext.rooms import OPERATIONS

    depth = len(before)
    offered = {
        operation.command[depth]
        for operation in OPERATIONS.values()
        if len(operation.command) > depth and list(operation.command[:depth]) == before
    }
    chosen = next((each for each in OPERATIONS.values() if list(each.command) == before[: len(each.command)]), None)
    if chosen is not None:
        fields = (name for name in chosen.request.model_fields if name not in chosen.path_fields)
        offered |= {f"--{name.replace('_', '-')}" for name in fields}
    return sorted(word for word in offered if word.startswith(incomplete))
