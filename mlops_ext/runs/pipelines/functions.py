"""A Python function as a step: a notebook of two cells that calls it, so that it runs as every step does."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.runs.notebooks.parameters import TAG

__all__ = ["FunctionSource", "of_file", "of_object"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class FunctionSource:
    """A function and how a notebook gets it.

    Attributes
    ----------
    label : str
        `module:name`.
    source : str
        Its code, from which what it reads and writes is found.
    opening : str
        The lines that bring it into the notebook.
    """

    label: str
    name: str
    source: str
    opening: str
    definition: _Function

    def notebook(self) -> bytes:
        """Write the notebook that calls it with its parameters."""
        arguments = self.definition.args
        names = [each.arg for each in (*arguments.args, *arguments.kwonlyargs)]
        call = f"{self.name}({', '.join(f'{name}={name}' for name in names)})"
        if isinstance(self.definition, ast.AsyncFunctionDef):
            call = f"await {call}"
        cells = [_cell("parameters", "\n".join(_declared(self.definition)), TAG)] if names else []
        cells.append(_cell("call", f"{self.opening}\n{call}"))
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}).encode()


def of_file(label: str, root: Path) -> FunctionSource:
    """Read `module:name` from its file below the workspace's folder, without importing it.

    Raises
    ------
    InvalidValue, NotFound
        It is no `module:name`, or there is no such module or function.
    """
    module, _, name = label.partition(":")
    if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise InvalidValue(f"{label!r} names no function", hint="Write module:name, such as steps:prepare")
    path = root.joinpath(*module.split("."))
    file = next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()), None)
    if file is None:
        raise NotFound(
            f"no module {module!r} in {root}", hint=did_you_mean(module, [p.stem for p in root.glob("*.py")])
        )
    text = file.read_text(encoding="utf-8")
    try:
        functions = {each.name: each for each in ast.parse(text).body if isinstance(each, _Function)}
    except SyntaxError as error:
        raise InvalidValue(f"{file}, line {error.lineno}: {error.msg}", hint="Mend that line") from error
    if name not in functions:
        raise NotFound.of(f"function in {module}", name, functions)
    return _made(label, name, ast.get_source_segment(text, functions[name]) or "", f"from {module} import {name}")


def of_object(function: Callable[..., Any]) -> FunctionSource:
    """Read a function that is here: one of a module by its module, one of a notebook by its source.

    Raises
    ------
    InvalidValue
        Its source cannot be found.
    """
    label = f"{function.__module__}:{function.__qualname__}"
    if not function.__qualname__.isidentifier():
        raise InvalidValue(f"{label} is no function of a module or a notebook", hint="Define it at the top level")
    try:
        source = textwrap.dedent(inspect.getsource(function))
        file = Path(inspect.getsourcefile(function) or "")
    except (OSError, TypeError) as error:
        raise InvalidValue(
            f"the source of {label} cannot be found", hint="Define it in a file or a notebook"
        ) from error
    importable = function.__module__ != "__main__" and file.is_file()
    name = function.__name__
    if not importable:
        return _made(label, name, source, "")
    return _made(label, name, source, f"from {function.__module__} import {name}")


def _made(label: str, name: str, source: str, opening: str) -> FunctionSource:
    definition = next(each for each in ast.parse(source).body if isinstance(each, _Function))
    if definition.args.posonlyargs or definition.args.vararg or definition.args.kwarg:
        raise InvalidValue(f"{label} takes other arguments than named ones", hint="Let each have a name")
    if not opening:
        bare = source.splitlines()[definition.lineno - 1 :]
        opening = "\n".join(bare)
    else:
        # The function's text is part of the cell, so that a change of it is a change of the step.
        opening = f"{opening}\n" + "\n".join(f"# {line}".rstrip() for line in source.splitlines())
    return FunctionSource(label, name, source, opening, definition)


def _declared(definition: _Function) -> list[str]:
    arguments = definition.args
    lines = []
    defaults: list[ast.expr | None] = [None] * (len(arguments.args) - len(arguments.defaults)) + [*arguments.defaults]
    pairs = [
        *zip(arguments.args, defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        hint = f": {ast.unparse(argument.annotation)}" if argument.annotation else "" if default else ": object"
        lines.append(f"{argument.arg}{hint}" + (f" = {ast.unparse(default)}" if default else ""))
    return lines


def _cell(name: str, source: str, *tags: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"tags": list(tags)},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
