"""Processes that notebooks leave behind, found by a mark that no other test's process carries."""

from __future__ import annotations

import os
import secrets

import psutil

SLEEPER = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; {}'], start_new_session=True, env={{}})"


def new_mark() -> str:
    """Make a call of `sleep` that stands on the command line of one test's processes alone."""
    return f"time.sleep(600.{secrets.randbelow(10**9):09}{os.getpid()})"


def sleeper(mark: str) -> str:
    """Give the source of a cell that starts a process of its own session with no environment, found by its mark."""
    return SLEEPER.format(mark)


def left_over(mark: str) -> list[int]:
    """Give the processes that carry a mark on their command line or in their environment."""
    found = []
    for process in psutil.process_iter(["cmdline", "status", "environ"]):
        about = [*(process.info["cmdline"] or []), *(process.info["environ"] or {}).values()]
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(mark in each for each in about):
            found.append(process.pid)
    return found
