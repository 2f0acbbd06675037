"""Runs the notebook of a model version again."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf

__all__ = ["rerun"]


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
