"""Environments that are built as a version's lock says, once each, with uv; and the kernels that start in them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import mlops_ext
from mlops_ext.errors import InvalidValue, MissingExtra, StoreUnavailable
from mlops_ext.models.types import EnvironmentLock, ModelVersion
from mlops_ext.records import new_id
from mlops_ext.store.filesystem import write_whole
from mlops_ext.store.hashing import canonical_json, digest_of
from mlops_ext.workspace import Workspace

__all__ = ["Built", "build", "requirements_of", "with_kernel"]

_OURS = "mlops-ext"
_TAIL = 1500
_SECONDS = 3600
_READY = "ready"


@dataclass(frozen=True)
class Built:
    """An environment that holds what a lock says.

    Attributes
    ----------
    python : Path
        Its interpreter.
    kernel : str
        Name of the kernel that starts in it, as long as `with_kernel` lasts.
    folder : Path
        Where it lies.
    notes : tuple of str
        What of the lock could not be had from an index.
    """

    python: Path
    kernel: str
    folder: Path
    notes: tuple[str, ...] = ()


def build(ws: Workspace, version: ModelVersion) -> Built:
    """Install what a version's lock says into an environment of its own, or give the one that was built before.

    Raises
    ------
    InvalidValue
        The version has no lock.
    MissingExtra
        uv is not installed.
    StoreUnavailable
        uv could not install it; its last words say why.
    """
    lock = version.lock
    if lock is None:
        raise InvalidValue(f"{version.ref} has no environment lock", hint="Compare only: --env check")
    digest = digest_of(canonical_json(lock.model_dump(mode="json")), ws.algorithm).partition(":")[2][:16]
    folder = ws.home / "environments" / digest
    wanted, notes = requirements_of(lock)
    if not (folder / _READY).is_file():
        _install(folder, lock, wanted)
    kernel = f"mlops-{digest}"
    python = folder / "bin" / "python"
    spec = {"argv": [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"], "language": "python"}
    place = folder / "share" / "jupyter" / "kernels" / kernel
    place.mkdir(parents=True, exist_ok=True)
    write_whole(place / "kernel.json", json.dumps({**spec, "display_name": f"as locked by {version.ref}"}).encode())
    return Built(python, kernel, folder, notes)


def requirements_of(lock: EnvironmentLock) -> tuple[list[str], tuple[str, ...]]:
    """Write a lock as requirements; what came from a checkout on that machine cannot be had from an index.

    Examples
    --------
    >>> lock = EnvironmentLock(python="3.11.7", platform="", packages={"a": "1"}, sources={})
    >>> requirements_of(lock)
    (['a==1'], ())
    """
    wanted, notes = [], []
    for name, number in lock.packages.items():
        source = lock.sources.get(name, "")
        if _plain(name) == _OURS:
            continue
        if source.startswith(("editable ", "file:")):
            notes.append(f"{name} {number} was {source} and was not installed")
        elif source:
            wanted.append(f"{name} @ {source}")
        else:
            wanted.append(f"{name}=={number}")
    return wanted, tuple(notes)


@contextmanager
def with_kernel(built: Built | None) -> Iterator[str]:
    """Let the kernel of an environment be found while the block lasts; give its name, empty for none."""
    if built is None:
        yield ""
        return
    former = os.environ.get("JUPYTER_PATH")
    own = str(built.folder / "share" / "jupyter")
    os.environ["JUPYTER_PATH"] = os.pathsep.join(filter(None, (own, former)))
    try:
        yield built.kernel
    finally:
        if former is None:
            del os.environ["JUPYTER_PATH"]
        else:
            os.environ["JUPYTER_PATH"] = former


def _install(folder: Path, lock: EnvironmentLock, wanted: list[str]) -> None:
    """Build under another name, and give it its own when it is whole."""
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if not Path(uv).is_file():
        raise MissingExtra("uv builds environments, and is not installed", hint="Install it: pip install uv")
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f"{folder.name}.{new_id()}")
    try:
        _uv([uv, "venv", "--quiet", "--relocatable", "--python", _interpreter(lock), str(new)])
        listed = new / "requirements.txt"
        listed.write_text("\n".join(wanted) + "\n", encoding="utf-8")
        target = str(new / "bin" / "python")
        _uv([uv, "pip", "install", "--quiet", "--no-deps", "--python", target, "-r", str(listed)])
        _lend_this_package(new)
        (new / _READY).touch()
        # Another process may have built the same meanwhile: either serves.
        if not (folder / _READY).is_file():
            shutil.rmtree(folder, ignore_errors=True)
            new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _interpreter(lock: EnvironmentLock) -> str:
    """Name the Python to build with: this one when it is the one that was locked, else uv finds or fetches it."""
    here = ".".join(map(str, sys.version_info[:3]))
    return sys.executable if lock.python == here else lock.python


def _uv(command: list[str]) -> None:
    try:
        answer = subprocess.run(  # noqa: S603 - fixed words, paths of our own
            command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise StoreUnavailable("uv did not end within an hour", hint="Look at the network") from error
    if answer.returncode:
        said = answer.stderr.strip()[-_TAIL:]
        raise StoreUnavailable(
            f"uv could not build the locked environment: {said}", hint="Compare with what is here: --env check"
        )


def _lend_this_package(environment: Path) -> None:
    """Let the environment import this very package: it is what talks to the store, and may be no release."""
    [site] = environment.glob("lib/python*/site-packages")
    (site / "mlops_ext").symlink_to(Path(mlops_ext.__file__).parent)
    described = Path(str(metadata.distribution(_OURS).locate_file("")))
    for info in described.glob("mlops_ext-*.dist-info"):
        (site / info.name).symlink_to(info)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
