"""Notebooks for the tests, written as plain JSON so that they owe nothing to the code under test."""

from __future__ import annotations

import json
from pathlib import Path


def write_notebook(path: Path, *cells: str | tuple[str, ...], kernel: str | None = "python3") -> Path:
    """Write code cells; a tuple is a source and its tags; a source that begins with `#md` is Markdown."""
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}
    if kernel:
        content["metadata"] = {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}
    for number, cell in enumerate(cells):
        source, *tags = (cell,) if isinstance(cell, str) else cell
        made = {"id": f"c{number}", "metadata": {"tags": tags}, "source": source, "cell_type": "markdown"}
        if not source.startswith("#md"):
            made |= {"cell_type": "code", "outputs": [], "execution_count": None}
        content["cells"].append(made)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
