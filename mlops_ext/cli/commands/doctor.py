"""Checks of an installation: versions, both extensions, the store, and kernels that live elsewhere."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import click

from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.discovery import find_root
from mlops_ext.errors import MlopsError
from mlops_ext.records import Page, Record

if TYPE_CHECKING:
    from mlops_ext.workspace import Workspace

__all__ = ["Check", "doctor"]

Status = Literal["ok", "note", "bad"]
EXTENSION = "mlops-ext"
_OPTIONAL = {"data": "pyarrow", "models": "sklearn", "monitoring": "plotly", "runs": "papermill", "lab": "jupyterlab"}


class Check(Record):
    """One thing that was looked at."""

    shown: ClassVar[tuple[str, ...]] = ("check", "status", "found", "remedy")
    check: str
    status: Status
    found: str
    remedy: str = ""


@click.command(cls=Leaf)
@click.pass_obj
def doctor(session: Session) -> Page[Check]:
    """Check versions, both extensions, the store and the kernels; exit code 6 when something is bad."""
    checks = [*_versions(), *_extensions(), *_kernels(), *_store(session)]
    if any(check.status == "bad" for check in checks):
        session.exit_code = REFUSED
    return Page[Check](items=tuple(checks))


def _versions() -> Iterator[Check]:
    from importlib.util import find_spec

    from mlops_ext import __version__

    yield Check(check="mlops_ext", status="ok", found=f"{__version__} in {sys.prefix}")
    yield Check(check="python", status="ok", found=f"{platform.python_version()} on {platform.platform()}")
    for package in ("jupyter_server", "jupyterlab", "papermill"):
        version = _version(package)
        remedy = "" if version else "pip install 'mlops-ext[lab,runs]'"
        yield Check(check=package, status="ok" if version else "note", found=version or "not installed", remedy=remedy)
    missing = [extra for extra, module in _OPTIONAL.items() if find_spec(module) is None]
    if missing:
        remedy = f"pip install 'mlops-ext[{','.join(missing)}]'"
        yield Check(check="extras", status="note", found=f"not installed: {', '.join(missing)}", remedy=remedy)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _extensions() -> Iterator[Check]:
    from jupyter_core.paths import jupyter_config_path, jupyter_path

    server = _first(Path(each) / "jupyter_server_config.d" / "mlops_ext.json" for each in jupyter_config_path())
    enabled = server is not None and bool(
        _read(server).get("ServerApp", {}).get("jpserver_extensions", {}).get("mlops_ext")
    )
    remedy = "" if enabled else f"{Path(sys.executable).name} -m jupyter server extension enable mlops_ext"
    yield Check(
        check="server extension",
        status="ok" if enabled else "bad",
        found=str(server) if enabled else "not enabled",
        remedy=remedy,
    )
    page = _first(Path(each) / "labextensions" / EXTENSION / "package.json" for each in jupyter_path())
    if page is None:
        remedy = "Reinstall: pip install --force-reinstall --no-deps mlops-ext"
        yield Check(check="lab extension", status="bad", found="not installed", remedy=remedy)
        return
    theirs, ours = str(_read(page).get("version", "")), _version("mlops-ext")
    same = theirs == ours or not ours
    yield Check(
        check="lab extension",
        status="ok" if same else "bad",
        found=f"{theirs} in {page.parent}",
        remedy="" if same else f"The package is {ours}; reinstall it and reload the page",
    )


def _first(paths: Iterator[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _kernels() -> Iterator[Check]:
    from jupyter_client.kernelspec import KernelSpecManager

    specs = KernelSpecManager().get_all_specs()
    pythons = {name: each["spec"]["argv"] for name, each in specs.items() if each["spec"].get("language") == "python"}
    if not pythons:
        yield Check(check="kernels", status="bad", found="no Python kernel", remedy="pip install ipykernel")
    for name, argv in sorted(pythons.items()):
        yield _kernel(name, argv[0] if argv else "")


def _kernel(name: str, program: str) -> Check:
    """Compare a kernel's environment with this one, which is where the server finds us."""
    path = Path(program)
    if not path.is_absolute():
        return Check(check=f"kernel {name}", status="ok", found="runs in the server's environment")
    if not path.exists():
        remedy = f"jupyter kernelspec remove {name}"
        return Check(check=f"kernel {name}", status="bad", found=f"{program} is gone", remedy=remedy)
    prefix = path.parent.parent
    if prefix.resolve() == Path(sys.prefix).resolve():
        return Check(check=f"kernel {name}", status="ok", found=f"same environment as the server: {prefix}")
    theirs = next(
        (each.name.split("-")[1] for each in prefix.glob("lib/python*/site-packages/mlops_ext-*.dist-info")), ""
    )
    ours = _version("mlops-ext")
    if not theirs or (ours and theirs.removesuffix(".dist") != ours):
        found = f"another environment, {prefix}, with mlops_ext {theirs or 'not installed'}"
        remedy = f"{program} -m pip install mlops-ext{'==' + ours if ours else ''}"
        return Check(check=f"kernel {name}", status="note", found=found, remedy=remedy)
    return Check(check=f"kernel {name}", status="ok", found=f"another environment, same release: {prefix}")


