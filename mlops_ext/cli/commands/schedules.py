"""Schedules from the command line, and the tick."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.commands.runs import given_parameters
from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf

__all__ = ["add", "tick"]

_POSITIVE = click.FloatRange(min=0, min_open=True)


@click.command(cls=Leaf)
@click.argument("name")
@click.argument("notebook", required=False, default="")
@click.option("--cron", required=True, help="Minute hour day month weekday, such as '30 2 * * *'; or @daily.")
@click.option("--tz", default="UTC", show_default=True, metavar="ZONE", help="In which the expression is read.")
@click.option("--pipeline", default="", metavar="NAME", help="A pipeline instead of a notebook.")
@click.option("-p", "--parameter", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="One parameter (again).")
@click.option("-f", "--parameters-file", "file", metavar="FILE", help="Parameters as JSON or YAML; -p goes over it.")
@click.option(
    "--misfire", type=click.Choice(["once", "skip", "all"]), default="once", show_default=True, help="If late."
)
@click.option("--catch-up", type=click.IntRange(1, 1000), default=10, show_default=True, help="For --misfire all.")
@click.option("--grace", type=click.FloatRange(min=0), default=300, show_default=True, help="Seconds, for skip.")
@click.option("--no-overlap", is_flag=True, help="Start nothing while the run before is under way.")
@click.option("--experiment", default="", help="The experiment that the runs belong to.")
@click.option("--kernel", default="", metavar="NAME", help="Instead of the notebook's own.")
@click.option("--timeout", type=_POSITIVE, metavar="SECONDS", help="Stop a run after so long.")
@click.option("--retries", type=click.IntRange(0, 19), default=0, help="How often a run that died is tried again.")
@click.option("--grid", "grids", multiple=True, metavar="NAME=A,B", help="A sweep over these values (again).")
@click.option("--memory", default="", metavar="SIZE", help="How much a run may use, such as 2GiB.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="What limits in mlops.toml may count it by (again).")
@click.option("--cache", is_flag=True, help="Give the earlier run of a notebook when all is as before.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="Its value is secret; from the environment.")
@click.pass_obj
def add(session: Session, /, name: str, notebook: str, **options: Any) -> Any:
    """Run NOTEBOOK, or a pipeline, by the clock as NAME; a schedule of that name is changed.

    Instants that are found late, because nothing ran, are handled by --misfire: the newest is run once, late ones are
    skipped, or all are run. The time zone's changes are followed: an hour left out in spring fires once, right after;
    one repeated in autumn fires once.
    """
    from mlops_ext.runs.schedules.edge import schedule
    from mlops_ext.runs.sweeps.grid import parse

    return schedule(
        name,
        notebook,
        cron=options["cron"],
        tz=options["tz"],
        parameters=given_parameters(session, {**options, "yaml": (), "raw": ()}),
        pipeline=options["pipeline"],
        misfire=options["misfire"],
        catch_up=options["catch_up"],
        grace_seconds=options["grace"],
        overlap=not options["no_overlap"],
        experiment=options["experiment"],
        kernel=options["kernel"],
        timeout_seconds=options["timeout"],
        max_attempts=options["retries"] + 1,
        grid=parse(options["grids"]),
        memory=options["memory"],
        tags=options["tags"],
        cache=options["cache"],
        secrets=options["secrets"],
        workspace=session.workspace,
    )


@click.command(cls=Leaf)
@click.pass_obj
def tick(session: Session) -> Any:
    """Do all that is due, once: schedules, triggers, pipelines, notices, lost jobs, promotions that waited too long.

    For cron, CI or a Kubernetes CronJob where neither a worker nor JupyterLab runs; what it queues, a worker runs
    (mlops worker --until-idle). However many tick, each thing is done once. Exit code 1: something could not be done.
    """
    from mlops_ext.runs.schedules.tick import tick as do

    done = do(session.workspace)
    if done.troubles:
        session.exit_code = 1
    return done
