"""Tells what a contender cost: seconds of reading and computing, and the memory that it needed at its peak."""

from __future__ import annotations

import ctypes
import json
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

ROUNDS = 3


def resident() -> float:
    """Give the memory that the process holds now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def give_back() -> None:
    """Give what reading has left over back to the system, so that computing cannot hide in it."""
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


def measure(read: Callable[[str, str], Any], compute: Callable[..., object]) -> None:
    """Read both files, compute a few times, and write one line of JSON."""
    before, started = resident(), time.perf_counter()
    sides = read(sys.argv[1], sys.argv[2])
    reading = time.perf_counter() - started
    give_back()
    loaded = resident()
    times, peak, ended = [], [loaded], threading.Event()

    def watch() -> None:
        while not ended.wait(0.002):
            peak[0] = max(peak[0], resident())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    value: object = None
    for _ in range(ROUNDS):
        started = time.perf_counter()
        value = compute(*sides)
        times.append(time.perf_counter() - started)
    ended.set()
    watcher.join()
    seconds = {"reading": reading, "compute": statistics.median(times), "first_compute": times[0]}
    memory = {"windows_mb": loaded - before, "extra_mb": peak[0] - loaded}
    print(json.dumps({**seconds, **memory, "value": value}))
