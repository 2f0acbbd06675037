"""Snapshots from files, queries and, in a notebook, variables; versions as files again."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue

__all__ = ["export", "files", "snapshot"]


@click.command(cls=Leaf)
@click.argument("data", required=False)
@click.option("--name", required=True, help="Name of the dataset.")
@click.option("--description", default="", help="A sentence about it.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Anything worth finding it by (again).")
@click.option("--primary-key", multiple=True, metavar="COLUMN", help="A column that tells rows apart (again).")
@click.option("--by-reference", is_flag=True, help="Leave the rows where they are; keep only which they are.")
@click.option("--sql", help="A query instead of DATA.")
@click.option("--con", envvar="MLOPS_SQL_CON", help="The query's database as a URL; better in MLOPS_SQL_CON.")
@click.pass_obj
def snapshot(
    session: Session,
    data: str | None,
    name: str,
    description: str,
    tags: tuple[str, ...],
    primary_key: tuple[str, ...],
    by_reference: bool,
    sql: str | None,
    con: str | None,
) -> Any:
    """Keep DATA as the next version of a dataset.

    DATA is the path, folder, glob or URL of CSV, Parquet, Arrow or JSON files, the folder of a Delta table; in a
    notebook also a variable. What equals the latest version makes none.
    """
    from mlops_ext.datasets.edge import snapshot as keep

    if (data is None) == (sql is None):
        raise InvalidValue("give either DATA or --sql", hint="Such as: mlops snapshot flights.csv --name flights")
    return keep(
        session.named(data) if data is not None else None,
        name,
        sql=sql,
        con=session.named(con) if sql is not None and con is not None else None,
        primary_key=primary_key or None,
        description=description,
        tags=dict(_pair(tag) for tag in tags),
        by_reference=by_reference,
        workspace=session.workspace,
    )


@click.command(cls=Leaf)
@click.argument("dataset")
@click.pass_obj
def files(session: Session, dataset: str) -> Any:
    """List the Parquet files of a version, which DuckDB, Polars, pandas, Dask and Spark read as they are.

    Where a version is not `plain`, files hold rows that are not its own: run mlops datasets compact first.
    """
    from mlops_ext.datasets.edge import files as listed

    return listed(dataset, workspace=session.workspace)


@click.command(cls=Leaf)
@click.argument("dataset")
@click.argument("folder")
@click.option("--format", "kind", default="parquet", show_default=True, help="parquet, delta or csv.")
@click.pass_obj
def export(session: Session, dataset: str, folder: str, kind: str) -> None:
    """Write a version into a new FOLDER."""
    from mlops_ext.datasets.edge import export as write

    made = write(dataset, session.path(folder), kind, workspace=session.workspace)
    session.messages.print(f"Wrote {len(made)} files to {folder}.")


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidValue(f"--tag {text!r} is no NAME=VALUE", hint="Write --tag source=api")
    return key, value
