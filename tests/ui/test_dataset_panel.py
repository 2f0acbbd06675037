"""The panel of a dataset: what its columns hold, and what changed."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.desk import open_sidebar
from tests.ui.lab import Lab


@pytest.fixture
def panel(page: Page, lab: Lab) -> Locator:
    sidebar = open_sidebar(page, lab)
    sidebar.get_by_role("list", name="Datasets").get_by_role("button", name="flights").click()
    found = page.locator("[id='mlops-ext-dataset:flights']")
    expect(found.get_by_role("heading", name="flights")).to_be_visible()
    return found


def test_columns_show_what_they_hold(panel: Locator) -> None:
    table = panel.get_by_role("table", name="Columns", exact=True)
    origin = table.get_by_role("row").filter(has_text="origin")
    expect(origin).to_contain_text("EWR")
    expect(origin.get_by_role("img", name="Distribution of origin")).to_be_visible()
    expect(table.get_by_role("row")).to_have_count(7)


def test_changes_since_the_version_before_are_counted_and_shown(panel: Locator) -> None:
    panel.get_by_role("tab", name="Changes").click()
    expect(panel.get_by_text("flight · the key of the dataset")).to_be_visible()
    facts = panel.locator(".mlx-Facts")
    expect(facts).to_contain_text("Added20Removed0Changed10Unchanged370")
    changed = panel.get_by_role("table", name="Some of the rows").get_by_role("row").filter(has_text="changed").first
    expect(changed.locator("del")).to_have_text("0.0")
