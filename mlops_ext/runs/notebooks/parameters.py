"""Parameters of a notebook: read from its tagged cells, without running them."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from mlops_ext.errors import InvalidValue
from mlops_ext.runs.notebooks.files import Cell, Notebook
from mlops_ext.runs.types import Parameter

__all__ = ["TAG", "is_tagged", "parameters_of", "source_of"]

TAG = "parameters"
_MAGIC = re.compile(r"^\s*[%!?]")
_HINT = re.compile(r"type:\s*(\S+)\s*(.*)", re.DOTALL)


def is_tagged(notebook: Notebook) -> bool:
    """Tell whether a cell of the notebook is tagged `parameters`."""
    return any(TAG in cell.tags for cell in notebook.code)


def parameters_of(notebook: Notebook, name: str) -> tuple[Parameter, ...]:
    """Read what a notebook declares in all its cells tagged `parameters`.

    Parameters
    ----------
    notebook : Notebook
        Only one in Python declares; of other languages nothing is known.
    name : str
        The notebook's name, for what is said of errors.

    Raises
    ------
    InvalidValue
        A tagged cell is no Python; the line is named.
    """
    if notebook.language not in ("python", "ipython", "python3"):
        return ()
    found: dict[str, Parameter] = {}
    for cell in notebook.code:
        if TAG in cell.tags:
            for parameter in _declared(cell, name):
                found[parameter.name] = parameter
    return tuple(found.values())


def source_of(value: object) -> str:
    """Write a value as a Python expression that needs no import and gives the value back exactly.

    Examples
    --------
    >>> import datetime
    >>> source_of({"when": datetime.date(2013, 1, 31), "rate": float("inf")})
    "{'when': __import__('datetime').date(2013, 1, 31), 'rate': float('inf')}"
    """
    if isinstance(value, dict):
        return "{" + ", ".join(f"{source_of(key)}: {source_of(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(source_of(each) for each in value) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(source_of(each) + ", " for each in value).rstrip() + ")"
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__}([" + ", ".join(sorted(source_of(each) for each in value)) + "])"
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
        return f"float({str(value)!r})"
    text = repr(value)
    return f"__import__('datetime'){text[len('datetime') :]}" if text.startswith("datetime.") else text


def _declared(cell: Cell, name: str) -> Iterator[Parameter]:
    source = "\n".join("" if _MAGIC.match(line) else line for line in cell.source.splitlines())
    try:
        module = ast.parse(source)
    except SyntaxError as error:
        raise InvalidValue(
            f"the cell tagged {TAG!r} of {name} is no Python: line {error.lineno}: {error.msg}", hint="Mend that line"
        ) from error
    comments = _comments(source)
    for statement in module.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            help_ = comments.get(statement.end_lineno or 0, "")
            yield _parameter(statement.target.id, ast.unparse(statement.annotation), statement.value, source, help_)
        elif isinstance(statement, ast.Assign):
            help_ = comments.get(statement.end_lineno or 0, "")
            hint = _HINT.fullmatch(help_)
            type_, help_ = (hint[1], hint[2]) if hint else ("", help_)
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield _parameter(target.id, type_, statement.value, source, help_)


def _parameter(name: str, type_: str, value: ast.expr | None, source: str, help_: str) -> Parameter:
    default = "" if value is None else ast.get_source_segment(source, value) or ast.unparse(value)
    return Parameter(name=name, type=type_, default=default, value=_literal(value), help=help_)


def _literal(value: ast.expr | None) -> object:
    """Give a literal as JSON; what is none, such as a call or bytes, gives None."""
    try:
        return None if value is None else _as_json(ast.literal_eval(value))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def _as_json(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _as_json(each) for key, each in value.items()}
    raise TypeError(f"{type(value).__name__} is not JSON")


def _comments(source: str) -> dict[int, str]:
    """Give the comment of each line that has one after code."""
    found: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            found[token.start[0]] = token.string.lstrip("#").strip()
    return found
