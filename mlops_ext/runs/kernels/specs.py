"""Kernels for jobs: the one a notebook names if it is here, else this Python, over sockets in a private folder."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager

from mlops_ext.errors import NotFound

__all__ = ["Kernels", "check_kernel", "is_this_python", "new_kernel_manager", "remove_sockets"]

_LONGEST_SOCKET = 90
_OWN_NAMES = ("python3", "python")


class Kernels(KernelSpecManager):
    """Kernel specifications in which `python3` always means this Python, which has what a job needs."""

    language = "python"
    warnings: list[str]

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language
        self.warnings = []

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give the specification of a kernel; a missing or stale Python one is replaced, with a warning.

        Raises
        ------
        NoSuchKernel
            A kernel of another language is missing.
        """
        if kernel_name in _OWN_NAMES and self.language == "python":
            return _this_python()
        try:
            spec = super().get_kernel_spec(kernel_name)
        except NoSuchKernel:
            return self._replaced(kernel_name, "is not installed")
        program = Path(spec.argv[0]) if spec.argv else Path()
        if shutil.which(str(program)) is None:
            return self._replaced(kernel_name, f"starts {program}, which is missing")
        return spec

    def _replaced(self, kernel_name: str, trouble: str) -> KernelSpec:
        if self.language != "python":
            raise NoSuchKernel(kernel_name)
        self.warnings.append(f"the kernel {kernel_name!r} {trouble}; {sys.executable} runs the notebook instead")
        return _this_python()


def check_kernel(name: str) -> None:
    """Refuse a kernel that was asked for by name and is not here.

    Raises
    ------
    NotFound
        The nearest is named.
    """
    if not name or name in _OWN_NAMES:
        return
    installed = KernelSpecManager().find_kernel_specs()
    if name not in installed:
        raise NotFound.of("kernel", name, installed)


def is_this_python(name: str) -> bool:
    """Tell whether a Python notebook that names this kernel is run by this Python."""
    if not name or name in _OWN_NAMES:
        return True
    found = KernelSpecManager().find_kernel_specs()
    if name not in found:
        return True
    argv = KernelSpecManager().get_kernel_spec(name).argv
    return bool(argv) and shutil.which(argv[0]) in (None, sys.executable)


def new_kernel_manager(kernel_name: str, specs: Kernels) -> AsyncKernelManager:
    """Make a manager whose kernel is reached over sockets that no other user can open."""
    folder = Path(tempfile.mkdtemp(prefix="mlops-"))
    options: dict[str, Any] = {"kernel_name": kernel_name, "kernel_spec_manager": specs}
    connection = folder / "k.json"
    if len(str(connection)) < _LONGEST_SOCKET:
        options["transport"] = "ipc"
    return AsyncKernelManager(connection_file=str(connection), **options)


def remove_sockets(manager: AsyncKernelManager) -> None:
    """Remove the folder of a manager that has ended its kernel."""
    shutil.rmtree(Path(manager.connection_file).parent, ignore_errors=True)


def _this_python() -> KernelSpec:
    return KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="Python 3 (ipykernel)",
        language="python",
        metadata={"debugger": False},
    )
