"""Values for parameters, checked and converted against what the notebook declares, before a kernel starts."""

from __future__ import annotations

import ast
import contextlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.runs.notebooks.files import Notebook
from mlops_ext.runs.notebooks.parameters import TAG, is_tagged, parameters_of
from mlops_ext.runs.types import Parameter
from mlops_ext.store.schema import finite_json

__all__ = ["check", "convert", "jsonable"]

_NONFINITE = {"nan": math.nan, "inf": math.inf, "infinity": math.inf, "-inf": -math.inf, "-infinity": -math.inf}
_SEQUENCES = {
    "list": list,
    "List": list,
    "Sequence": list,
    "Iterable": list,
    "tuple": tuple,
    "Tuple": tuple,
    "set": set,
}
_MAPPINGS = {"dict", "Dict", "Mapping"}


class _Unfit(Exception):
    """A value does not fit a declaration."""


def check(notebook: Notebook, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert values for a notebook, or refuse them; see `convert`.

    Raises
    ------
    InvalidValue
        There are values, but no cell says where they belong.
    """
    if values and not is_tagged(notebook):
        raise InvalidValue(
            f"{name} has no cell tagged {TAG!r}, so {', '.join(map(repr, values))} would have no effect",
            hint=f"Put the defaults into one cell and give it the tag {TAG!r} (JupyterLab: Property Inspector)",
        )
    declared = parameters_of(notebook, name)
    if not declared:
        if values and notebook.language.startswith(("python", "ipython")):
            raise InvalidValue(f"{name} declares no parameters, but got {', '.join(map(repr, values))}")
        return dict(values)
    return convert(values, declared)


def convert(values: Mapping[str, Any], parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Check and convert values against their declarations.

    Parameters
    ----------
    values : mapping
        Name to value: a Python value, a JSON value, or text as a command line gives it.
    parameters : sequence of Parameter
        What the notebook declares. An annotation binds; without one the default's type only tells how to read text.

    Returns
    -------
    dict
        Name to the exact Python value that the kernel gets.

    Raises
    ------
    InvalidValue
        A name is unknown, a value is missing or does not fit.

    Examples
    --------
    >>> declared = [Parameter(name="code", type="str"), Parameter(name="month", type="int")]
    >>> convert({"code": "007", "month": "2"}, declared)
    {'code': '007', 'month': 2}
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in values:
        if name not in known:
            raise InvalidValue(f"the notebook has no parameter {name!r}", hint=did_you_mean(name, known))
    for parameter in parameters:
        if parameter.type and not parameter.default and parameter.name not in values:
            raise InvalidValue(f"the parameter {parameter.name!r} needs a value", hint="It has no default")
    return {name: _converted(value, known[name]) for name, value in values.items()}


def jsonable(value: Any) -> Any:
    """Give a converted value as JSON that converts back to it."""
    if value is None or isinstance(value, bool | int | float | str):
        return finite_json(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): jsonable(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [jsonable(each) for each in value]
        return items if isinstance(value, list | tuple) else sorted(items, key=repr)
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return jsonable(value.item())
    raise InvalidValue(
        f"a parameter cannot be of type {type(value).__name__}", hint="Snapshot it and pass its reference instead"
    )


def _converted(value: Any, parameter: Parameter) -> Any:
    value = value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
    if not parameter.type:
        return _like_default(value, parameter)
    try:
        return _fit(value, ast.parse(parameter.type, mode="eval").body)
    except _Unfit:
        raise InvalidValue(
            f"{parameter.name} = {value!r} is no {parameter.type}",
            hint=f"Its default is {parameter.default}" if parameter.default else "",
        ) from None
    except SyntaxError:
        return value


def _like_default(value: Any, parameter: Parameter) -> Any:
    """Read text as the default's type where it is one; leave other values as they are."""
    default = parameter.value
    if not isinstance(value, str) or default is None or isinstance(default, str):
        return value
    readers: list[Callable[[Any], Any]] = [_bool] if isinstance(default, bool) else [_int, _float]
    if isinstance(default, list | dict):
        readers = [lambda text: _from_text(text, (tuple if parameter.default.startswith("(") else list, dict))]
    for reader in readers:
        with contextlib.suppress(_Unfit):
            return reader(value)
    return value


def _fit(value: Any, type_: ast.expr) -> Any:
    """Give `value` as an annotation wants it."""
    if isinstance(type_, ast.BinOp):
        return _any_of(value, [type_.left, type_.right])
    if isinstance(type_, ast.Subscript):
        return _fit_generic(value, _name_of(type_.value), type_.slice)
    if isinstance(type_, ast.Constant):
        return _fit(value, ast.parse(type_.value, mode="eval").body) if isinstance(type_.value, str) else _none(value)
    if isinstance(type_, ast.Name | ast.Attribute):
        return _fit_simple(value, type_)
    return value


def _fit_simple(value: Any, type_: ast.expr) -> Any:
    name, whole = _name_of(type_), ast.unparse(type_)
    if name in _SEQUENCES:
        return _sequence(value, _SEQUENCES[name], [])
    if name in _MAPPINGS:
        return _mapping(value, None, None)
    if whole.endswith("datetime.date") or name == "date":
        return _date(value)
    reader = _SIMPLE.get(name)
    # A type that is not known here, such as a class of the notebook's own, is the notebook's to check.
    return reader(value) if reader else value


def _fit_generic(value: Any, name: str, inner: ast.expr) -> Any:
    parts = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
    if name in ("Optional", "Union"):
        return _any_of(value, parts if name == "Union" else [inner, ast.Constant(None)])
    if name == "Annotated":
        return _fit(value, parts[0])
    if name == "Literal":
        return _choice(value, [ast.literal_eval(part) for part in parts])
    if name in _SEQUENCES:
        return _sequence(value, _SEQUENCES[name], parts)
    if name in _MAPPINGS and len(parts) == 2:
        return _mapping(value, parts[0], parts[1])
    return value


def _any_of(value: Any, members: Sequence[ast.expr]) -> Any:
    """Take the member that the value fits as it is, else the first that it converts to; text stays text last."""
    results = []
    for member in members:
        with contextlib.suppress(_Unfit):
            results.append(_fit(value, member))
    exact = [each for each in results if type(each) is type(value) and (each == value or each != each)]  # noqa: PLR0124
    if not results:
        raise _Unfit
    return (exact or results)[0]


def _choice(value: Any, choices: Sequence[Any]) -> Any:
    for choice in choices:
        if type(choice) is type(value) and choice == value:
            return choice
    for choice in choices:
        if isinstance(value, str) and str(choice) == value:
            return choice
    raise _Unfit


def _sequence(value: Any, make: Callable[[Any], Any], parts: Sequence[ast.expr]) -> Any:
    items = _from_text(value, (list, tuple, set)) if isinstance(value, str) else value
    if not isinstance(items, list | tuple | set | frozenset):
        raise _Unfit
    fixed = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is ...)]
    if make is tuple and parts and len(fixed) == len(parts):
        if len(items) != len(parts):
            raise _Unfit
        return tuple(_fit(item, part) for item, part in zip(items, parts, strict=True))
    return make(_fit(item, fixed[0]) if fixed else item for item in items)


