"""What the extension adds to the start of `jupyter server`: python -m benchmarks.server_start

Both sides start a server on a free port, wait until it answers and stop it; one of them with our extension
switched on, the other with it switched off, all other extensions off in both.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.frame import Report, Size, compare, run
from benchmarks.servers import jupyter

BOUND = 150.0


def start_and_stop(folder: Path, extension: bool) -> None:
    """Start a server, wait for its first answer and stop it."""
    with jupyter(folder, extension=extension):
        pass


def measure(report: Report, rounds: int) -> None:
    """Compare the starts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair = compare(
            "jupyter server with the extension",
            lambda: start_and_stop(folder, extension=True),
            lambda: start_and_stop(folder, extension=False),
            rounds=rounds,
        )
    report.add(pair)
    report.add(Size("the extension adds", pair.difference * 1e3, "ms", BOUND))


if __name__ == "__main__":
    run("server_start", measure, rounds=11)
