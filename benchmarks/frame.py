"""The common frame: ratios of medians of pairs timed in turn, A B A B …

What disturbs the machine then disturbs both alike.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

Work = Callable[[], object] | Sequence[str]


@dataclass(frozen=True)
class Comparison:
    """What a thing costs against its yardstick.

    Attributes
    ----------
    name : str
        What was compared.
    seconds, yardstick_seconds : float
        Medians.
    ratio : float
        Of the medians.
    difference : float
        Median of the differences of neighbouring rounds, in seconds.
    rounds : int
        How many pairs.
    bound : float
        What the ratio keeps to; 0 for none.
    """

    name: str
    seconds: float
    yardstick_seconds: float
    ratio: float
    difference: float
    rounds: int
    bound: float = 0.0


@dataclass(frozen=True)
class Size:
    """A count or a number of bytes, with the bound that it keeps to (0 for none)."""

    name: str
    value: float
    unit: str
    bound: float = 0.0


@dataclass
class Report:
    """All that one benchmark found."""

    benchmark: str
    results: list[Comparison | Size] = field(default_factory=list)

    def add(self, result: Comparison | Size) -> None:
        """Keep a result and show it."""
        self.results.append(result)
        sys.stderr.write(_line(result) + "\n")

    def to_json(self) -> str:
        """Give all results as one line of JSON."""
        return json.dumps({"benchmark": self.benchmark, "results": [asdict(result) for result in self.results]})


def timed(work: Work) -> float:
    """Run a command or a function once and give its seconds."""
    started = time.perf_counter()
    if callable(work):
        work()
    else:
        subprocess.run(work, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def compare(name: str, work: Work, yardstick: Work, *, rounds: int = 11) -> Comparison:
    """Time two works in turn, after one round that only warms up."""
    timed(work), timed(yardstick)
    pairs = [(timed(work), timed(yardstick)) for _ in range(rounds)]
    mine = statistics.median(pair[0] for pair in pairs)
    theirs = statistics.median(pair[1] for pair in pairs)
    difference = statistics.median(first - second for first, second in pairs)
    return Comparison(name, mine, theirs, mine / theirs, difference, rounds)


def run(benchmark: str, measure: Callable[[Report, int], None], *, rounds: int) -> None:
    """Be the command line of one benchmark: `--json` prints one line, `--rounds` sets the number of pairs."""
    parser = argparse.ArgumentParser(description=benchmark)
    parser.add_argument("--json", action="store_true", help="print the results as one line of JSON")
    parser.add_argument("--rounds", type=int, default=rounds)
    arguments = parser.parse_args()
    report = Report(benchmark)
    measure(report, arguments.rounds)
    if arguments.json:
        sys.stdout.write(report.to_json() + "\n")


def _line(result: Comparison | Size) -> str:
    if isinstance(result, Comparison):
        return (
            f"{result.name:<44} {result.ratio:8.2f} x   {result.seconds * 1e3:9.1f} ms against "
            f"{result.yardstick_seconds * 1e3:.1f} ms ({result.difference * 1e3:+.1f} ms, {result.rounds} pairs)"
            f"{_kept(result.ratio, result.bound)}"
        )
    return f"{result.name:<44} {result.value:10.1f} {result.unit}{_kept(result.value, result.bound)}"


def _kept(value: float, bound: float) -> str:
    return f"   bound {bound:.4g}: {'kept' if value <= bound else 'BROKEN'}" if bound else ""
