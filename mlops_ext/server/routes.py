"""From an HTTP request to an operation's request: which route, which fields, which of them are wrong."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn
from urllib.parse import unquote

from pydantic import ValidationError

from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.operations import Operation
from mlops_ext.records import Request

__all__ = ["Router", "from_body", "from_query", "unmarked"]

NON_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_SUSPECT = re.compile("\\\\u|[\ud800-\udfff]|[0-9]{19}")
"""What JSON needs to say something unstorable: an escape, half a character, or as many digits."""
_PAGE_MARKS = {"token", "no_track_activity", "_xsrf"}
"""Query keys that the page and the server talk about; they are no fields."""


class Router:
    """Finds the operation of a method and a path.

    Parameters
    ----------
    operations : iterable of Operation
        What can be called.
    """

    def __init__(self, operations: Iterable[Operation[Any, Any]]) -> None:
        self._routes: dict[tuple[int, str], list[tuple[tuple[str, ...], Operation[Any, Any]]]] = defaultdict(list)
        for each in operations:
            template = tuple(each.path.strip("/").split("/"))
            self._routes[len(template), template[0]].append((template, each))

    def match(self, method: str, path: str) -> tuple[Operation[Any, Any], dict[str, str]] | None:
        """Give the operation and the path's fields, decoded once; None when the path has no such method.

        Parameters
        ----------
        method : str
            The HTTP method.
        path : str
            The path below `api/v1/`, still percent-encoded.

        Raises
        ------
        NotFound
            The path leads nowhere.
        """
        found = self._at(path)
        if not found:
            raise NotFound(f"nothing at {path!r}", hint="See api/openapi.json for what there is")
        for operation, fields in found:
            if operation.method == ("GET" if method == "HEAD" else method):
                return operation, {name: decoded(text) for name, text in fields.items()}
        return None

    def allowed(self, path: str) -> tuple[str, ...]:
        """Give the methods that a path has."""
        methods = {operation.method for operation, _ in self._at(path)}
        return tuple(sorted(methods | ({"HEAD"} if "GET" in methods else set())))

    def _at(self, path: str) -> list[tuple[Operation[Any, Any], dict[str, str]]]:
        segments = path.split("/")
        near = self._routes.get((len(segments), segments[0]), ())
        matches = [(template, each) for template, each in near if _fits(template, segments)]
        fixed = max((_fixed(template) for template, _ in matches), default=0)
        return [
            (each, {part[1:-1]: text for part, text in zip(template, segments, strict=True) if part[0] == "{"})
            for template, each in matches
            if _fixed(template) == fixed
        ]


def from_query(
    operation: Operation[Any, Any], fields: Mapping[str, str], query: Mapping[str, Sequence[bytes]]
) -> Request:
    """Read the request of a GET: the path's fields and the query, whose texts become what the fields are.

    Raises
    ------
    InvalidValue
        A field is unknown, missing, repeated or wrong.
    """
    values: dict[str, Any] = dict(fields)
    for name, texts in unmarked(query).items():
        if name in fields:
            raise InvalidValue(f"{name!r} stands in the path and in the query", hint="Leave it out of the query")
        words = [_utf8(text) for text in texts]
        values[name] = words if len(words) > 1 or _is_list(operation, name) else words[0]
    _refuse_unstorable(values)
    try:
        request: Request = operation.request.model_validate(values)
    except ValidationError as error:
        _explain(error, operation)
    except OverflowError as error:
        raise InvalidValue(f"a value is out of range: {error}", hint="Give a smaller one") from error
    _refuse_unstorable(request.model_dump())
    return request


def from_body(operation: Operation[Any, Any], fields: Mapping[str, str], body: bytes) -> Request:
    """Read the request of a write: the path's fields and a JSON object.

    Raises
    ------
    InvalidValue
        It is no strict JSON object, or a field is unknown, missing or wrong.
    """
    text = _text(body)
    data = _json_object(text)
    for name in fields:
        if name in data:
            raise InvalidValue(f"{name!r} stands in the path and in the body", hint="Leave it out of the body")
    _refuse_unstorable(fields)
    if _SUSPECT.search(text):
        _refuse_unstorable(data)
    whole = _joined(fields, text) if data else json.dumps(fields)
    data.update(fields)
    try:
        return _validated(operation, data, whole)
    except ValidationError as error:
        _explain(error, operation)
    except OverflowError as error:
        raise InvalidValue(f"a value is out of range: {error}", hint="Give a smaller one") from error


def unmarked(query: Mapping[str, Sequence[bytes]]) -> dict[str, Sequence[bytes]]:
    """Leave out of a query what is no field: the token, and the bare number that keeps caches away."""
    return {
        name: texts
        for name, texts in query.items()
        if name not in _PAGE_MARKS and not (name.isdecimal() and not any(texts))
    }


def decoded(segment: str) -> str:
    """Undo the percent-encoding of one part of a path, once."""
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{segment!r} is no UTF-8 when decoded", hint="Percent-encode UTF-8 bytes") from error


def _joined(fields: Mapping[str, str], text: str) -> str:
    """Write the path's fields before those of an object that is not empty."""
    return f"{json.dumps(fields)[:-1]},{text.lstrip()[1:]}" if fields else text


