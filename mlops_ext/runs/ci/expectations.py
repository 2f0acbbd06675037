"""Expectations: `auc>=0.8` must hold in every notebook that logs the metric, `train.ipynb:auc>=0.8` in that one."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.runs.ci.types import CheckedNotebook, Expectation

__all__ = ["Expected", "judged", "parse"]

_FORM = re.compile(
    r"(?:(?P<notebook>[^:]+\.ipynb):)?(?P<metric>[^<>=!]+?)\s*(?P<sign>>=|<=|==|!=|>|<|=)\s*(?P<bound>\S+)"
)
_SIGNS = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Expected:
    """One expectation, read."""

    text: str
    notebook: str
    metric: str
    sign: str
    bound: float


def parse(text: str) -> Expected:
    """Read an expectation.

    Raises
    ------
    InvalidValue
        It is none.

    Examples
    --------
    >>> parse("train.ipynb:auc >= 0.8").bound
    0.8
    """
    match = _FORM.fullmatch(text.strip())
    try:
        bound = float(match["bound"]) if match else math.nan
    except ValueError:
        bound = math.nan
    if match is None or math.isnan(bound):
        raise InvalidValue(f"{text!r} is no expectation", hint="Write metric>=0.8, or train.ipynb:metric>=0.8")
    sign = "==" if match["sign"] == "=" else match["sign"]
    return Expected(text.strip(), match["notebook"] or "", match["metric"].strip(), sign, bound)


def judged(expected: Sequence[Expected], notebooks: Sequence[CheckedNotebook]) -> tuple[Expectation, ...]:
    """Say of each expectation whether it held, notebook by notebook; a metric that nobody logged fails."""
    return tuple(each for one in expected for each in _judged(one, notebooks))


def _judged(expected: Expected, notebooks: Sequence[CheckedNotebook]) -> list[Expectation]:
    meant = [each for each in notebooks if _is_meant(expected.notebook, each.notebook)]
    found = [(each.notebook, row.after) for each in meant for row in each.metrics if row.name == expected.metric]
    logged = [(notebook, value) for notebook, value in found if value is not None]
    if not logged:
        known = {row.name for each in meant for row in each.metrics if row.after is not None}
        hint = did_you_mean(expected.metric, known)
        where = expected.notebook or "no notebook"
        message = f"{where} {'did not log' if expected.notebook else 'logged'} {expected.metric!r}. {hint}".strip()
        return [Expectation(expected=expected.text, notebook=expected.notebook, passed=False, message=message)]
    made = []
    for notebook, value in logged:
        # A comparison with NaN is false, which is what an expectation means; only != would pass.
        passed = not math.isnan(value) and bool(_SIGNS[expected.sign](value, expected.bound))
        message = f"{expected.metric} is {_shown(value, expected, passed=passed)} in {notebook}"
        about = {"expected": expected.text, "notebook": notebook, "value": value}
        made.append(Expectation(**about, passed=passed, message=message))
    return made


def _shown(value: float, expected: Expected, *, passed: bool) -> str:
    """Write a value in six digits, or in all where six would belie the answer."""
    short = f"{value:.6g}"
    return short if bool(_SIGNS[expected.sign](float(short), expected.bound)) == passed else repr(value)


def _is_meant(wanted: str, notebook: str) -> bool:
    return not wanted or notebook == wanted or PurePath(notebook).name == wanted
