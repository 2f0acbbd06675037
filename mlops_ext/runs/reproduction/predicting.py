"""The process that lets two models answer the same rows, in the environment that one of them was made in.

What it is to do comes as JSON on standard input; its answer goes, as JSON, into the file that is named there.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlops_ext.datasets.edge import load
from mlops_ext.datasets.used import unnoticed
from mlops_ext.errors import MlopsError
from mlops_ext.models.flavors import flavor_named
from mlops_ext.models.loading import fetched
from mlops_ext.models.types import ModelVersion
from mlops_ext.runs.attempts.attempt import handed_down, stores_of
from mlops_ext.store.filesystem import write_whole
from mlops_ext.workspace import Workspace

__all__ = ["Answers", "Question", "ask"]

_TAIL = 600
_SECONDS = 1800


@dataclass(frozen=True)
class Question:
    """Both models, as records, and the rows."""

    root: str
    dataset: str
    rows: int
    before: dict[str, Any]
    after: dict[str, Any]
    trust: list[str]
    relative: float
    absolute: float
    file: str = ""


@dataclass(frozen=True)
class Answers:
    """How far apart the answers are, or why there are none."""

    rows: int = 0
    answers: int = 0
    different: int = 0
    largest: float | None = None
    why_not: str = ""


def ask(
    ws: Workspace,
    models: tuple[ModelVersion, ModelVersion],
    dataset: str,
    rows: int,
    *,
    tolerances: tuple[float, float],
    trust: Collection[str] = (),
    python: str = sys.executable,
) -> Answers:
    """Let both answer in a process of its own, and compare there.

    Parameters
    ----------
    models : tuple of ModelVersion
        The version, and what came out when it was made again.
    dataset : str
        Reference of the dataset version whose first rows they answer.
    tolerances : tuple of float
        Relative and absolute.
    python : str
        The interpreter; of a built environment, or this one.
    """
    before, after = (each.model_dump(mode="json", by_alias=True) for each in models)
    with tempfile.TemporaryDirectory(prefix="mlops-") as scratch:
        file = Path(scratch) / "answers.json"
        question = Question(str(ws.root), dataset, rows, before, after, sorted(trust), *tolerances, file=str(file))
        try:
            ended = subprocess.run(  # noqa: S603 - fixed words
                [python, "-m", "mlops_ext.runs.reproduction.predicting"],
                env=handed_down() | stores_of(ws),
                input=json.dumps(asdict(question)),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Answers(why_not=f"the models did not answer within {_SECONDS} s")
        if not file.is_file():
            return Answers(why_not=f"the process that asks the models ended early: …{ended.stderr.strip()[-_TAIL:]}")
        return Answers(**json.loads(file.read_text(encoding="utf-8")))


def main() -> int:
    """Answer the question on standard input."""
    question = Question(**json.loads(sys.stdin.read()))
    try:
        found = _compared(question)
    except MlopsError as error:
        found = Answers(why_not=f"{error.message} {error.hint}".strip())
    except Exception as error:  # noqa: BLE001 - whatever a model raises is why there is no answer
        found = Answers(why_not=f"{type(error).__name__}: {error}")
    write_whole(Path(question.file), json.dumps(asdict(found)).encode())
    return 0


def _compared(question: Question) -> Answers:
    ws = Workspace(Path(question.root))
    with unnoticed():
        frame = load(question.dataset, "pandas", rows=question.rows, workspace=ws)
    first, second = (
        _answers(ws, ModelVersion.model_validate(told), frame, question) for told in (question.before, question.after)
    )
    return _distance(first, second, question, len(frame))


def _answers(ws: Workspace, version: ModelVersion, frame: Any, question: Question) -> Any:
    import numpy as np

    names = [field.name for field in version.signature.inputs]
    with fetched(ws, version) as folder:
        model = flavor_named(version.flavor).load(folder, frozenset(question.trust))
        rows = frame[names] if names and set(names) <= set(frame) else frame
        # What sorts by a threshold hides small differences; probabilities show them.
        answer = getattr(model, "predict_proba", None) or getattr(model, "predict", None) or model
        return np.asarray(answer(rows))


def _distance(first: Any, second: Any, question: Question, rows: int) -> Answers:
    import numpy as np

    if first.shape != second.shape:
        return Answers(rows, int(second.size), int(second.size), None)
    if not all(np.issubdtype(each.dtype, np.number) for each in (first, second)):
        return Answers(rows, int(first.size), int((first != second).sum()))
    near = np.isclose(second, first, rtol=question.relative, atol=question.absolute, equal_nan=True)
    gaps = np.abs(second.astype(float) - first.astype(float))
    return Answers(rows, int(first.size), int((~near).sum()), float(np.nanmax(gaps, initial=0.0)))


if __name__ == "__main__":
    sys.exit(main())