def _store(session: Session) -> Iterator[Check]:
    ws = session.workspace
    yield Check(check="workspace", status="ok", found=str(ws.root))
    named, here = os.environ.get("MLOPS_WORKSPACE"), find_root(Path.cwd())
    if named and here is not None and here.resolve() != ws.root:
        remedy = f"cd {ws.root}, or unset MLOPS_WORKSPACE"
        yield Check(check="which workspace", status="note", found=f"this folder belongs to {here}", remedy=remedy)
    if not ws.exists():
        yield Check(check="store", status="note", found="none yet; the first write makes it", remedy="mlops init")
        return
    looks: tuple[tuple[str, Callable[[Workspace], Check]], ...] = (
        ("store", _catalog),
        ("file system", _file_system),
        ("trail", _trail),
        ("blobs", _blobs),
    )
    for name, look in looks:
        try:
            yield look(ws)
        except MlopsError as error:
            yield Check(check=name, status="bad", found=error.message, remedy=error.hint)
            return


def _catalog(ws: Workspace) -> Check:
    from mlops_ext.store.schema import SCHEMA

    with ws.catalog.read():
        return Check(check="store", status="ok", found=f"{ws.database}, schema {SCHEMA}, hash {ws.algorithm}")


def _file_system(ws: Workspace) -> Check:
    from mlops_ext.store.filesystem import NETWORK, is_network

    path = ws.database.path
    if path is None:
        return Check(check="file system", status="ok", found="the catalog is a server")
    with ws.catalog.read() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    if not os.access(path.parent, os.W_OK):
        return Check(check="file system", status="note", found="read-only", remedy="Nothing can be written here")
    if is_network(path):
        return Check(check="file system", status="note", found=f"journal mode {mode}", remedy=NETWORK.capitalize())
    return Check(check="file system", status="ok", found=f"local, journal mode {mode}")


def _trail(ws: Workspace) -> Check:
    from mlops_ext.governance.audit import verify
    from mlops_ext.models.types import NoRequest

    result = ws.call(verify, NoRequest())
    if result.ok:
        return Check(check="trail", status="ok", found=f"{result.events} events, unbroken")
    first = result.findings[0]
    found = f"{len(result.findings)} findings, first at {first.seq}: {first.problem}"
    return Check(check="trail", status="bad", found=found, remedy="mlops audit verify")


def _blobs(ws: Workspace) -> Check:
    from sqlalchemy import func, select

    from mlops_ext.store.schema import blobs

    with ws.catalog.read() as connection:
        count, size = connection.execute(select(func.count(), func.coalesce(func.sum(blobs.c.size), 0))).one()
    return Check(check="blobs", status="ok", found=f"{count} blobs, {size / 2**20:,.1f} MiB")
