"""Pipelines from the command line."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.commands.runs import given_parameters
from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf

__all__ = ["graph", "run", "status"]


@click.command(cls=Leaf)
@click.argument("name", required=False, default="")
@click.option("-p", "--parameter", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="One parameter (again).")
@click.option("-f", "--parameters-file", "file", metavar="FILE", help="Parameters as JSON or YAML; -p goes over it.")
@click.option("--no-cache", is_flag=True, help="Run every step, whatever it gave before.")
@click.option("--jobs", type=click.IntRange(1, 256), default=2, show_default=True, help="How many steps run at once.")
@click.option("--resume", default="", metavar="RUN", help="Go on with a run that failed, from the steps that did.")
@click.option("--memory", default="", metavar="SIZE", help="How much a step may use that says nothing of its own.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="What limits in mlops.toml may count it by (again).")
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="Its value is secret; from the environment.")
@click.option("--queue", is_flag=True, help="Only start it; workers run its steps.")
@click.option("--on", default="", metavar="URL", help="Run them on a Dask cluster, such as dask://scheduler:8786.")
@click.pass_obj
def run(session: Session, /, name: str, jobs: int, resume: str, queue: bool, no_cache: bool, **options: Any) -> Any:
    """Run the pipeline NAME of mlops.toml, its steps in the order of what they read and write.

    A parameter goes to every step that declares its name, STEP.NAME to one step. Steps whose code, parameters, inputs
    and environment are as before serve again. Exit codes: 1 a step failed, 5 cancelled.
    """
    from mlops_ext.errors import InvalidValue
    from mlops_ext.runs.pipelines import service
    from mlops_ext.runs.pipelines.edge import run_here
    from mlops_ext.runs.pipelines.types import ShowPipelineRun, StartPipeline
    from mlops_ext.runs.remote.cluster import cluster_at

    ws, given = session.workspace, given_parameters(session, {**options, "yaml": (), "raw": ()})
    if bool(name) == bool(resume):
        raise InvalidValue("name a pipeline, or a run to resume", hint="Such as: mlops pipeline run retrain")
    shared = {name: options[name] for name in ("memory", "tags", "secrets")}
    if resume and (given or no_cache or any(shared.values())):
        raise InvalidValue("a run is resumed as it was started", hint="Leave the other options out")
    with cluster_at(options["on"]) as place:
        if resume:
            started = ws.call(service.resume, ShowPipelineRun(run=resume))
        else:
            request = StartPipeline(pipeline=name, parameters=given, cache=not no_cache, **shared)
            started = ws.call(service.start, request)
        if queue:
            return started
        ended = run_here(ws, started, given, jobs, _Teller(session), place)
    session.exit_code = {"failed": 1, "cancelled": 5}.get(ended.status, 0)
    return ended


@click.command(cls=Leaf)
@click.argument("run", required=False, default="", metavar="RUN")
@click.pass_obj
def status(session: Session, run: str) -> Any:
    """Show how far RUN is, step by step; the newest run of a pipeline when left out, or when RUN is its name."""
    from mlops_ext.errors import NotFound
    from mlops_ext.runs.pipelines import service
    from mlops_ext.runs.pipelines.types import ListPipelineRuns, ShowPipelineRun

    ws = session.workspace
    newest = ws.call(service.runs, ListPipelineRuns(pipeline=run, limit=1))
    if len(newest):
        return newest[0]
    if not run:
        raise NotFound("no pipeline has run", hint="Run one: mlops pipeline run NAME")
    return ws.call(service.show, ShowPipelineRun(run=run))


@click.command(cls=Leaf)
@click.argument("name")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "mermaid", "json"]),
    default="tree",
    show_default=True,
    help="As what.",
)
@click.pass_obj
def graph(session: Session, name: str, form: str) -> Any:
    """Draw the pipeline NAME: which step waits for which, for the sake of which data."""
    from mlops_ext.runs.pipelines import service
    from mlops_ext.runs.pipelines.types import ShowPipeline

    found = session.workspace.call(service.draw, ShowPipeline(pipeline=name))
    session.json = session.json or form == "json"
    if form == "mermaid" and not session.json:
        click.echo(found.mermaid, nl=False)
        return 0
    return found


class _Teller:
    """Says in a line what became of a step."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told: dict[str, str] = {}

    def __call__(self, found: Any) -> None:
        for step in found.steps:
            if step.status != self._told.get(step.name, "waiting"):
                error = f": {step.error}" if step.error else ""
                self._session.messages.print(f"{step.name} {step.status}{error}", markup=False, soft_wrap=True)
            self._told[step.name] = step.status
