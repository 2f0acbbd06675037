"""The README's lines run as they stand."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression

import mlops_ext as mlops
from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Root
from mlops_ext.demo import flights as real
from mlops_ext.models.promotion.types import ApplyPolicy, Policy
from mlops_ext.rooms import find
from mlops_ext.workspace import Workspace

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mlops.toml").write_text("version = 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLOPS_WORKSPACE", str(tmp_path))
    monkeypatch.delenv("MLOPS_RUN", raising=False)
    return tmp_path


def fitted(seed: int) -> tuple[LogisticRegression, pd.DataFrame]:
    table = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, float(seed)]})
    return LogisticRegression().fit(table, [0, 0, 1, 1]), table


def test_the_five_minutes_run_as_written(project: Path) -> None:
    Workspace(project).call(find("policy.apply"), ApplyPolicy(policy=Policy()))
    former, table = fitted(1)
    mlops.snapshot(real.weather_observations(), "weather")
    mlops.register(former, "delay", example=table)
    mlops.promote("delay@1", to="production")
    model, table = fitted(2)
    names = {"flights": real.flights_through(1), "model": model, "X": table}
    exec(compile(blocks("python")[0], "README.md", "exec"), names)
    joined = names["joined"]
    assert len(joined) == len(names["flights"])
    assert joined["temp"].notna().mean() > 0.99
    assert isinstance(names["model"], LogisticRegression)
    assert mlops.load_model("delay@production").coef_.tolist() == former.coef_.tolist()


def test_what_is_shown_of_a_serving_model_runs_as_written(project: Path) -> None:
    Workspace(project).call(find("policy.apply"), ApplyPolicy(policy=Policy()))
    served, table = fitted(1)
    mlops.register(served, "delay", example=table)
    mlops.promote("delay@1", to="production")
    rows = 300
    scored = pd.DataFrame({"a": [number % 7 / 2 for number in range(rows)], "b": 1.0})
    probability = served.predict_proba(scored)[:, 1]
    names = {
        "X": scored.assign(origin=["EWR", "JFK", "LGA"] * 100),
        "y": probability >= 0.5,
        "p": probability,
        "ids": ["UA1545-2013-03-01", *map(str, range(1, rows))],
        "when": pd.date_range("2013-03-01", periods=30).repeat(10),
        "known": pd.Timestamp("2013-04-10"),
        "late": [number % 3 == 0 for number in range(rows)],
        "mlops": mlops,
    }
    exec(compile(blocks("python")[1], "README.md", "exec"), names)
    why = mlops.why("prediction:UA1545-2013-03-01")
    assert (why.model, why.window, len(why.contributions)) == ("delay@1", "2013-03", 2)


def test_the_notebook_shown_is_the_notebook_shipped() -> None:
    notebook = json.loads((ROOT / "examples" / "flights" / "train.ipynb").read_text(encoding="utf-8"))
    source = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    ours = [re.sub(r"\s+#\d+$", "", line) for line in source.splitlines() if re.search(r"#\d+$", line)]
    assert len(ours) <= 8
    assert blocks("python")[2].splitlines() == ours


def test_every_command_shown_exists(project: Path) -> None:
    shown = [
        line.partition("   ")[0] for block in blocks("sh") for line in block.splitlines() if line.startswith("mlops ")
    ]
    assert len(shown) >= 6
    for line in shown:
        words = [word for word in shlex.split(line)[1:] if word.isalpha()]
        help_text = help_of(words)
        assert "Usage: mlops" in help_text, line


def help_of(words: list[str]) -> str:
    """Ask for help with as many of the words as are commands."""
    for length in range(min(len(words), 2), 0, -1):
        done = CliRunner().invoke(Root(()), [*words[:length], "--help"], obj=Session(), prog_name="mlops")
        if done.exit_code == 0:
            return done.output
    return done.output
