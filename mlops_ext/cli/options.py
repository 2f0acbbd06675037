"""From an operation's request to the arguments and options of its command, and back."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Union

import click
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from mlops_ext.errors import InvalidValue
from mlops_ext.operations import Operation
from mlops_ext.records import Request

__all__ = ["parameters_of", "request_of", "value_of"]

_SCALARS: dict[Any, click.ParamType[Any]] = {int: click.INT, float: click.FLOAT, str: click.STRING}
_PAIR = "NAME=VALUE"


def parameters_of(operation: Operation[Any, Any]) -> list[click.Parameter]:
    """Make the command's parameters: path fields are arguments, the others options."""
    made: list[click.Parameter] = [click.Argument([name], metavar=name.upper()) for name in operation.path_fields]
    for name, field in operation.request.model_fields.items():
        if name not in operation.path_fields:
            made.extend(_options(name, field))
    return made


def request_of(operation: Operation[Any, Any], given: Mapping[str, Any]) -> Request:
    """Validate what the command was given.

    Raises
    ------
    InvalidValue
        Names the option or argument and its value.
    """
    values = {}
    for name, field in operation.request.model_fields.items():
        value = _read(name, field, given.get(name))
        pairs = given.get(f"{name}__pairs") or ()
        if pairs:
            value = {**(value or {}), **dict(pairs)}
        if value is not None:
            values[name] = value
    try:
        request: Request = operation.request.model_validate(values)
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0]) if fault["loc"] else ""
        shown = name.upper() if name in operation.path_fields else f"--{_dashed(name)}"
        inner = "".join(f".{part}" for part in fault["loc"][1:])
        message = f"{shown}{inner} = {fault['input']!r}: {fault['msg']}"
        raise InvalidValue(message, hint=f"See: mlops {' '.join(operation.command)} --help") from error
    return request


def value_of(text: str) -> Any:
    """Read a parameter's value as JSON when it is some, else as the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _options(name: str, field: FieldInfo) -> list[click.Parameter]:
    kind = _plain(field.annotation)
    word = f"--{_dashed(name)}"
    about = (field.description or "").rstrip(".")
    common: dict[str, Any] = {"help": about, "required": field.is_required(), "default": None}
    if kind is bool:
        words = f"{word}/--no-{_dashed(name)}" if field.default else word
        return [click.Option([words, name], is_flag=True, help=about, default=None)]
    if typing.get_origin(kind) is Literal:
        return [click.Option([word, name], type=click.Choice(typing.get_args(kind)), **_with_default(common, field))]
    if kind in _SCALARS:
        return [click.Option([word, name], type=_SCALARS[kind], **_with_default(common, field))]
    if typing.get_origin(kind) is dict:
        options: list[click.Parameter] = [
            click.Option([word, name], multiple=True, metavar=_PAIR, **{**common, "help": f"{about} (again, or JSON)"})
        ]
        if name == "parameters":
            options.append(
                click.Option(["-p", f"{name}__pairs"], multiple=True, nargs=2, type=str, help="One parameter.")
            )
        return options
    if typing.get_origin(kind) is tuple:
        return [click.Option([word, name], multiple=True, **{**common, "help": f"{about} (again, or JSON)".strip()})]
    # Python 3.10 counts list[str] among the classes and Any not; later ones the other way round.
    metavar = "JSON" if kind is Any or (typing.get_origin(kind) is None and isinstance(kind, type)) else "TEXT"
    return [click.Option([word, name], metavar=metavar, **common)]


def _with_default(common: dict[str, Any], field: FieldInfo) -> dict[str, Any]:
    default = field.default
    if field.is_required() or default in (None, "", ()):
        return common
    return {**common, "help": f"{common['help']} [default: {default}]".strip()}


def _read(name: str, field: FieldInfo, value: Any) -> Any:
    """Turn what click gives into what the field takes; nothing given is None."""
    if value is None or value == ():
        return None
    kind = _plain(field.annotation)
    if typing.get_origin(kind) is dict:
        return _pairs(name, value, texts=typing.get_args(kind)[1] is str)
    if typing.get_origin(kind) is tuple:
        parts = [part for text in value for part in _items(name, text)]
        return [_json_of(name, part) if _is_record(kind) and isinstance(part, str) else part for part in parts]
    if isinstance(value, str) and _is_record(kind):
        return _json_of(name, value)
    return value


def _items(name: str, text: str) -> list[Any]:
    if not text.startswith("["):
        return [text]
    items = _json_of(name, text)
    return items if isinstance(items, list) else [items]


def _pairs(name: str, values: tuple[str, ...], *, texts: bool) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for text in values:
        if text.startswith("{"):
            pairs.update(_json_of(name, text))
            continue
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InvalidValue(f"--{_dashed(name)} {text!r} is no {_PAIR}", hint="Write name=value, or a JSON object")
        pairs[key] = value if texts else value_of(value)
    return pairs


def _json_of(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidValue(f"--{_dashed(name)} {text!r} is no JSON: {error}", hint="Quote it for the shell") from error


def _plain(annotation: Any) -> Any:
    """Leave None and Annotated out of a type."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (Union, types.UnionType):
        kept = [each for each in typing.get_args(annotation) if each is not type(None)]
        return _plain(kept[0]) if len(kept) == 1 else Union[tuple(kept)]  # noqa: UP007
    return annotation


def _is_record(kind: Any) -> bool:
    inner = typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else kind
    return isinstance(inner, type) and hasattr(inner, "model_fields")


def _dashed(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
