"""A provisioner that takes kernels from a warm parent; it starts a cold one where it gets none."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Tuple, Unicode

from mlops_ext.runs.kernels.forks import Forked, NotForked, fork

__all__ = ["NAME", "WarmProvisioner"]

NAME = "mlops-warm"
"""As kernel specifications name it: `metadata.kernel_provisioner.provisioner_name`."""
_KERNEL = "ipykernel.kernelapp:launch_new_instance"
_POLL_SECONDS = 0.005
log = logging.getLogger("mlops_ext.runs")


class WarmProvisioner(LocalProvisioner):
    """Kernels forked from a parent that has done the imports, else started as ever."""

    address = Unicode(help="Socket of the warm parent; empty to start cold.").tag(config=True)
    mark = Unicode(help="Name of the forked processes.").tag(config=True)
    folders = Tuple(help="Folders whose modules the notebook imports.").tag(config=True)
    process: Any
    _forked: Forked | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel, or start one with `cmd`."""
        if not self.address:
            return await super().launch_kernel(cmd, **kwargs)
        try:
            self._forked = await asyncio.to_thread(self._fork, cmd, kwargs)
        except NotForked as why:
            log.info("the kernel starts cold: %s", why)
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.cwd = self._forked, kwargs.get("cwd")
        # It leads a session of its own.
        self.pid = self.pgid = self._forked.pid
        return self.connection_info

    async def wait(self) -> int | None:
        """Wait for the end, looking more often than jupyter_client does."""
        while self.process is not None and self.process.poll() is None:
            await asyncio.sleep(_POLL_SECONDS)
        return await super().wait()

    async def cleanup(self, restart: bool = False) -> None:
        """End what the kernel left."""
        if self._forked is not None:
            self._forked.release()
            self._forked = None
        await super().cleanup(restart)

    def _fork(self, cmd: list[str], options: dict[str, Any]) -> Forked:
        # Its own arguments stand behind `-m ipykernel_launcher`.
        argv = [*cmd[cmd.index("ipykernel_launcher") :], "--IPKernelApp.parent_handle={parent}"]
        environment = {**options["env"], "JPY_PARENT_PID": str(os.getpid())}
        with open(os.devnull, "rb") as nothing:  # noqa: PTH123
            return fork(
                self.address,
                _KERNEL,
                [nothing.fileno(), 1, 2],
                env=environment,
                cwd=options.get("cwd") or os.getcwd(),  # noqa: PTH109
                argv=argv,
                mark=self.mark,
                folders=list(self.folders),
            )
