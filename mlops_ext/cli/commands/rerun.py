"""Runs the notebook of a model version again: for the next version, or to see whether the same comes out."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf

__all__ = ["reproduce", "rerun"]


@click.command(cls=Leaf)
@click.argument("model")
@click.option("--queue", is_flag=True, help="Only queue it; a worker will run it.")
@click.option("--latest-data", is_flag=True, help="Load the newest data by a bare name, not what the first run loaded.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop it after so long."
)
@click.pass_obj
def rerun(session: Session, model: str, queue: bool, latest_data: bool, timeout: float | None) -> Any:
    """Run the notebook of version MODEL again, as a whole, and show its metrics beside the old ones.

    It gets the parameters of the first run and, unless --latest-data, its data. Differing packages are named.
    """
    from mlops_ext.cli.progress import Cells
    from mlops_ext.runs import rerun as again
    from mlops_ext.runs.attempts.requirements import check_requirements
    from mlops_ext.runs.edge import run_job

    ws = session.workspace
    if not queue:
        check_requirements()
    job = again.queue(model, latest_data=latest_data, timeout=timeout, workspace=ws)
    if queue:
        return job
    with Cells(session, job.notebook) as cells:
        job = run_job(job, on_progress=cells.update, workspace=ws)
    return again.finish(job, ws)


_NOT_NEGATIVE = click.FloatRange(min=0)


@click.command(cls=Leaf)
@click.argument("model")
@click.option("--on", default="", metavar="DATASET", help="Compare predictions on its first 1,000 rows.")
@click.option("--rtol", "relative", type=_NOT_NEGATIVE, default=1e-6, show_default=True, help="Relative tolerance.")
@click.option("--atol", "absolute", type=_NOT_NEGATIVE, default=1e-9, show_default=True, help="Absolute tolerance.")
@click.option(
    "--env",
    type=click.Choice(["check", "build"]),
    default="check",
    show_default=True,
    help="List what differs from the version's lock, or install the lock with uv first.",
)
@click.option("--trust", multiple=True, metavar="NAME", help="Trust a name that the model's files refer to (again).")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop it after so long."
)
@click.pass_obj
def reproduce(session: Session, /, model: str, **options: Any) -> Any:
    """Make version MODEL again in a cold kernel, with its parameters, data and environment, and compare.

    Nothing is registered; the verdict is put on record. Exit codes: 0 reproduced, 1 differs or not comparable, 2
    cannot be started, 3 the kernel died, 4 timed out, 5 cancelled.
    """
    from mlops_ext.cli.progress import Cells
    from mlops_ext.runs.reproduction.edge import reproduce as again

    with Cells(session, model) as cells:
        found = again(model, on_progress=cells.update, on_output=cells.output, workspace=session.workspace, **options)
    session.exit_code = 0 if found.verdict == "reproduced" else 1
    return found
