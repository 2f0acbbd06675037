"""Syntax errors, found before the first cell runs."""

from __future__ import annotations

import ast

from mlops_ext.errors import InvalidValue
from mlops_ext.runs.kernels.names import is_this_python
from mlops_ext.runs.notebooks.files import Cell, Notebook

__all__ = ["check_syntax"]

EXPECTED = "raises-exception"
"""The tag of a cell that may fail."""


def check_syntax(notebook: Notebook, name: str, kernel: str = "") -> None:
    """Refuse a notebook with a cell that cannot be parsed.

    Only what this Python will run is judged: another one may know another grammar. Magics, shell
    commands and top-level await are as IPython has them; a cell magic's cell is its own affair.

    Parameters
    ----------
    notebook : Notebook
        What was read.
    name : str
        As it is shown.
    kernel : str
        The kernel that was asked for instead of the notebook's own.

    Raises
    ------
    InvalidValue
        The cell, the line and what is wrong.
    """
    if notebook.language != "python" or not is_this_python(kernel or notebook.kernel):
        return
    for number, cell in enumerate(notebook.code, 1):
        fault = None if EXPECTED in cell.tags else _fault(cell)
        if fault is not None:
            place = f"cell {number}" + (f", line {fault.lineno}" if fault.lineno else "")
            raise InvalidValue(f"{name}, {place}: {fault.msg}", hint="Mend the cell; nothing was started")


def _fault(cell: Cell) -> SyntaxError | None:
    if _parses(cell.source) is None:
        return None
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        plain = TransformerManager().transform_cell(cell.source)  # type: ignore[no-untyped-call]
    except SyntaxError as error:
        return error
    return _parses(plain)


def _parses(source: str) -> SyntaxError | None:
    try:
        compile(source, "<cell>", "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return error
    except ValueError as error:
        return SyntaxError(str(error))
    return None
