"""Snapshots from files and, in a notebook, from variables."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue

__all__ = ["snapshot"]


@click.command(cls=Leaf)
@click.argument("data")
@click.option("--name", required=True, help="Name of the dataset.")
@click.option("--description", default="", help="A sentence about it.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Anything worth finding it by (again).")
@click.pass_obj
def snapshot(session: Session, data: str, name: str, description: str, tags: tuple[str, ...]) -> Any:
    """Keep DATA as the next version of a dataset: a CSV or Parquet file; in a notebook also a variable.

    What equals the latest version makes none.
    """
    from mlops_ext.datasets.edge import snapshot as keep

    pairs = dict(_pair(tag) for tag in tags)
    thing = session.named(data)
    if isinstance(thing, str):
        thing = session.path(thing)
    return keep(thing, name, description=description, tags=pairs, workspace=session.workspace)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidValue(f"--tag {text!r} is no NAME=VALUE", hint="Write --tag source=api")
    return key, value
