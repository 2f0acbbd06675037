"""Masking: what looks like a secret is taken out of texts, diffs and notebooks before they are stored."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from mlops_ext.models.types import MaskedSecret
from mlops_ext.secret_forms import is_secret, kind_of_value, secret_spans

__all__ = ["Masked", "is_secret", "mask_diff", "mask_notebook", "mask_text", "masked", "masks_in", "said"]

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_HUNK = re.compile(r"^\+\+\+ (?:b/)?(.*)$", re.MULTILINE)
_BINARY = ("image/", "audio/", "video/", "font/", "application/pdf", "application/octet-stream")
_MASK = re.compile(r"\[masked: ([a-z-]+)\]")
_LINES = ("source", "text", "traceback")
_MOST_SAID = 3


class Masked(NamedTuple):
    """A text without its secrets, and what was taken out."""

    text: str
    found: tuple[MaskedSecret, ...]


def masked(text: str) -> str:
    """Replace what looks like a key, a token or a password by a mask that tells its kind.

    Examples
    --------
    >>> masked("db = 'postgresql://me:hunter22@host/db'")
    "db = 'postgresql://[masked: url-credentials]@host/db'"
    >>> masked("API_KEY = 'abcd1234'")
    "API_KEY = '[masked: api-key]'"
    """
    return mask_text(text).text


def mask_text(text: str, known: Mapping[str, str] | None = None) -> Masked:
    """Mask a text and tell what was found, line by line.

    Parameters
    ----------
    known : mapping of str to str, optional
        Secrets that were found elsewhere, with their kinds.
    """
    return _mask(text, lambda line: f"line {line}", known or {})


def mask_diff(text: str) -> Masked:
    """Mask a diff; what was found is told by file."""
    headers = [(text.count("\n", 0, match.start()) + 1, match[1]) for match in _HUNK.finditer(text)]
    starts = [line for line, _ in headers]

    def where(line: int) -> str:
        place = bisect_right(starts, line) - 1
        return f"line {line} of the diff" + (f" ({headers[place][1]})" if place >= 0 else "")

    return _mask(text, where, {})


def mask_notebook(text: str) -> Masked:
    """Mask a notebook's sources, outputs and metadata; one without secrets is given byte for byte.

    What is found in one place is masked in every other, however it stands there. Images are left alone.

    Parameters
    ----------
    text : str
        The notebook as JSON.
    """
    content = json.loads(text)
    gathered = _Walk({})
    gathered.notebook(content)
    if not gathered.found:
        return Masked(text, ())
    known = {value: kind for value, kind in gathered.values.items() if _stands_out(value)}
    walk = _Walk(known)
    changed = walk.notebook(content)
    return Masked(json.dumps(changed, ensure_ascii=False, indent=1) + "\n", tuple(dict.fromkeys(walk.found)))


def masks_in(text: str) -> tuple[MaskedSecret, ...]:
    """Give the masks that stand in the code cells of a notebook, which cannot run as it did before."""
    code = [cell for cell in json.loads(text).get("cells", ()) if cell.get("cell_type") == "code"]
    sources = [cell.get("source", "") for cell in code]
    lines = [("".join(source) if isinstance(source, list) else source).split("\n") for source in sources]
    return tuple(
        MaskedSecret(kind=match[1], where=f"cell {cell}, line {number}")
        for cell, source in enumerate(lines, 1)
        for number, line in enumerate(source, 1)
        for match in _MASK.finditer(line)
    )


def said(found: Sequence[MaskedSecret]) -> str:
    """Say in one line what was masked; empty for nothing.

    Examples
    --------
    >>> said([MaskedSecret(kind="aws-key", where="cell 3, line 1")])
    'masked 1 secret before storing: aws-key in cell 3, line 1'
    """
    if not found:
        return ""
    places = [f"{each.kind} in {each.where}" for each in found[:_MOST_SAID]]
    more = [f"{len(found) - _MOST_SAID} more"] if len(found) > _MOST_SAID else []
    return f"masked {len(found)} secret{'s' * (len(found) > 1)} before storing: {'; '.join([*places, *more])}"


class _Walk:
    """One way through a notebook's values.

    Attributes
    ----------
    values : dict
        The secrets themselves with their kinds; they leave this object only as what to mask elsewhere.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = known
        self.found: list[MaskedSecret] = []
        self.values: dict[str, str] = {}

    def notebook(self, content: dict[str, Any]) -> dict[str, Any]:
        cells, code, other = [], 0, 0
        for cell in content.get("cells", ()):
            is_code = cell.get("cell_type") == "code"
            code, other = code + is_code, other + (not is_code)
            cells.append(self.cell(cell, f"cell {code}" if is_code else f"text cell {other}"))
        rest = {key: value for key, value in content.items() if key != "cells"}
        return {**content, **self.value(rest, "the notebook's metadata"), **({"cells": cells} if cells else {})}

    def cell(self, cell: dict[str, Any], name: str) -> dict[str, Any]:
        places = {"outputs": f"output of {name}", "metadata": f"metadata of {name}"}
        return {
            key: self.named(key, value, places.get(key, name), by_line=key == "source") for key, value in cell.items()
        }

    def named(self, key: str, value: Any, where: str, *, by_line: bool = False) -> Any:
        """Mask the value of a key, whose name may say that it is a secret."""
        if key.startswith(_BINARY):
            return value
        if isinstance(value, list) and (key in _LINES or key.startswith("text/")) and _all_texts(value):
            whole = self.text("".join(value), where, by_line=by_line)
            return value if whole is None else whole.splitlines(keepends=True)
        kind = kind_of_value(key, value) if isinstance(value, str) else ""
        if kind:
            self.values[value] = kind
            self.found.append(MaskedSecret(kind=kind, where=where))
            return f"[masked: {kind}]"
        return self.value(value, where, by_line=by_line)

    def value(self, value: Any, where: str, *, by_line: bool = False) -> Any:
        if isinstance(value, str):
            text = self.text(value, where, by_line=by_line)
            return value if text is None else text
        if isinstance(value, list):
            return [self.value(each, where) for each in value]
        if isinstance(value, dict):
            return {key: self.named(key, each, where) for key, each in value.items()}
        return value

    def text(self, text: str, where: str, *, by_line: bool) -> str | None:
        """Mask one text; None when there is nothing to mask in it."""
        plain = _ANSI.sub("", text) if "\x1b[" in text else text
        place: Callable[[int], str] = (lambda line: f"{where}, line {line}") if by_line else (lambda _line: where)
        result = _mask(plain, place, self.known, self.values)
        self.found += result.found
        return result.text if result.found else None


def _mask(
    text: str, where: Callable[[int], str], known: Mapping[str, str], values: dict[str, str] | None = None
) -> Masked:
    spans = secret_spans(text, known)
    if not spans:
        return Masked(text, ())
    pieces, found, end = [], [], 0
    for span in spans:
        secret = text[span.start : span.end]
        if values is not None:
            values[secret] = span.kind
        # A mask a line, so that a diff keeps its count of lines.
        pieces += [text[end : span.start], re.sub(r"[^\n]+", f"[masked: {span.kind}]", secret)]
        found.append(MaskedSecret(kind=span.kind, where=where(text.count("\n", 0, span.start) + 1)))
        end = span.end
    return Masked("".join([*pieces, text[end:]]), tuple(found))


def _all_texts(value: list[Any]) -> bool:
    return all(isinstance(each, str) for each in value)


def _stands_out(value: str) -> bool:
    """Tell whether a secret may be masked wherever it stands: a word or a number could be anything."""
    return len(value) >= 8 and not value.isalpha() and not value.isdigit() and "\n" not in value
