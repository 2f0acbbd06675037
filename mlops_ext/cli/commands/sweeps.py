"""Runs a notebook with many parameters, and goes on with what did not succeed."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.commands.runs import read_data
from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue

__all__ = ["resume", "sweep"]

_POSITIVE = click.FloatRange(min=0, min_open=True)


@click.command(cls=Leaf)
@click.argument("notebook")
@click.option(
    "-g", "--grid-file", "file", metavar="FILE", help="JSON or YAML: a list of objects, or an object of lists."
)
@click.option("--grid", "grids", multiple=True, metavar="NAME=A,B", help="Values of one parameter (again).")
@click.option("--random", type=click.IntRange(1), metavar="N", help="Take only N, drawn without repetition.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the drawing.")
@click.option("-o", "--output", default="", metavar="FOLDER", help="For the executed notebooks and sweep.csv.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="How many run at once.")
@click.option("--experiment", default="", help="The experiment that the runs belong to.")
@click.option("--kernel", default="", metavar="NAME", help="Instead of the notebook's own.")
@click.option("--timeout", type=_POSITIVE, metavar="SECONDS", help="Stop a run after so long.")
@click.option("--cell-timeout", type=_POSITIVE, metavar="SECONDS", help="Stop a run when one cell takes longer.")
@click.option("--retries", type=click.IntRange(0, 19), default=0, help="How often to try a run again.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="Its value is secret; from the environment.")
@click.option("--memory", default="", metavar="SIZE", help="How much a run may use, such as 2GiB.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="What limits in mlops.toml count by (again).")
@click.option("--cache", is_flag=True, help="Give the earlier run of a point that is as before.")
@click.option("--queue", is_flag=True, help="Only queue it; a worker will run it.")
@click.option("--on", default="", metavar="URL", help="Run it on a Dask cluster, such as dask://scheduler:8786.")
@click.pass_obj
def sweep(session: Session, /, notebook: str, **options: Any) -> Any:
    """Run NOTEBOOK once for each set of parameters. Exit code 1: a run did not succeed."""
    from mlops_ext.runs.remote.cluster import cluster_at
    from mlops_ext.runs.sweeps import edge
    from mlops_ext.runs.sweeps.grid import parse, points_of

    if bool(options["file"]) == bool(options["grids"]):
        raise InvalidValue("a sweep needs one grid", hint="Give -g grid.json, or --grid lr=0.1,0.01")
    grid = read_data(session, options["file"]) if options["file"] else parse(options["grids"])
    points, ws = points_of(grid, options["random"], options["seed"]), session.workspace
    names = ("experiment", "kernel", "timeout", "cell_timeout", "retries", "secrets", "memory", "tags", "cache")
    settings: Any = {name: options[name] for name in names}
    with cluster_at(options["on"]) as place:
        queued = edge.queue(notebook, points, options["output"], workspace=ws, **settings)
        if options["queue"]:
            return queued
        given = {"secrets": options["secrets"], "points": points}
        return _work_off(session, queued, given, options["jobs"], place)


@click.command(cls=Leaf)
@click.argument("sweep", metavar="SWEEP")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="How many run at once.")
@click.option("--queue", is_flag=True, help="Only queue it; a worker will run it.")
@click.pass_obj
def resume(session: Session, sweep: str, jobs: int, queue: bool) -> Any:
    """Run again what did not succeed of SWEEP, with the same notebook and parameters."""
    from mlops_ext.runs.sweeps import service
    from mlops_ext.runs.sweeps.types import NameSweep

    queued = session.workspace.call(service.resume, NameSweep(sweep=sweep))
    return queued if queue else _work_off(session, queued, None, jobs)


def _work_off(session: Session, queued: Any, given: dict[str, Any] | None, jobs: int, place: Any = None) -> Any:
    from mlops_ext.cli.progress import Bar
    from mlops_ext.runs.sweeps import edge

    with Bar(session, queued.notebook, queued.total) as bar:
        options: Any = {"jobs": jobs, "on_progress": bar.update, "workspace": session.workspace, "place": place}
        ended = edge.work_off(queued, given, **options)
    if ended.succeeded < ended.total:
        session.exit_code = 1
    return ended
