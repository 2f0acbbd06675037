"""Runs notebooks here, attaches what papermill wrote, and works on the queue."""

from __future__ import annotations

import json
import logging
import signal
from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import Cancelled, InvalidValue, KernelDied, NotFound, RunFailed, TimedOut

__all__ = ["attach", "run", "worker"]

_EXITS = {
    "failed": RunFailed.exit_code,
    "lost": KernelDied.exit_code,
    "kernel_died": KernelDied.exit_code,
    "timed_out": TimedOut.exit_code,
    "cancelled": Cancelled.exit_code,
    "invalid": InvalidValue.exit_code,
    "rejected": InvalidValue.exit_code,
}


@click.command(cls=Leaf)
@click.argument("notebook")
@click.option("-p", "--parameter", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="One parameter (again).")
@click.option("-f", "--parameters-file", "file", metavar="FILE", help="JSON object of parameters; -p goes over it.")
@click.option("-o", "--output", metavar="FILE", help="For the executed notebook; chosen when left out.")
@click.option("--experiment", default="", help="The experiment that the run belongs to.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Stop it after so long."
)
@click.option("--queue", is_flag=True, help="Only queue it; a worker will run it.")
@click.pass_obj
def run(
    session: Session,
    notebook: str,
    pairs: tuple[tuple[str, str], ...],
    file: str | None,
    output: str | None,
    experiment: str,
    timeout: float | None,
    queue: bool,
) -> Any:
    """Run NOTEBOOK with parameters in a kernel of its own, tracked.

    Exit codes: 1 a cell failed, 2 rejected before anything started, 3 the kernel died, 4 timed out, 5 cancelled.
    """
    from mlops_ext.cli.progress import Cells
    from mlops_ext.runs import edge

    given = _from_file(session, file) if file else {}
    given |= {name: session.variables.get(text, text) for name, text in pairs}
    with Cells(session, notebook) as cells:
        result = edge.run(
            notebook,
            output,
            given,
            wait=not queue,
            experiment=experiment,
            timeout=timeout,
            on_progress=cells.update,
            workspace=session.workspace,
        )
    session.exit_code = _EXITS.get(result.status, 0)
    if session.exit_code:
        session.messages.print(f"{result.status}: {result.error}", style="red", markup=False)
    return result


@click.command(cls=Leaf)
@click.argument("run", metavar="RUN")
@click.argument("file")
@click.pass_obj
def attach(session: Session, run: str, file: str) -> Any:
    """Give a run the executed notebook FILE, which plain papermill told it nothing about."""
    from mlops_ext.tracking import service
    from mlops_ext.tracking.types import AttachNotebook

    path = session.path(file)
    if not path.is_file():
        raise NotFound(f"no file {file!r}", hint="Name the notebook that papermill wrote")
    output = session.workspace.put_blob(path)
    return session.workspace.call(service.attach, AttachNotebook(run=run, output=output))


@click.command(cls=Leaf)
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="How many run at once.")
@click.option("--until-idle", is_flag=True, help="End when the queue is empty.")
@click.pass_obj
def worker(session: Session, jobs: int, until_idle: bool) -> dict[str, Any]:
    """Run the queued jobs, until stopped by Ctrl-C or SIGTERM."""
    from mlops_ext.runs.worker import Worker

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("mlops_ext").setLevel(logging.WARNING if session.quiet else logging.INFO)
    working = Worker(session.workspace, jobs)
    signal.signal(signal.SIGTERM, lambda *_: working.stop())
    session.messages.print(f"working on {session.workspace.root}; Ctrl-C ends it", markup=False, soft_wrap=True)
    return {"ran": working.run(until_idle=until_idle)}


def _from_file(session: Session, file: str) -> dict[str, Any]:
    try:
        data = json.loads(session.path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFound(f"cannot read {file!r}: {error.strerror}", hint="Check the path") from error
    except ValueError as error:
        raise InvalidValue(f"{file!r} is no JSON: {error}", hint='Write {"month": 2}') from error
    if not isinstance(data, dict):
        raise InvalidValue(f"{file!r} holds no JSON object", hint='Write {"month": 2}')
    return data
