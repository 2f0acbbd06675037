"""Why: what an environment serves, and what a model says of a row."""

from __future__ import annotations

import json
from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue

__all__ = ["explain", "why"]

_TRUST = click.option("--trust", multiple=True, metavar="NAME", help="What loading the model may trust (again).")


@click.command(cls=Leaf)
@click.argument("model")
@click.argument("row")
@click.option(
    "--method", type=click.Choice(["auto", "tree", "linear", "permutation"]), default="auto", show_default=True
)
@_TRUST
@click.pass_obj
def explain(session: Session, model: str, row: str, method: Any, trust: tuple[str, ...]) -> Any:
    """Tell why MODEL answers as it does for ROW: the id of a logged prediction, or the features as a JSON object.

    In a notebook ROW may also be a variable.
    """
    from mlops_ext.monitoring.explanation.edge import explain as tell

    thing = session.named(row)
    if isinstance(thing, str) and thing.lstrip().startswith("{"):
        try:
            thing = json.loads(thing)
        except ValueError as error:
            raise InvalidValue(f"the row is no JSON: {error}", hint='Write it as {"feature": 1.5}') from error
    return tell(model, thing, method=method, trust=trust, workspace=session.workspace)


@click.command(cls=Leaf)
@click.argument("model", metavar="REFERENCE")
@_TRUST
@click.pass_obj
def why(session: Session, model: str, trust: tuple[str, ...]) -> Any:
    """Tell why an environment serves what it serves, or why a logged prediction came out as it did.

    REFERENCE is name@environment, name@alias of a guarded alias, or prediction:ID.
    """
    from mlops_ext.monitoring.explanation.edge import why as tell

    return tell(model, trust=trust, workspace=session.workspace)
