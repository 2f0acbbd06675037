"""Tells a story step by step: a line and a time for each, live in a terminal, plain elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from mlops_ext.errors import MlopsError

__all__ = ["Outcome", "StepFailed", "Teller"]


@dataclass(frozen=True)
class Outcome:
    """What a step found: a sentence for people, numbers for `--json`."""

    summary: str
    numbers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One step as it ended."""

    name: str
    status: str
    seconds: float
    summary: str
    numbers: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Give the step as JSON."""
        return asdict(self)


class StepFailed(MlopsError):
    """A step of the story failed; the ones before it stand."""

    code = "step_failed"


class Teller:
    """Runs steps and shows them.

    Parameters
    ----------
    console : Console
        Where to show them.
    """

    def __init__(self, console: Console) -> None:
        self.steps: list[Step] = []
        self._console = console
        self._running = ""
        self._live = Live(
            console=console, auto_refresh=console.is_terminal, refresh_per_second=8, get_renderable=self._view
        )

    def __enter__(self) -> Teller:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running = ""
        if self._console.is_terminal:
            self._live.stop()

    def tell(self, name: str, step: Callable[[], Outcome]) -> Outcome:
        """Run one step, take its time and show its line.

        Raises
        ------
        StepFailed
            The step raised an error that it names.
        """
        self._running = name
        started = time.perf_counter()
        try:
            outcome = step()
        except MlopsError as error:
            self._end(Step(name, "failed", time.perf_counter() - started, error.message, {}))
            raise StepFailed(f"the step {name!r} failed: {error.message}", hint=error.hint) from error
        self._end(Step(name, "ok", round(time.perf_counter() - started, 3), outcome.summary, outcome.numbers))
        return outcome

    def _end(self, step: Step) -> None:
        self.steps.append(step)
        self._running = ""
        if not self._console.is_terminal:
            self._console.print(_line(step), soft_wrap=True)

    def _view(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for step in self.steps:
            mark = Text("✔", "green") if step.status == "ok" else Text("✘", "red")
            table.add_row(mark, Text(step.name, "bold"), Text(f"{step.seconds:5.1f} s", "dim"), Text(step.summary))
        if self._running:
            table.add_row(Spinner("dots", style="cyan"), Text(self._running, "bold cyan"), "", "")
        return table


def _line(step: Step) -> Text:
    mark = "✔" if step.status == "ok" else "✘"
    return Text(f"{mark} {step.name:<28} {step.seconds:6.1f} s  {step.summary}")
