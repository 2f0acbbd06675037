"""The trail as lines of JSON or CSV, one event at a time, so that its length does not matter."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator

from mlops_ext.governance.types import Event

__all__ = ["COLUMNS", "lines_of"]

COLUMNS = ("seq", "time", "actor", "auth", "action", "subject", "data", "hash")


def lines_of(found: Iterable[Event], form: str) -> Iterator[bytes]:
    """Write events, each as one line of UTF-8.

    Parameters
    ----------
    found : iterable of Event
        In the order wanted.
    form : str
        `jsonl`, or `csv` as RFC 4180 has it, with a header and the data as JSON.
    """
    if form == "jsonl":
        yield from (event.model_dump_json().encode() + b"\n" for event in found)
        return
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow(COLUMNS)
    for event in found:
        yield _taken(page)
        plain = event.model_dump(mode="json")
        plain["data"] = json.dumps(plain["data"], ensure_ascii=False, sort_keys=True)
        writer.writerow([plain[name] for name in COLUMNS])
    yield _taken(page)


def _taken(page: io.StringIO) -> bytes:
    text = page.getvalue()
    page.seek(0)
    page.truncate()
    return text.encode()
