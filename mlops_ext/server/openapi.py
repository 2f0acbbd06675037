"""The OpenAPI document, written from the declared operations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from mlops_ext.server.handlers import BaseHandler

if TYPE_CHECKING:
    from mlops_ext.operations import Operation

__all__ = ["OpenApiHandler", "document"]

Schema = dict[str, Any]
_REF = "#/components/schemas/{model}"
_ERRORS = {
    "400": "A value, name or reference is wrong",
    "403": "No token, or not allowed",
    "404": "Nothing goes by that name",
    "409": "It exists already, is in another state, or a check said no",
    "413": "The body is too large",
    "415": "The body does not say that it is JSON",
    "500": "Something broke; the server's log has the details",
    "501": "An optional package is not installed",
    "503": "The store cannot be used as it is",
    "504": "It took too long",
}
_TEXT = {"type": "string"}
_ERROR: Schema = {
    "type": "object",
    "description": "What went wrong and what to do about it.",
    "properties": {"code": _TEXT, "message": _TEXT, "hint": _TEXT},
    "required": ["code", "message", "hint"],
    "additionalProperties": False,
}
_ABOUT = (
    "Every operation of the workspace that this Jupyter server serves. Times are ISO 8601 in UTC; numbers that are "
    "not finite travel as the strings NaN, Infinity and -Infinity. References and names follow a finer grammar than "
    "their schemas say; a wrong one answers 400."
)


class OpenApiHandler(BaseHandler):
    """GET /mlops-ext/api/openapi.json."""

    def allowed(self) -> tuple[str, ...]:
        """Give the methods of this path."""
        return ("GET", "HEAD")

    async def operate(self) -> None:
        """Send the document."""
        if self.request.method not in self.allowed():
            raise self.refuse_method()
        await self.authorize("read", "openapi")
        await self.finish(await self.host.run(self._text))

    def _text(self) -> str:
        from mlops_ext import __version__
        from mlops_ext.rooms import OPERATIONS

        return json.dumps(document(OPERATIONS.values(), f"{self.base_url}mlops-ext/api/v1", __version__))


def document(operations: Iterable[Operation[Any, Any]], server: str, version: str) -> Schema:
    """Write the OpenAPI 3.1 document.

    Parameters
    ----------
    operations : iterable of Operation
        What can be called.
    server : str
        URL of the API's root.
    version : str
        The release.
    """
    known = sorted(operations, key=lambda each: each.name)
    places, definitions = _schemas(known)
    paths: Schema = {}
    for each in known:
        entry = _entry(each, places, definitions)
        paths.setdefault(each.path, {})[each.method.lower()] = entry
    paths |= _blob_paths()
    return {
        "openapi": "3.1.0",
        "info": {"title": "mlops_ext", "version": version, "description": _ABOUT},
        "servers": [{"url": server}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**definitions, "Error": _ERROR},
            "responses": {code: _error_response(text) for code, text in _ERRORS.items()},
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token …` with the Jupyter server's token",
                }
            },
        },
    }


def _schemas(operations: list[Operation[Any, Any]]) -> tuple[dict[tuple[Any, str], Schema], Schema]:
    from pydantic.json_schema import GenerateJsonSchema, models_json_schema

    class Travelling(GenerateJsonSchema):
        """Floats may be non-finite, which JSON writes as strings; a result holds all its fields."""

        def float_schema(self, schema: Any) -> Schema:
            number = super().float_schema(schema)
            return {"anyOf": [number, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}]}

        def field_is_required(self, field: Any, total: bool) -> bool:
            return self.mode == "serialization" or super().field_is_required(field, total)

    wanted: list[tuple[Any, Any]] = [(each.request, "validation") for each in operations]
    wanted += [(each.result, "serialization") for each in operations]
    places, schema = models_json_schema(
        list(dict.fromkeys(wanted)), by_alias=True, ref_template=_REF, schema_generator=Travelling
    )
    return dict(places), schema.get("$defs", {})  # type: ignore[arg-type]


def _entry(operation: Operation[Any, Any], places: dict[tuple[Any, str], Schema], definitions: Schema) -> Schema:
    request = definitions[places[operation.request, "validation"]["$ref"].rpartition("/")[2]]
    properties, required = request.get("properties", {}), set(request.get("required", ()))
    in_path = set(operation.path_fields)
    entry: Schema = {
        "operationId": operation.name,
        "tags": [operation.name.partition(".")[0]],
        "summary": operation.summary,
        "description": operation.doc,
        "x-permission": {"action": operation.action, "resource": operation.name},
        "parameters": [_parameter(name, properties[name], "path", True) for name in operation.path_fields],
        "responses": {
            "200": {
                "description": "Done",
                "content": {"application/json": {"schema": places[operation.result, "serialization"]}},
            },
            **{code: {"$ref": f"#/components/responses/{code}"} for code in _ERRORS},
        },
    }
    others = {name: each for name, each in properties.items() if name not in in_path}
    if operation.method == "GET":
        entry["parameters"] += [_parameter(name, each, "query", name in required) for name, each in others.items()]
        return entry
    body = {
        "type": "object",
        "properties": others,
        "required": sorted(required - in_path),
        "additionalProperties": False,
    }
    entry["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return entry


def _parameter(name: str, schema: Schema, where: str, required: bool) -> Schema:
    schema = dict(schema)
    about = schema.pop("description", "")
    if where == "path" and schema.get("type") == "string":
        schema["minLength"] = 1
    return {"name": name, "in": where, "required": required, "description": about, "schema": schema}


def _error_response(text: str) -> Schema:
    return {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": _REF.format(model="Error")}}},
    }


def _blob_paths() -> Schema:
    errors = {code: {"$ref": f"#/components/responses/{code}"} for code in _ERRORS}
    octets = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    digest = {"type": "object", "properties": {"digest": _TEXT}, "required": ["digest"], "additionalProperties": False}
    pattern = "^(b3|sha256):[0-9a-f]{64}$"
    return {
        "/blobs": {
            "put": {
                "operationId": "blobs.put",
                "tags": ["blobs"],
                "summary": "Store bytes durably and give their digest.",
                "x-permission": {"action": "write", "resource": "blobs"},
                "requestBody": {"required": False, "content": octets},
                "responses": {
                    "200": {"description": "Stored", "content": {"application/json": {"schema": digest}}},
                    **errors,
                },
            }
        },
        "/blobs/{digest}": {
            "get": {
                "operationId": "blobs.get",
                "tags": ["blobs"],
                "summary": "Download a blob, checked against its digest.",
                "x-permission": {"action": "read", "resource": "blobs"},
                "parameters": [_parameter("digest", {**_TEXT, "pattern": pattern}, "path", True)],
                "responses": {"200": {"description": "The bytes", "content": octets}, **errors},
            }
        },
    }
