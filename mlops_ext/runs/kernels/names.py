"""What a kernel's name stands for here, found out without loading what talks to kernels."""

from __future__ import annotations

import shutil
import sys

from mlops_ext.errors import NotFound

__all__ = ["OWN_NAMES", "check_kernel", "is_this_python"]

OWN_NAMES = ("python3", "python")
"""Names that mean this Python, whatever is installed under them."""


def check_kernel(name: str) -> None:
    """Refuse a kernel that was asked for by name and is not here.

    Raises
    ------
    NotFound
        The nearest is named.
    """
    if not name or name in OWN_NAMES:
        return
    from jupyter_client.kernelspec import KernelSpecManager

    installed = KernelSpecManager().find_kernel_specs()
    if name not in installed:
        raise NotFound.of("kernel", name, installed)


def is_this_python(name: str) -> bool:
    """Tell whether a Python notebook that names this kernel is run by this Python."""
    if not name or name in OWN_NAMES:
        return True
    from jupyter_client.kernelspec import KernelSpecManager

    found = KernelSpecManager().find_kernel_specs()
    if name not in found:
        return True
    argv = KernelSpecManager().get_kernel_spec(name).argv
    return bool(argv) and shutil.which(argv[0]) in (None, sys.executable)
