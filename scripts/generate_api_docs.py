"""Write docs/api.md from the declared operations; `--check` only compares.

Run it after an operation or a record changed:

    python scripts/generate_api_docs.py
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, get_origin

from generated import write_or_check

from mlops_ext.cli.tree import prose
from mlops_ext.cli.words import EDGE
from mlops_ext.rooms import OPERATIONS

TARGET = Path(__file__).parents[1] / "docs" / "api.md"
HEAD = """\
# Operations

Written by `scripts/generate_api_docs.py` from the declared operations. Each can be called as a command, over HTTP below
`{base_url}mlops-ext/api/v1`, and from a panel; its name is also the resource that Jupyter's Authorizer is asked about.
`{base_url}mlops-ext/api/openapi.json` says the same for machines. Fields in the path are the command's arguments, all
others its options; over HTTP they travel in the query of a GET and in the JSON body of anything else.

Errors have one shape, `{"code", "message", "hint"}`. A list answers `{"items", "next"}`; `next` is the `cursor` of the
page after it. Times are ISO 8601 in UTC; numbers that are not finite are the strings `NaN`, `Infinity` and `-Infinity`.

Bytes travel apart: `PUT /blobs` takes a raw body and answers `{"digest"}`; `GET /blobs/{digest}` sends it as a
download.
"""


def main() -> int:
    """Write the file, or compare it."""
    return write_or_check(TARGET, generate(), __doc__)


def generate() -> str:
    """Give the whole page."""
    parts = [HEAD]
    rooms = groupby(sorted(OPERATIONS.values(), key=lambda each: each.name), lambda each: each.name.partition(".")[0])
    for room, operations in rooms:
        parts.append(f"## {room}\n")
        for operation in operations:
            parts.extend(_section(operation))
    return "\n".join(parts).rstrip() + "\n"


def _section(operation: Any) -> Iterator[str]:
    words = " ".join(["mlops", *operation.command, *(name.upper() for name in operation.path_fields)])
    command = f"`{words}`" if operation.command not in EDGE else f"`mlops {' '.join(operation.command)}`"
    kind = "writes one event" if operation.writes else "writes measurements" if operation.telemetry else "reads"
    yield f"### {operation.name}\n"
    yield f"{prose(operation.doc)}\n"
    yield f"`{operation.method} {operation.path}` · {command} · {kind} · gives {_kind(operation.result)}\n"
    fields = list(_fields(operation.request))
    if fields:
        yield "| field | type | default | meaning |\n| --- | --- | --- | --- |"
        yield "\n".join(fields) + "\n"


def _fields(request: Any) -> Iterator[str]:
    for name, field in request.model_fields.items():
        default = "required" if field.is_required() else f"`{field.get_default(call_default_factory=True)!r}`"
        yield f"| `{name}` | {_kind(field.annotation)} | {default} | {field.description or ''} |"


def _kind(annotation: Any) -> str:
    text = annotation.__name__ if get_origin(annotation) is None and isinstance(annotation, type) else str(annotation)
    text = re.sub(r"typing\.|\bmlops_ext\.[\w.]+\.types\.|\bdatetime\.(?=datetime)", "", text)
    text = re.sub(r"Annotated\[(\w+), .*?\)\]", r"\1", text)
    text = re.sub(r"Optional\[(\w+)\]", r"\1 or None", text)
    return "`" + text.replace("|", "or").replace("NoneType", "None") + "`"


if __name__ == "__main__":
    sys.exit(main())
