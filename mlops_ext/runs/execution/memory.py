"""Memory of a kernel: the limit it is held to, and what proves that it died for want of memory."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from pathlib import Path

from mlops_ext.errors import InvalidValue

__all__ = ["Memory", "bytes_of"]

_UNITS = {"": 1, "B": 1, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_UNITS |= {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_LEAST = 64 * 2**20
_CGROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
_SYSTEM_LOG = Path("/dev/kmsg")
_RECORD = 8192


def bytes_of(text: str) -> int:
    """Read an amount of memory; empty means no limit, 0.

    Raises
    ------
    InvalidValue
        It is no amount, or too little for any kernel to start in.

    Examples
    --------
    >>> bytes_of("2GiB"), bytes_of("1.5 GB"), bytes_of("")
    (2147483648, 1500000000, 0)
    """
    if not text:
        return 0
    found = _SIZE.fullmatch(text)
    unit = found[2].upper() if found else "?"
    if found is None or unit not in _UNITS:
        raise InvalidValue(f"{text!r} is no amount of memory", hint="Write a number and a unit, such as 512MiB or 2GiB")
    amount = int(float(found[1]) * _UNITS[unit])
    if amount < _LEAST:
        raise InvalidValue(f"a kernel cannot start in {text!r} of memory", hint="Give at least 64MiB")
    return amount


class Memory:
    """Holds one kernel to a limit and looks for evidence when it dies.

    A cgroup (version 2) of its own counts all processes of the run together. Where none can be made, each process
    may have so much private memory (RLIMIT_DATA; unlike the address space, it leaves out mapped libraries).

    Parameters
    ----------
    limit : str
        As `bytes_of` reads it; empty for none.
    name : str
        For the cgroup.
    """

    def __init__(self, limit: str, name: str) -> None:
        self.limit = limit
        self._name = name
        self._began = time.monotonic()
        self._group: Path | None = None
        self._watched = _own_group()
        self._before = _oom_kills(self._watched)

    def hold(self, pid: int) -> str:
        """Hold a kernel to the limit from now on; say why that is not possible, else nothing."""
        amount = bytes_of(self.limit)
        if not amount:
            return ""
        self._group = _new_group(self._watched, f"mlops-{self._name}", amount, pid)
        if self._group is not None:
            self._watched, self._before = self._group, 0
            return ""
        if sys.platform != "linux":
            return f"this system cannot hold a kernel to {self.limit} of memory; it ran without a limit"
        import resource

        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_DATA, (amount, amount))
        return ""

    def evidence(self, pid: int) -> str:
        """Say what proves that a killed kernel ran out of memory; nothing when nothing does."""
        if _oom_kills(self._watched) > self._before:
            of = f"the limit of {self.limit}" if self._group else "its cgroup"
            return f"out of memory: the system counts a process killed for reaching {of}"
        if self._in_system_log(pid):
            return f"out of memory: the system's log says that it killed process {pid}"
        return ""

    def of_error(self, name: str) -> str:
        """Say which limit a cell's exception met; nothing when it is no MemoryError or there is no limit."""
        return f"; the limit is {self.limit} of memory" if self.limit and name.endswith("MemoryError") else ""

    def release(self) -> None:
        """Remove the cgroup, which is empty when the kernel's processes are gone."""
        if self._group is not None:
            with contextlib.suppress(OSError):
                self._group.rmdir()

    def _in_system_log(self, pid: int) -> bool:
        """Look for the kernel's end among the records of this boot since the run began, where they may be read."""
        try:
            log = os.open(_SYSTEM_LOG, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            while record := os.read(log, _RECORD).decode(errors="replace"):
                head, _, text = record.partition(";")
                since = float(head.split(",")[2]) / 1e6 if head.count(",") > 1 else 0.0
                if since >= self._began - 1 and f"Killed process {pid} " in text:
                    return True
        except (OSError, ValueError):
            # No further record, or one that is none.
            return False
        finally:
            os.close(log)
        return False


def _own_group() -> Path | None:
    """Give the folder of this process's cgroup, where version 2 is in use."""
    try:
        lines = _MEMBERSHIP.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    path = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), None)
    return None if path is None or not (_CGROUPS / "cgroup.controllers").is_file() else _CGROUPS / path


def _oom_kills(group: Path | None) -> int:
    try:
        events = (group / "memory.events").read_text(encoding="ascii") if group is not None else ""
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in events.splitlines() if line.startswith("oom_kill ")), 0)


def _new_group(own: Path | None, name: str, amount: int, pid: int) -> Path | None:
    """Make a cgroup beside or below one's own, put a process in, and limit it; None where that is not allowed."""
    for parent in () if own is None else (own, own.parent):
        group = parent / name
        try:
            if not parent.is_relative_to(_CGROUPS) or "memory" not in (parent / "cgroup.subtree_control").read_text():
                continue
            group.mkdir()
            (group / "memory.max").write_text(str(amount))
            if (group / "memory.swap.max").exists():
                (group / "memory.swap.max").write_text("0")
            (group / "memory.oom.group").write_text("1")
            (group / "cgroup.procs").write_text(str(pid))
        except OSError:
            with contextlib.suppress(OSError):
                group.rmdir()
            continue
        return group
    return None
