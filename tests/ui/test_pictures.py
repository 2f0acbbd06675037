"""Pictures of the panels, light and dark, kept in the folder of MLOPS_SCREENSHOTS for people to look at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.desk import dialog, open_model, open_notebook, press
from tests.ui.lab import Lab

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("MLOPS_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("theme", THEMES)
def test_the_panels_stand_in_both_themes(page: Page, lab: Lab, pictures: Path, theme: str) -> None:
    panel = open_model(page, lab, "delay")
    choose(page, theme)
    for tab in ("Overview", "Gates", "History", "Lineage", "Monitoring"):
        panel.get_by_role("tab", name=tab).click()
        if tab == "Monitoring":
            expect(panel.locator(".mlx-Chart .scatterlayer .trace").first).to_be_attached()
        page.wait_for_timeout(500)
        page.screenshot(path=pictures / f"{theme}-{tab.lower()}.png")
    panel.get_by_role("button", name="Promote…").click()
    dialog(page).get_by_label("Environment").select_option("production")
    expect(dialog(page).get_by_role("table", name="Gates")).to_be_visible()
    page.screenshot(path=pictures / f"{theme}-promote.png")
    press(page, "Cancel")
    page.get_by_role("list", name="Datasets").get_by_role("button", name="flights").click()
    data = page.locator("[id='mlops-ext-dataset:flights']")
    for tab, table in (("Columns", "Columns"), ("Changes", "Some of the rows"), ("Versions", "Files")):
        data.get_by_role("tab", name=tab).click()
        expect(data.get_by_role("table", name=table, exact=True)).to_be_visible()
        page.screenshot(path=pictures / f"{theme}-dataset-{tab.lower()}.png")


@pytest.mark.parametrize("theme", THEMES)
def test_the_form_of_a_job_stands_in_both_themes(page: Page, lab: Lab, pictures: Path, theme: str) -> None:
    open_notebook(page, lab, "train.ipynb")
    choose(page, theme)
    page.locator(".jp-NotebookPanel-toolbar [data-command='mlops-ext:run-job']").first.click()
    expect(dialog(page).get_by_label("month")).to_be_visible()
    page.screenshot(path=pictures / f"{theme}-job.png")


def choose(page: Page, theme: str) -> None:
    """Change the theme."""
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", THEMES[theme])
    expect(page.locator(f"body[data-jp-theme-name='{THEMES[theme]}']")).to_be_attached()