def _validated(operation: Operation[Any, Any], data: dict[str, Any], text: str) -> Request:
    """Validate strictly, except that a float may be written as NaN, Infinity or -Infinity."""
    try:
        request: Request = operation.request.model_validate_json(text, strict=True)
    except ValidationError as error:
        places = [fault["loc"] for fault in error.errors() if _is_non_finite(fault["type"], fault["input"])]
        if not places:
            raise
        for place in places:
            _replace(data, place)
        request = operation.request.model_validate_json(json.dumps(data), strict=True)
    return request


def _is_non_finite(fault: str, value: Any) -> bool:
    return fault == "float_type" and isinstance(value, str) and value in NON_FINITE


def _replace(data: Any, place: Sequence[int | str]) -> None:
    for part in place[:-1]:
        data = data[part]
    data[place[-1]] = NON_FINITE[data[place[-1]]]


def _text(body: bytes) -> str:
    try:
        return body.decode(json.detect_encoding(body), "surrogatepass")
    except UnicodeDecodeError as error:
        raise InvalidValue(f"the body is no JSON: {error}", hint="Send one JSON object in UTF-8") from error


def _json_object(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"the body is no JSON: {error}", hint="Send one JSON object in UTF-8") from error
    if not isinstance(data, dict):
        raise InvalidValue(f"the body is a {type(data).__name__}", hint="Send one JSON object")
    return data


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} stands bare; write it as the string "{name}"')


def _refuse_unstorable(value: Any, place: str = "") -> None:
    """Refuse what no database stores: NUL and half characters in texts, integers beyond 64 bits."""
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise InvalidValue(f"{place} = {value[:80]!r} holds a NUL or half a character", hint="Leave it out")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise InvalidValue(f"{place} is an integer beyond 64 bits", hint="Send it as a string")
    if isinstance(value, dict):
        for key, each in value.items():
            _refuse_unstorable(key, place)
            _refuse_unstorable(each, f"{place}.{key}" if place else str(key))
    if isinstance(value, list | tuple):
        for number, each in enumerate(value):
            _refuse_unstorable(each, f"{place}[{number}]")


def _explain(error: ValidationError, operation: Operation[Any, Any]) -> NoReturn:
    fault = error.errors()[0]
    path = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        hint = did_you_mean(str(fault["loc"][-1]), operation.request.model_fields)
        raise InvalidValue(f"{operation.name} has no field {path!r}", hint=hint) from error
    if fault["type"] == "missing":
        raise InvalidValue(f"{operation.name} needs the field {path!r}", hint="Give it a value") from error
    value = repr(fault["input"])
    shown = value if len(value) <= 80 else value[:79] + "…"
    raise InvalidValue(f"{path or 'the request'} = {shown}: {fault['msg']}", hint="See api/openapi.json") from error


def _fits(template: Sequence[str], segments: Sequence[str]) -> bool:
    return len(template) == len(segments) and all(
        bool(text) if part[0] == "{" else part == text for part, text in zip(template, segments, strict=True)
    )


def _fixed(template: Sequence[str]) -> int:
    return sum(part[0] != "{" for part in template)


def _is_list(operation: Operation[Any, Any], name: str) -> bool:
    field = operation.request.model_fields.get(name)
    return field is not None and getattr(field.annotation, "__origin__", None) in (tuple, list)


def _utf8(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{text!r} is no UTF-8", hint="Percent-encode UTF-8 bytes") from error
