"""What a process has to compute with: processor, cores, memory, GPUs; what cannot be asked is left out."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from mlops_ext.models.types import Hardware

__all__ = ["hardware"]

_GROUP = Path("/sys/fs/cgroup")
_SECONDS = 10


def hardware() -> Hardware:
    """Ask the system; a container's own limits count, since they are what the process may use."""
    gpus = _gpus() or _of_torch()
    return Hardware(machine=platform.machine(), processor=_processor(), cores=_cores(), memory=_memory(), gpus=gpus)


@lru_cache
def _processor() -> str:
    """Give the model of the processor."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    if sys.platform == "darwin":
        return _asked("sysctl", "-n", "machdep.cpu.brand_string").strip()
    return platform.processor()


def _cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        cores: int | None = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count()
    quota, _, period = _limit("cpu.max").partition(" ")
    if cores and quota.isdigit() and period.strip().isdigit():
        return max(1, min(cores, -(-int(quota) // int(period))))
    return cores


def _memory() -> int | None:
    """Give the smaller of the machine's memory and the group's limit."""
    sizes = []
    if hasattr(os, "sysconf") and {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(os.sysconf_names):
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    limit = _limit("memory.max").strip()
    if limit.isdigit():
        sizes.append(int(limit))
    return min(sizes, default=None)


def _limit(name: str) -> str:
    """Read a limit of the control group that this process sees as its root; empty without one."""
    path = _GROUP / name
    return path.read_text(encoding="utf-8") if path.is_file() and os.access(path, os.R_OK) else ""


@lru_cache
def _gpus() -> tuple[str, ...]:
    """Name the GPUs that NVIDIA's driver tells of."""
    if shutil.which("nvidia-smi") is None:
        return ()
    told = _asked("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    return tuple(line.strip() for line in told.splitlines() if line.strip())


def _of_torch() -> tuple[str, ...]:
    """Name the GPUs of torch, when the process has imported it."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "cuda") or not torch.cuda.is_available():
        return ()
    return tuple(str(torch.cuda.get_device_name(place)) for place in range(torch.cuda.device_count()))


def _asked(*command: str) -> str:
    try:
        answer = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout if answer.returncode == 0 else ""
