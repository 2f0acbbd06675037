"""Write the front end's types and route table from the declared operations; `--check` only compares.

Run it after an operation or a record changed:

    python scripts/generate_client.py
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generated import write_or_check
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from mlops_ext.rooms import OPERATIONS

TARGET = Path(__file__).parents[1] / "labextension" / "src" / "api" / "generated.ts"
HEAD = """\
// Written by scripts/generate_client.py from the declared operations. Do not edit.

/** A number as it travels: JSON has no NaN and no infinity. */
export type Real = number | 'NaN' | 'Infinity' | '-Infinity';

/** One page of a list; `next` is the cursor of the following one, empty on the last. */
export interface Page<T> {
  items: T[];
  next: string;
}
"""
_PAGE = re.compile(r"Page_(\w+?)_(?:-Output)?$")
_SCALARS = {"string": "string", "integer": "number", "number": "Real", "boolean": "boolean", "null": "null"}

Schema = dict[str, Any]


class _Schema(GenerateJsonSchema):
    """A result always holds all its fields; a request may leave those with a default out."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


def main() -> int:
    """Write the file, or compare it."""
    return write_or_check(TARGET, generate(), __doc__)


def generate() -> str:
    """Give the whole TypeScript file."""
    operations = [OPERATIONS[name] for name in sorted(OPERATIONS)]
    requests: list[tuple[Any, Any]] = [(each.request, "validation") for each in operations]
    results: list[tuple[Any, Any]] = [(each.result, "serialization") for each in operations]
    references, document = models_json_schema(
        list(dict.fromkeys([*requests, *results])), by_alias=True, schema_generator=_Schema
    )
    parts = [HEAD]
    for key, schema in sorted(document["$defs"].items()):
        if not _PAGE.match(key):
            parts.append(_interface(key, schema))
    rows = [
        f"  '{each.name}': {{ request: {_type(references[each.request, 'validation'])}; "
        f"result: {_type(references[each.result, 'serialization'])} }};"
        for each in operations
    ]
    table = [f"  '{each.name}': {{ method: '{each.method}', path: '{each.path}' }}" for each in operations]
    parts.append(
        "/** What each operation takes and gives. */\nexport interface Operations {\n" + "\n".join(rows) + "\n}\n"
    )
    parts.append(
        "/** Where each operation lives below the API's root. */\nexport const OPERATIONS = {\n"
        + ",\n".join(table)
        + "\n} as const satisfies Record<keyof Operations, { method: string; path: string }>;\n"
    )
    return "\n".join(parts)


def _interface(key: str, schema: Schema) -> str:
    name = _name(key)
    lines = list(_comment(schema.get("description", "")))
    if "properties" not in schema:
        return "\n".join([*lines, f"export type {name} = Record<string, never>;", ""])
    lines.append(f"export interface {name} {{")
    required = set(schema.get("required", ()))
    for field, each in schema["properties"].items():
        lines += [f"  {line}" for line in _comment(each.get("description", ""))]
        lines.append(f"  {field}{'' if field in required else '?'}: {_type(each)};")
    return "\n".join([*lines, "}", ""])


def _comment(text: str) -> Iterator[str]:
    first = text.strip().partition("\n\n")[0]
    if first:
        yield f"/** {' '.join(first.split())} */"


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return _reference(schema["$ref"].rpartition("/")[2])
    if "const" in schema or "enum" in schema:
        return " | ".join(_literal(each) for each in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    kind = schema.get("type")
    if kind == "array":
        inner = _type(schema.get("items", {}))
        return f"({inner})[]" if " | " in inner else f"{inner}[]"
    if kind == "object":
        # Keys of one form, such as digests, stand as a pattern.
        extra = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties", True))
        return f"Record<string, {_type(extra) if isinstance(extra, dict) else 'unknown'}>"
    return _SCALARS.get(kind, "unknown") if isinstance(kind, str) else "unknown"


def _literal(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)


def _reference(key: str) -> str:
    page = _PAGE.match(key)
    return f"Page<{_name(page[1])}>" if page else _name(key)


def _name(key: str) -> str:
    return key.removesuffix("-Output").replace("-Input", "Input").rstrip("_")


if __name__ == "__main__":
    sys.exit(main())
