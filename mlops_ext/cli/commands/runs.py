"""Runs notebooks here, attaches what papermill wrote, and works on the queue."""

from __future__ import annotations

import json
import logging
import signal
from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue, NotFound

__all__ = ["attach", "cancel_many", "given_parameters", "read_data", "run", "worker"]

_POSITIVE = click.FloatRange(min=0, min_open=True)


@click.command(cls=Leaf)
@click.argument("notebook")
@click.argument("output", required=False)
@click.option("-p", "--parameter", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="One parameter (again).")
@click.option("-r", "--raw", "raw", nargs=2, multiple=True, metavar="NAME TEXT", help="One parameter, always a text.")
@click.option("-y", "--yaml", "yaml", multiple=True, metavar="YAML", help="Parameters as YAML; -p and -r go over it.")
@click.option(
    "-f", "--parameters-file", "file", metavar="FILE", help="Parameters as JSON or YAML; all others go over it."
)
@click.option("-o", "--output", "named", metavar="FILE", help="For the executed notebook; chosen when left out.")
@click.option("--experiment", default="", help="The experiment that the run belongs to.")
@click.option("--kernel", default="", metavar="NAME", help="Instead of the notebook's own.")
@click.option("--cwd", default="", metavar="FOLDER", help="Folder to work in; the notebook's own when left out.")
@click.option("--locked", is_flag=True, help="Load what mlops.lock says; refuse a bare name that it does not name.")
@click.option("--isolated", is_flag=True, help="Work in a new, empty folder; files made there are kept.")
@click.option("--timeout", type=_POSITIVE, metavar="SECONDS", help="Stop it after so long.")
@click.option("--cell-timeout", type=_POSITIVE, metavar="SECONDS", help="Stop it when one cell takes longer.")
@click.option("--retries", type=click.IntRange(0, 19), default=0, help="How often to try again.")
@click.option("--retry-on", default="died", show_default=True, metavar="CAUSES", help="died, timeout, or both.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="Its value is secret; from the environment.")
@click.option("--cache", is_flag=True, help="Give the earlier run of the same code, parameters, inputs, environment.")
@click.option("--memory", default="", metavar="SIZE", help="How much it may use, such as 2GiB.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="What limits in mlops.toml may count it by (again).")
@click.option("--queue", is_flag=True, help="Only queue it; a worker will run it.")
@click.option("--on", default="", metavar="URL", help="Run it on a Dask cluster, such as dask://scheduler:8786.")
@click.pass_obj
def run(session: Session, /, notebook: str, **options: Any) -> Any:
    """Run NOTEBOOK with parameters in a kernel of its own, tracked; OUTPUT is where the executed one goes.

    Exit codes: 1 a cell failed, 2 rejected before anything started, 3 the kernel died, 4 timed out, 5 cancelled.
    With --json, one object: status, exit_code, error {cell, line, type, message, cause}, cells, output, run, job,
    parameters, metrics, models, artifacts, warnings.
    """
    from mlops_ext.cli.progress import Cells
    from mlops_ext.runs import edge
    from mlops_ext.runs.remote.cluster import cluster_at
    from mlops_ext.runs.result import exit_code, result_of
    from mlops_ext.runs.service import raise_for_status

    parameters, ws = given_parameters(session, options), session.workspace
    output = options["named"] or options["output"]
    with cluster_at(options["on"]) as place:
        job = edge.queue(notebook, output, parameters, workspace=ws, **_settings(options))
        if options["queue"]:
            return job
        with Cells(session, notebook) as cells:
            job = edge.run_job(job, parameters, cells.update, ws, cells.output, place=place)
    session.exit_code = exit_code(job.status)
    if session.exit_code:
        session.messages.print(f"{job.status}: {job.error}", style="red", markup=False)
    if session.json:
        return result_of(ws, job)
    if not job.run:
        raise_for_status(job)
    return edge.run_of(job, ws)


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    names = (
        "experiment",
        "kernel",
        "cwd",
        "isolated",
        "locked",
        "timeout",
        "cell_timeout",
        "retries",
        "secrets",
        "memory",
        "cache",
        "tags",
    )
    causes = [cause.strip() for cause in options["retry_on"].split(",")]
    return {name: options[name] for name in names} | {"retry_on": causes}


def given_parameters(session: Session, options: dict[str, Any]) -> dict[str, Any]:
    """Gather the parameters: the file, over it YAML, over it single ones; -p may name a notebook's variable."""
    given = _from_file(session, options["file"]) if options["file"] else {}
    for text in options["yaml"]:
        given |= _mapping(text, "-y")
    given |= dict(options["raw"])
    return given | {name: session.named(text) for name, text in options["pairs"]}


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
@click.option("--on", default="", metavar="URL", help="Run them on a Dask cluster, such as dask://scheduler:8786.")
@click.pass_obj
def worker(session: Session, jobs: int, until_idle: bool, on: str) -> dict[str, Any]:
    """Run the queued jobs, until stopped by Ctrl-C or SIGTERM."""
    from mlops_ext.runs.queue.worker import Worker
    from mlops_ext.runs.remote.cluster import cluster_at

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("mlops_ext").setLevel(logging.WARNING if session.quiet else logging.INFO)
    with cluster_at(on) as place:
        working = Worker(session.workspace, jobs, place=place)
        signal.signal(signal.SIGTERM, lambda *_: working.stop())
        session.messages.print(f"working on {session.workspace.root}; Ctrl-C ends it", markup=False, soft_wrap=True)
        return {"ran": working.run(until_idle=until_idle)}


@click.command(cls=Leaf)
@click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
@click.pass_obj
def cancel_many(session: Session, jobs: tuple[str, ...]) -> Any:
    """Cancel jobs together: queued ones at once, running ones as their processes are ended; ended ones stay so."""
    from mlops_ext.runs import service
    from mlops_ext.runs.types import CancelJobs

    return session.workspace.call(service.cancel_many, CancelJobs(jobs=jobs))


def _from_file(session: Session, file: str) -> dict[str, Any]:
    return _named(read_data(session, file), repr(file))


def read_data(session: Session, file: str) -> Any:
    """Read a file of JSON or YAML."""
    try:
        text = session.path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"cannot read {file!r}: {error.strerror}", hint="Check the path") from error
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{file!r} is no UTF-8: byte {error.start}", hint="Save it as UTF-8") from error
    return _parsed(text, repr(file))


def _mapping(text: str, source: str) -> dict[str, Any]:
    return _named(_parsed(text, source), source)


def _parsed(text: str, source: str) -> Any:
    """Read JSON, else YAML."""
    import yaml  # papermill depends on it

    try:
        return json.loads(text)
    except ValueError:
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise InvalidValue(f"{source} is neither JSON nor YAML: {error}", hint='Write {"month": 2}') from error


def _named(data: Any, source: str) -> dict[str, Any]:
    if not isinstance(data, dict) or not all(isinstance(name, str) for name in data):
        raise InvalidValue(f"{source} holds no names with values", hint='Write {"month": 2}')
    return data
