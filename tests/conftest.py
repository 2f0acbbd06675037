"""Fixtures that all tests share: a workspace on SQLite and the same on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from mlops_ext.errors import MlopsError
from mlops_ext.store import lifecycle
from mlops_ext.workspace import Workspace
from tests.support.postgres import PostgresServer, find_binaries
from tests.support.schema import replayed

pytest_plugins = ["pytest_jupyter.jupyter_server", "tests.support.s3"]


settings.register_profile("default", max_examples=25, deadline=None)
settings.register_profile("deep", max_examples=200, deadline=None)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-all", action="store_true", help="a missing browser, PostgreSQL or library is a failure")
    parser.addoption("--every-database", action="store_true", help="what is marked `sqlite` runs on PostgreSQL too")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what has a catalog on each database."""
    if "catalog_url" not in metafunc.fixturenames or any(
        "catalog_url" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")
    ):
        return
    alone = metafunc.definition.get_closest_marker("sqlite") and not metafunc.config.getoption("--every-database")
    metafunc.parametrize("catalog_url", ["sqlite"] if alone else ["sqlite", "postgresql"], indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let a file that is skipped as a whole fail with `--require-all`: a library of its is missing."""
    report = yield
    if report.skipped and collector.config.getoption("--require-all"):
        report.outcome, report.longrepr = "failed", f"{collector.nodeid} would be skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def quick_stores() -> Iterator[None]:
    """Make the stores of this process's tests from recorded statements; other processes and upgrades migrate for real."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "migrate", replayed(lifecycle.migrate))
        yield


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A PostgreSQL of our own on a free port, or a named skip."""
    url = os.environ.get("MLOPS_TEST_POSTGRES")
    if url:
        yield PostgresServer(url)
        return
    if find_binaries() is None:
        missing = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        if request.config.getoption("--require-all"):
            pytest.fail(missing)
        pytest.skip(missing)
    with PostgresServer.start() as server:
        yield server


@pytest.fixture
def catalog_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty catalog, on each database; empty means the folder's own SQLite file."""
    if request.param == "sqlite":
        yield ""
        end_runs()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"t_{secrets.token_hex(6)}"
    yield server.new_database(name)
    end_runs()
    server.drop_database(name)


@pytest.fixture
def workspace(catalog_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace that does not exist yet, in the current folder, on each database."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MLOPS_WORKSPACE", str(folder))
    if catalog_url:
        monkeypatch.setenv("MLOPS_CATALOG", catalog_url)
    else:
        monkeypatch.delenv("MLOPS_CATALOG", raising=False)
    ws = Workspace(folder)
    yield ws
    ws.database.close()


def end_runs() -> None:
    """End the runs that a test left open in this process, while their catalog is still there."""
    tracking = sys.modules.get("mlops_ext.tracking.active")
    if tracking is None:
        return
    for run in reversed(list(tracking._process.owned.values())):
        # The test may have broken what it is kept in.
        with contextlib.suppress(MlopsError):
            run.finish("cancelled")
