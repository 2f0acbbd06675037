"""CI from the command line: run notebooks as checks, report, set up."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from mlops_ext.cli.commands.runs import given_parameters
from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue

__all__ = ["init", "report", "run"]

_POSITIVE = click.FloatRange(min=0, min_open=True)
_ABOUT = (
    click.option("--model", default="", metavar="MODEL", help="The candidate, such as delay@latest."),
    click.option("--to", "environment", default="production", show_default=True, help="Where it is meant to serve."),
    click.option("--holdout", default="", metavar="DATASET", help="Score candidate and serving version on it."),
    click.option("--target", default="", metavar="COLUMN", help="The holdout's column with the truth."),
    click.option("--at", default="", metavar="COLUMN", help="Its column of times, whose days are resampled whole."),
)


def _about(command: Any) -> Any:
    """Give a command the options that say what is to be decided."""
    for option in reversed(_ABOUT):
        command = option(command)
    return command


@click.command(cls=Leaf)
@click.argument("notebooks", nargs=-1, required=True)
@click.option("--jobs", default="auto", show_default=True, metavar="N", help="How many run at once; auto: the cores.")
@click.option("-p", "--parameter", "pairs", nargs=2, multiple=True, metavar="NAME VALUE", help="One parameter (again).")
@click.option("-f", "--parameters-file", "file", metavar="FILE", help="Parameters as JSON or YAML; -p goes over it.")
@click.option(
    "--expect", multiple=True, metavar="METRIC>=X", help="What must hold; FILE.ipynb:METRIC>=X for one (again)."
)
@click.option("--junit", metavar="FILE", help="Write JUnit XML: one case a cell.")
@click.option("--report", metavar="FILE", help="Write Markdown for a pull request.")
@click.option("--compare", default="", metavar="BRANCH", help="Compare metrics with the run at its nearest commit.")
@click.option("--artifacts", metavar="FOLDER", help="Keep executed notebooks, figures and files there.")
@click.option("--locked", is_flag=True, help="Load what mlops.lock says; refuse a bare name that it does not name.")
@click.option("--experiment", default="ci", show_default=True, help="The experiment that the runs belong to.")
@click.option("--kernel", default="", metavar="NAME", help="Instead of the notebooks' own.")
@click.option("--timeout", type=_POSITIVE, metavar="SECONDS", help="Stop a notebook after so long.")
@click.option("--cell-timeout", type=_POSITIVE, metavar="SECONDS", help="Stop it when one cell takes longer.")
@click.pass_obj
def run(session: Session, /, notebooks: tuple[str, ...], **options: Any) -> Any:
    """Run NOTEBOOKS (files, folders, quoted patterns) as checks; each runs whatever becomes of the others.

    A parameter goes to every notebook that declares it. Exit codes: 0 all ran to their end and all expectations hold;
    1 a cell failed, or notebooks ended differently; 2 rejected before anything started; 3 a kernel died; 4 timed out;
    5 cancelled; 6 an expectation does not hold.
    """
    from mlops_ext.runs.ci.junit import junit
    from mlops_ext.runs.ci.markdown import report as markdown
    from mlops_ext.runs.ci.running import CiOptions, check_notebooks, found_notebooks
    from mlops_ext.store.filesystem import write_whole

    artifacts = session.path(options["artifacts"]) if options["artifacts"] else None
    given = CiOptions(
        parameters=given_parameters(session, {**options, "yaml": (), "raw": ()}),
        expect=options["expect"],
        jobs=_jobs(options["jobs"]),
        compare=options["compare"],
        artifacts=artifacts,
        settings={name: options[name] for name in ("locked", "experiment", "kernel", "timeout", "cell_timeout")},
    )
    result = check_notebooks(session.workspace, found_notebooks(notebooks, Path.cwd()), given, _teller(session))
    written = []
    if options["junit"]:
        written.append(_write(session.path(options["junit"]), junit(result), write_whole))
    if options["report"]:
        path = session.path(options["report"])
        seen = Path(os.path.relpath(artifacts, path.parent)).as_posix() if artifacts else ""
        written.append(_write(path, markdown(result, seen).encode(), write_whole))
    if artifacts is not None and artifacts.is_dir():
        written.append(str(artifacts))
    for each in result.expectations:
        if not each.passed:
            session.messages.print(f"{each.expected}: {each.message}", style="red", markup=False, soft_wrap=True)
    session.exit_code = result.exit_code
    return result.model_copy(update={"files": tuple(written)})


@click.command(cls=Leaf)
@click.option("--base", default="main", show_default=True, metavar="BRANCH", help="Branch that the request goes into.")
@_about
@click.option("--out", metavar="FILE", help="Write it there instead of here.")
@click.pass_obj
def report(session: Session, /, out: str | None, **options: Any) -> Any:
    """Write one Markdown comment for a pull request: cells, data, parameters, metrics, gates, reproduction.

    Its first line is a marker, by which the comment of the run before is found and replaced.
    """
    from mlops_ext.runs.ci.report import Decision, write_report
    from mlops_ext.store.filesystem import write_whole

    text = write_report(session.workspace, Decision(**options))
    if out:
        return {"file": _write(session.path(out), text.encode(), write_whole)}
    if session.json:
        return {"markdown": text}
    click.echo(text, nl=False)
    return 0


@click.command(cls=Leaf)
@click.argument("service", type=click.Choice(["github"]))
@click.option("--notebooks", default="**/*.ipynb", show_default=True, metavar="PATTERN", help="Which notebooks.")
@_about
@click.pass_obj
def init(session: Session, /, service: str, notebooks: str, **options: Any) -> Any:  # noqa: ARG001 - one so far
    """Write a minimal workflow that runs the notebooks of every pull request and comments on it.

    With --model, the comment tells of the candidate too: --to, --holdout, --target and --at are as for ci report.
    """
    from mlops_ext.runs.ci.report import Decision
    from mlops_ext.runs.ci.workflow import write_workflow

    root = session.workspace.root
    return {"file": write_workflow(root, notebooks, Decision(**options)).relative_to(root).as_posix()}


def _jobs(text: str) -> int:
    if text == "auto":
        return 0
    if not text.isdecimal() or not 0 < int(text) <= 256:
        raise InvalidValue(f"--jobs {text!r}", hint="Give a number from 1 on, or auto")
    return int(text)


def _teller(session: Session) -> Any:
    def tell(done: Any) -> None:
        where = f" in cell {done.error.cell}" if done.error and done.error.cell else ""
        why = f"{where}: {done.error.type}: {done.error.message}" if done.error else ""
        style = "red" if done.exit_code else "green"
        said = f"{done.notebook} {done.status} ({done.seconds:.1f} s){why}"
        session.messages.print(said, style=style, markup=False, soft_wrap=True)

    return tell


def _write(path: Path, data: bytes, write: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, data)
    return str(path)
