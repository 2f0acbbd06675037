"""Completion of `%mlops`: what the command line itself offers."""

from __future__ import annotations

from typing import Any

__all__ = ["complete"]


def complete(_shell: Any, event: Any) -> list[str]:
    """Give the words and options that can stand at the cursor.

    Parameters
    ----------
    event : object
        IPython's, with `text_until_cursor` and the `symbol` under way.
    """
    from click.shell_completion import ShellComplete

    from mlops_ext.cli.tree import Root

    words = event.text_until_cursor.split()[1:]
    incomplete = "" if event.text_until_cursor.endswith(" ") else event.symbol
    before = words[:-1] if incomplete and words else words
    offered = ShellComplete(Root(()), {}, "mlops", "").get_completions(before, incomplete)
    return sorted(item.value for item in offered if item.type == "plain")
