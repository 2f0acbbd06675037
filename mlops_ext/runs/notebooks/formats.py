"""Notebooks as nbformat has them, behind names with types."""

from __future__ import annotations

from typing import Any

import nbformat

__all__ = ["current", "parse", "write"]


def parse(text: str) -> Any:
    """Read a notebook of any format as one of format 4."""
    return nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]


def write(nb: Any) -> str:
    """Write a notebook as JSON."""
    return str(nbformat.writes(nb))  # type: ignore[no-untyped-call]


def current(data: bytes) -> str:
    """Bring a notebook to the newest format, with a kernel named."""
    nb = parse(data.decode("utf-8-sig"))
    spec = nb.metadata.setdefault("kernelspec", nbformat.from_dict({}))  # type: ignore[no-untyped-call]
    language = nb.metadata.get("language_info", {}).get("name") or spec.get("language") or "python"
    spec.setdefault("name", "python3")
    spec.setdefault("language", language)
    spec.setdefault("display_name", spec["name"])
    return write(nbformat.v4.upgrade(nb))  # type: ignore[no-untyped-call]
