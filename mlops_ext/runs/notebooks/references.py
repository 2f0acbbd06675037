"""Which datasets and models a notebook names in its code, read without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.refs import Kind, Label, Latest, Ref
from mlops_ext.runs.notebooks.files import Notebook

__all__ = ["References", "references_of", "references_of_source", "subject"]

_READS: dict[str, Kind] = {"load": "dataset", "load_model": "model"}
_WRITES: dict[str, tuple[Kind, int]] = {"snapshot": ("dataset", 1), "register": ("model", 1)}
_MODULE = "mlops_ext"
_MAGIC = re.compile(r"^(\s*)[%!?].*$")


@dataclass(frozen=True)
class References:
    """What code names.

    Attributes
    ----------
    reads, writes : tuple of Ref
        Each with its kind, in the order of the code; what is made before it is read is no read.
    """

    reads: tuple[Ref, ...] = ()
    writes: tuple[Ref, ...] = ()

    @property
    def bare(self) -> tuple[str, ...]:
        """The names that are read without a version, as `dataset:flights`."""
        return tuple(dict.fromkeys(subject(ref) for ref in self.reads if isinstance(ref.selector, Latest)))

    @property
    def loose(self) -> tuple[str, ...]:
        """The names that are read by what may move: without a version, by an alias or an environment."""
        moving = (ref for ref in self.reads if isinstance(ref.selector, Latest | Label))
        return tuple(dict.fromkeys(subject(ref) for ref in moving))

    @property
    def fixed(self) -> tuple[str, ...]:
        """The names that are read by a version's number or digest only."""
        named = dict.fromkeys(subject(ref) for ref in self.reads)
        return tuple(name for name in named if name not in self.loose)

    @property
    def made(self) -> tuple[str, ...]:
        """The names that are made."""
        return tuple(dict.fromkeys(subject(ref) for ref in self.writes))


def subject(ref: Ref) -> str:
    """Write a reference's kind and name.

    Examples
    --------
    >>> subject(Ref.parse("dataset:flights@3"))
    'dataset:flights'
    """
    return f"{ref.kind}:{ref.name}"


def references_of(notebook: Notebook, values: Mapping[str, Any] | None = None) -> References:
    """Find what a notebook loads and makes by name.

    Names that are literals, constants of the notebook or parameters are found; what is computed is not.

    Parameters
    ----------
    values : mapping, optional
        The parameters that it will be given.
    """
    return references_of_source((cell.source for cell in notebook.code), values)


def references_of_source(sources: Iterable[str], values: Mapping[str, Any] | None = None) -> References:
    """Find the same in pieces of Python."""
    finder = _Finder({name: value for name, value in (values or {}).items() if isinstance(value, str)})
    for source in sources:
        if not source.lstrip().startswith("%%"):
            finder.look(source)
    return References(tuple(finder.reads), tuple(finder.writes))


class _Finder(ast.NodeVisitor):
    """Walks code in order and follows names of the module, of its functions, and of texts."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.given = given
        self.texts: dict[str, str] = dict(given)
        self.modules = {"mlops", _MODULE}
        self.functions: dict[str, str] = {}
        self.reads: list[Ref] = []
        self.writes: list[Ref] = []

    def look(self, source: str) -> None:
        """Walk one cell; one that cannot be parsed names nothing that is known."""
        plain = "\n".join(_MAGIC.sub(r"\1pass", line) for line in source.splitlines())
        try:
            self.visit(ast.parse(plain))
        except (SyntaxError, ValueError):
            return

    def visit_Import(self, node: ast.Import) -> None:
        for each in node.names:
            if each.name == _MODULE:
                self.modules.add(each.asname or each.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module == _MODULE:
            self.functions |= {each.asname or each.name: each.name for each in node.names}

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._assign(target, node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._assign(node.target, node.value)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
        defaults = [*zip(names[len(names) - len(node.args.defaults) :], node.args.defaults, strict=True)]
        for name, value in [
            *defaults,
            *((a.arg, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)),
        ]:
            self._assign(ast.Name(name), value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        name = self._function(node.func)
        if name in _READS:
            self._add(self.reads, _READS[name], _argument(node, 0, "ref"))
        elif name in _WRITES:
            kind, place = _WRITES[name]
            self._add(self.writes, kind, _argument(node, place, "name"))

    def _assign(self, target: ast.expr, value: ast.expr | None) -> None:
        if not isinstance(target, ast.Name) or target.id in self.given:
            return
        text = self._text(value)
        if text is None:
            self.texts.pop(target.id, None)
        else:
            self.texts[target.id] = text

    def _function(self, node: ast.expr) -> str:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in self.modules:
            return node.attr
        return self.functions.get(node.id, "") if isinstance(node, ast.Name) else ""

    def _text(self, node: ast.expr | None) -> str | None:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        return self.texts.get(node.id) if isinstance(node, ast.Name) else None

    def _add(self, found: list[Ref], kind: Kind, node: ast.expr | None) -> None:
        text = self._text(node)
        if text is None:
            return
        try:
            ref = Ref.parse(text, kind)
        except InvalidValue:
            return
        made_here = found is self.reads and subject(ref) in {subject(each) for each in self.writes}
        if ref not in found and not made_here:
            found.append(ref)


def _argument(node: ast.Call, place: int, name: str) -> ast.expr | None:
    if len(node.args) > place:
        return node.args[place]
    return next((each.value for each in node.keywords if each.arg == name), None)
