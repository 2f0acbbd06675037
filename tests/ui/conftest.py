"""Fixtures: a filled workspace, a real JupyterLab on it, and a browser."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.ui.lab import Lab, running

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[2]
PATIENCE = 30_000
"""Milliseconds; a busy machine takes its time."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SETTINGS = {"@jupyterlab/apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}'}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.ui)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the end of the server's log beside what failed in the browser."""
    report = yield
    labs = [each for each in item.funcargs.values() if isinstance(each, Lab)] if report.failed else []
    report.sections.extend(("log of the server", lab.log.read_text()[-6000:]) for lab in labs)
    return report


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """Make no loop: playwright runs its own on this thread."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Clean up after no server in this process: there is none."""


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> str:
    """Where the machine's Chromium lies, or a named skip."""
    found = os.environ.get("MLOPS_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        _missing(request, "no Chromium on this machine (Debian: apt-get install chromium)")
    if importlib.util.find_spec("playwright") is None:
        _missing(request, "playwright is not installed: pip install 'mlops-ext[test]'")
    return found


# Playwright's loop runs on this thread until it is stopped, and other tests of the process need a loop of their own.
@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A running Chromium."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        # Chromium's sandbox refuses to run as root.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=chromium, args=[*QUIET, *sandbox])
        yield started
        started.close()


@pytest.fixture(scope="session")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab on a workspace with a small story in it."""
    folder = tmp_path_factory.mktemp("project")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLOPS_")}
    subprocess.run([sys.executable, "-m", "tests.ui.seed", str(folder)], check=True, cwd=ROOT, env=environment)
    state = tmp_path_factory.mktemp("state")
    settle(state, SETTINGS)
    with running(folder, state) as started:
        yield started


@pytest.fixture(scope="session")
def empty_lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab in a folder without a workspace."""
    state = tmp_path_factory.mktemp("state")
    settle(state, SETTINGS)
    with running(tmp_path_factory.mktemp("empty"), state) as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh browser window; an error that no code caught fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    window = context.new_page()
    window.set_default_timeout(PATIENCE)
    thrown: list[str] = []
    window.on("pageerror", lambda error: thrown.append(str(error)))
    yield window
    context.close()
    assert not thrown


def settle(state: Path, settings: dict[str, str]) -> None:
    """Write the settings of a user."""
    for plugin, text in settings.items():
        file = state / "jupyterlab_settings_dir" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def _missing(request: pytest.FixtureRequest, reason: str) -> NoReturn:
    if request.config.getoption("--require-all"):
        pytest.fail(reason)
    pytest.skip(reason)
