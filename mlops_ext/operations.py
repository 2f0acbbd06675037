"""Operations: each thing that can be done, declared once for every door.

From one declaration come the REST route, its OpenAPI entry, the CLI command, the magic, the
TypeScript client and the permission's name.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_type_hints

from mlops_ext.errors import NotFound
from mlops_ext.records import Page, Record, Request

if TYPE_CHECKING:
    from mlops_ext.workspace import Workspace

__all__ = ["OPERATIONS", "Operation", "every", "find", "operation"]

Req = TypeVar("Req", bound=Request)
Res = TypeVar("Res", bound=Record)
Item = TypeVar("Item", bound=Record)

OPERATIONS: dict[str, Operation[Any, Any]] = {}
_PATH_FIELD = re.compile(r"{(\w+)}")
_METHODS = ("GET", "POST", "PUT", "DELETE")


@dataclass(frozen=True)
class Operation(Generic[Req, Res]):
    """One declared operation; calling it runs it on a workspace.

    Attributes
    ----------
    name : str
        `room.verb`; also the permission's name.
    method, path : str
        The REST route below `mlops-ext/api/v1`; the path's fields are the CLI's arguments.
    command : tuple of str
        The words of the CLI command and of the magic.
    writes : bool
        Whether it changes a record, and so appends one event.
    telemetry : bool
        Whether it writes measurements only, which append no event.
    """

    name: str
    method: str
    path: str
    command: tuple[str, ...]
    writes: bool
    telemetry: bool
    function: Callable[[Workspace, Req], Res]
    request: type[Req]
    result: type[Res]

    def __call__(self, ws: Workspace, request: Req) -> Res:
        """Run it on a workspace, here."""
        return self.function(ws, request)

    @property
    def doc(self) -> str:
        """The docstring of the function."""
        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.partition("\n")[0]

    @property
    def path_fields(self) -> tuple[str, ...]:
        """The request's fields that stand in the path."""
        return tuple(_PATH_FIELD.findall(self.path))

    @property
    def action(self) -> str:
        """What Jupyter's Authorizer is asked for: read or write."""
        return "write" if self.writes or self.telemetry else "read"


def operation(
    name: str, route: str, *, command: str = "", writes: bool = False, telemetry: bool = False
) -> Callable[[Callable[[Workspace, Req], Res]], Operation[Req, Res]]:
    """Declare an operation.

    Parameters
    ----------
    name : str
        `room.verb`, such as `models.promote`.
    route : str
        Method and path, such as `POST /models/{model}/deployments`.
    command : str
        The CLI's words; `room verb` when empty.
    writes : bool
        It changes records and appends an event.
    telemetry : bool
        It writes measurements only, without an event.

    Examples
    --------
    >>> @operation("demo.echo", "GET /demo/{text}")           # doctest: +SKIP
    ... def echo(ws: Workspace, request: Echo) -> Echoed: ...
    """
    method, _, path = route.partition(" ")

    def declare(function: Callable[[Workspace, Req], Res]) -> Operation[Req, Res]:
        if name in OPERATIONS:
            raise ValueError(f"operation {name} is declared twice")
        if method not in _METHODS:
            raise ValueError(f"operation {name} has an unknown method {method!r}")
        hints = get_type_hints(function, localns=_late_names())
        declared = Operation(
            name=name,
            method=method,
            path=path,
            command=tuple(command.split() or name.split(".")),
            writes=writes,
            telemetry=telemetry,
            function=function,
            request=hints["request"],
            result=hints["return"],
        )
        _check(declared)
        OPERATIONS[name] = declared
        return declared

    return declare


def find(name: str) -> Operation[Any, Any]:
    """Look an operation up by its name.

    Raises
    ------
    NotFound
        No operation goes by that name.
    """
    if name not in OPERATIONS:
        raise NotFound.of("operation", name, OPERATIONS)
    return OPERATIONS[name]


def every(ws: Workspace, listing: Operation[Req, Page[Item]], request: Req) -> Iterator[Item]:
    """Go through all items of a list, page by page.

    Examples
    --------
    >>> for model in every(ws, models.list_models, ListModels(limit=1000)): ...  # doctest: +SKIP
    """
    while True:
        page = ws.call(listing, request)
        yield from page
        if not page.next:
            return
        request = request.model_copy(update={"cursor": page.next})


def _check(declared: Operation[Any, Any]) -> None:
    unknown = set(declared.path_fields) - set(declared.request.model_fields)
    if unknown:
        raise ValueError(f"operation {declared.name}: {unknown} stands in the path but not in the request")
    if not declared.doc:
        raise ValueError(f"operation {declared.name} has no docstring")


def _late_names() -> dict[str, Any]:
    from mlops_ext.workspace import Workspace

    return {"Workspace": Workspace}
