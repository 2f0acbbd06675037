"""What a person does at the desk, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.ui.lab import Lab


def open_sidebar(page: Page, lab: Lab, path: str = "lab", query: str = "reset") -> Locator:
    """Load the page and show our sidebar."""
    page.goto(lab.page(path, query))
    page.locator(".jp-SideBar.jp-mod-left [data-id='mlops-ext-sidebar']").click()
    sidebar = page.get_by_role("region", name="MLOps")
    sidebar.wait_for()
    return sidebar


def open_model(page: Page, lab: Lab, name: str) -> Locator:
    """Open a model from the sidebar."""
    sidebar = open_sidebar(page, lab)
    sidebar.get_by_role("treeitem", name=name).click()
    panel = page.locator(f"[id='mlops-ext-model:{name}']")
    panel.get_by_role("heading", name=name, exact=True).wait_for()
    return panel


def open_notebook(page: Page, lab: Lab, name: str) -> None:
    """Open a notebook and wait for its toolbar."""
    page.goto(lab.page(f"lab/tree/{name}"))
    page.locator(".jp-NotebookPanel-toolbar [data-command='mlops-ext:run-job']").wait_for()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first.wait_for()


def dialog(page: Page) -> Locator:
    """Give the dialog that is open."""
    return page.locator(".jp-Dialog-content")


def press(page: Page, label: str) -> None:
    """Press a button of the dialog."""
    dialog(page).get_by_role("button", name=label, exact=True).click()