def _mapping(value: Any, key: ast.expr | None, of: ast.expr | None) -> dict[Any, Any]:
    items = _from_text(value, (dict,)) if isinstance(value, str) else value
    if not isinstance(items, Mapping):
        raise _Unfit
    return {_fit(k, key) if key else k: _fit(v, of) if of else v for k, v in items.items()}


def _from_text(text: str, kinds: tuple[Any, ...]) -> Any:
    """Read a container from JSON or from a Python literal; the first kind tells what a list is to become."""
    for reader in (json.loads, ast.literal_eval):
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            read = reader(text)
            if isinstance(read, list) and kinds[0] is tuple:
                return tuple(read)
            if isinstance(read, kinds):
                return read
    raise _Unfit


def _str(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise _Unfit


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise _Unfit


def _int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return int(value)
    raise _Unfit


def _float(value: Any) -> float:
    if isinstance(value, float):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        with contextlib.suppress(OverflowError):
            return float(value)
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return _NONFINITE[value.strip().lower()] if value.strip().lower() in _NONFINITE else float(value)
    raise _Unfit


def _none(value: Any) -> None:
    if value is None or (isinstance(value, str) and value.strip().lower() in ("none", "null")):
        return
    raise _Unfit


def _date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return date.fromisoformat(value.strip())
    raise _Unfit


def _datetime(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            return datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
    raise _Unfit


_SIMPLE: dict[str, Callable[[Any], Any]] = {
    "str": _str, "bool": _bool, "int": _int, "float": _float, "None": _none, "NoneType": _none, "datetime": _datetime,
}  # fmt: skip


def _name_of(type_: ast.expr) -> str:
    return type_.attr if isinstance(type_, ast.Attribute) else type_.id if isinstance(type_, ast.Name) else ""
