"""Grids: what a sweep varies, as the parameters of each of its runs."""

from __future__ import annotations

import json
import math
import random as randomness
from collections.abc import Mapping, Sequence
from typing import Any

from mlops_ext.errors import InvalidValue
from mlops_ext.runs.sweeps.types import MOST_POINTS

__all__ = ["parse", "points_of"]

Grid = Mapping[str, Any] | Sequence[Mapping[str, Any]]


def points_of(grid: Grid, random: int | None = None, seed: int = 0) -> list[dict[str, Any]]:
    """Give the parameters of each run.

    Parameters
    ----------
    grid : mapping or sequence of mappings
        A list of parameter objects is taken as it is; one object of lists means their product, the last varying
        fastest. A value that is no list stays the same.
    random : int, optional
        Take only so many, drawn without repetition.
    seed : int
        Of the drawing: the same seed draws the same.

    Raises
    ------
    InvalidValue
        The grid is neither, is empty, or makes more runs than a sweep may have.

    Examples
    --------
    >>> points_of({"lr": [0.1, 0.01], "depth": 3})
    [{'lr': 0.1, 'depth': 3}, {'lr': 0.01, 'depth': 3}]
    """
    if isinstance(grid, Mapping):
        values = {name: list(each) if isinstance(each, list | tuple) else [each] for name, each in grid.items()}
        total = math.prod(map(len, values.values()))
    elif isinstance(grid, Sequence) and all(isinstance(each, Mapping) for each in grid):
        values, total = {}, len(grid)
    else:
        raise InvalidValue(f"no grid: {grid!r}", hint='Write {"lr": [0.1, 0.01]} or [{"lr": 0.1}, {"lr": 0.01}]')
    count = total if random is None else min(random, total)
    if not 0 < count <= MOST_POINTS:
        raise InvalidValue(f"the grid makes {count} runs", hint=f"1 to {MOST_POINTS}; --random takes some of them")
    # Numbers are drawn, so that a product of any size is never built.
    numbers = range(total) if random is None else randomness.Random(seed).sample(range(total), count)  # noqa: S311
    if isinstance(grid, Mapping):
        return [_of_product(values, number) for number in numbers]
    return [dict(grid[number]) for number in numbers]


def parse(texts: Sequence[str]) -> dict[str, list[Any]]:
    """Read what a command line says: `lr=0.1,0.01`, or `layers=[[8], [8, 4]]` for values that hold commas.

    Raises
    ------
    InvalidValue
        A text names no values.
    """
    found: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not (name and equals and values):
            raise InvalidValue(f"--grid {text!r} names no values", hint="Write --grid lr=0.1,0.01")
        found[name.strip()] = _values(values)
    return found


def _values(text: str) -> list[Any]:
    if text.lstrip().startswith("["):
        try:
            return list(json.loads(text))
        except ValueError as error:
            raise InvalidValue(f"{text!r} is no JSON list: {error}", hint="Write --grid 'layers=[1, 2]'") from error
    return [value.strip() for value in text.split(",")]


def _of_product(values: Mapping[str, list[Any]], number: int) -> dict[str, Any]:
    point: dict[str, Any] = {}
    for name in reversed(list(values)):
        number, place = divmod(number, len(values[name]))
        point[name] = values[name][place]
    return {name: point[name] for name in values}
