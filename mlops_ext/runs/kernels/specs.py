"""Kernels for jobs: the one a notebook names if it is here, else this Python, over sockets in a private folder."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager

from mlops_ext.runs.kernels.forks import Warm
from mlops_ext.runs.kernels.names import OWN_NAMES

__all__ = ["Kernels", "new_kernel_manager", "python_of", "remove_sockets"]

_LONGEST_SOCKET = 90
_COLD = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
_ASK_SECONDS = 0.1
_POLL_SECONDS = 0.01


class Kernels(KernelSpecManager):
    """Kernel specifications in which `python3` always means this Python, which has what a job needs."""

    language = "python"
    warnings: list[str]

    def __init__(self, language: str, warm: Warm | None = None) -> None:
        super().__init__()
        self.language = language
        self.warm = warm
        self.warnings = []

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give the specification of a kernel; a missing or stale Python one is replaced, with a warning.

        Raises
        ------
        NoSuchKernel
            A kernel of another language is missing.
        """
        spec = self._found(kernel_name)
        if self.warm is not None and python_of(spec):
            provisioner = {"provisioner_name": "mlops-warm", "config": asdict(self.warm)}
            spec.metadata = {**spec.metadata, "kernel_provisioner": provisioner}
        return spec

    def _found(self, kernel_name: str) -> KernelSpec:
        if kernel_name in OWN_NAMES and self.language == "python":
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


def python_of(spec: KernelSpec) -> str:
    """Give the Python that a kernel's specification starts plainly; empty when it does more than that."""
    python, *rest = [part for part in spec.argv if part != "-Xfrozen_modules=off"] or [""]
    provisioned = "kernel_provisioner" in spec.metadata
    return (shutil.which(python) or "") if rest == _COLD and not spec.env and not provisioned else ""


def new_kernel_manager(kernel_name: str, specs: Kernels) -> AsyncKernelManager:
    """Make a manager whose kernel is reached over sockets that no other user can open."""
    folder = Path(tempfile.mkdtemp(prefix="mlops-"))
    options: dict[str, Any] = {"kernel_name": kernel_name, "kernel_spec_manager": specs}
    connection = folder / "k.json"
    if len(str(connection)) < _LONGEST_SOCKET:
        options["transport"] = "ipc"
    return _Manager(connection_file=str(connection), client_factory=_Client, **options)


class _Client(AsyncKernelClient):
    """A client that is ready when the kernel's answer and its output have both arrived.

    jupyter_client's waits for a silence of 0.2 s instead, in every run.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers; see `AsyncKernelClient.wait_for_ready`."""
        until = time.monotonic() + (timeout or float("inf"))
        asked: set[str] = set()
        while time.monotonic() < until:
            asked.add(self.kernel_info())
            try:
                await self._heard(self.iopub_channel, asked)
                self._handle_kernel_info_reply(await self._heard(self.shell_channel, asked))
            except Empty:
                if not await self.is_alive():
                    raise RuntimeError("Kernel died before replying to kernel_info") from None
                continue
            return
        raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _heard(self, channel: Any, asked: set[str]) -> dict[str, Any]:
        until = time.monotonic() + _ASK_SECONDS
        while True:
            message: dict[str, Any] = await channel.get_msg(timeout=max(0.0, until - time.monotonic()))
            if message["parent_header"].get("msg_id") in asked:
                return message


class _Manager(AsyncKernelManager):
    """A manager that notices the end of its kernel soon."""

    async def _async_finish_shutdown(
        self, waittime: float | None = None, pollinterval: float = _POLL_SECONDS, restart: bool = False
    ) -> None:
        await super()._async_finish_shutdown(waittime, pollinterval, restart)


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
