"""What datasets are held to: proposed, set from a reviewed file, and checked, in CI too."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.tree import Leaf

__all__ = ["check", "expect", "propose"]


@click.command(cls=Leaf)
@click.argument("dataset")
@click.option("--out", metavar="FILE", help="Write the proposal there, to be edited and reviewed.")
@click.pass_obj
def propose(session: Session, dataset: str, out: str | None) -> Any:
    """Propose expectations that a version meets: types, missing values, keys, ends and small sets of values."""
    from mlops_ext.cli.files import write_whole
    from mlops_ext.datasets.expectations.edge import propose_expectations
    from mlops_ext.datasets.expectations.files import to_toml

    proposal = propose_expectations(dataset, workspace=session.workspace)
    if out:
        write_whole(session.path(out), [to_toml(proposal).encode()])
        session.messages.print(f"Wrote {out}. Edit it, then: mlops datasets expect {dataset.partition('@')[0]} {out}")
    return proposal


@click.command(cls=Leaf)
@click.argument("dataset")
@click.argument("file")
@click.pass_obj
def expect(session: Session, dataset: str, file: str) -> Any:
    """Hold the versions of DATASET to the expectations in a TOML FILE from now on."""
    from mlops_ext.datasets.expectations.edge import expect as hold

    return hold(dataset, session.path(file), workspace=session.workspace)


@click.command(cls=Leaf)
@click.argument("data")
@click.option("--expectations", metavar="FILE", help="Others than the dataset's own; a version is not marked then.")
@click.option("--like", metavar="NAME", help="For a file: hold it to the expectations of this dataset.")
@click.option("--junit", metavar="FILE", help="Write JUnit XML: one case a rule.")
@click.pass_obj
def check(session: Session, data: str, expectations: str | None, like: str | None, junit: str | None) -> Any:
    """Check DATA, a version or a file, against expectations; ends with 6 when a rule is not met.

    A version is marked with the answer, which the gate `expectations` asks for. Nothing of a file is kept.
    """
    from mlops_ext.cli.files import write_whole
    from mlops_ext.datasets.expectations import edge
    from mlops_ext.datasets.expectations.junit import junit as as_junit

    began = time.monotonic()
    given = session.path(expectations) if expectations else None
    path = session.path(data)
    if path.exists() or Path(data).suffix.lower() in (".csv", ".parquet", ".json", ".jsonl"):
        result = edge.check_file(str(path), given, like=like or "", workspace=session.workspace)
    else:
        result = edge.check_dataset(data, given, workspace=session.workspace)
    if junit:
        write_whole(session.path(junit), [as_junit(result, time.monotonic() - began)])
    if not result.passed:
        session.exit_code = REFUSED
    return result
