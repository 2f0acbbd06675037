"""The sidebar: what is listed, what moves it, and what it says when there is nothing."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Page, expect

from tests.ui.desk import open_sidebar
from tests.ui.lab import Lab


def test_models_and_datasets_are_listed_with_their_pointers(page: Page, lab: Lab) -> None:
    sidebar = open_sidebar(page, lab)
    delay = sidebar.get_by_role("treeitem", name="delay")
    expect(delay).to_contain_text("production: v2")
    expect(delay).to_contain_text("@champion: v2")
    flights = sidebar.get_by_role("list", name="Datasets").get_by_role("button", name="flights")
    expect(flights).to_contain_text("400 rows")
    expect(sidebar.get_by_role("list", name="Open alerts")).to_contain_text("AUC fell to 0.712")
    expect(sidebar).to_contain_text(lab.folder.name)


def test_a_change_by_another_process_shows_within_a_second(page: Page, lab: Lab) -> None:
    sidebar = open_sidebar(page, lab)
    expect(sidebar.get_by_role("treeitem", name="delay")).to_be_visible()
    page.wait_for_timeout(1000)
    lab.elsewhere(
        "import time; from mlops_ext.models.types import SetAlias; from mlops_ext.rooms import find\n"
        "ws.call(find('models.alias'), SetAlias(model='delay@1', alias='veteran'))\n"
        "open('moved', 'w').write(repr(time.time()))"
    )
    expect(sidebar.get_by_role("treeitem", name="delay")).to_contain_text("@veteran: v1", timeout=5000)
    took = time.time() - float((lab.folder / "moved").read_text())
    assert took < 1.0


def test_the_filter_asks_the_server(page: Page, lab: Lab) -> None:
    sidebar = open_sidebar(page, lab)
    expect(sidebar.get_by_role("treeitem")).to_have_count(2)
    sidebar.get_by_role("searchbox").fill("frau")
    expect(sidebar.get_by_role("treeitem")).to_have_count(1)
    sidebar.get_by_role("searchbox").fill("nothing like it")
    expect(sidebar).to_contain_text("Nothing has “nothing like it” in its name.")


def test_everything_is_reached_by_keyboard(page: Page, lab: Lab) -> None:
    sidebar = open_sidebar(page, lab)
    sidebar.get_by_role("treeitem", name="delay").press("ArrowRight")
    expect(sidebar.get_by_role("treeitem")).to_have_count(5)
    # JupyterLab may take the focus while it starts: each press gives it back, and what it moved to is looked at.
    for name, key, following in (("delay", "ArrowDown", "v3"), ("v3", "ArrowDown", "v2")):
        sidebar.get_by_role("treeitem", name=re.compile(f"^{name} ")).press(key)
        expect(sidebar.get_by_role("treeitem", name=re.compile(f"^{following} "))).to_be_focused()
    sidebar.get_by_role("treeitem", name=re.compile("^v2 ")).press("Enter")
    expect(page.get_by_role("combobox", name="Version")).to_have_value("2")


def test_an_empty_workspace_says_the_next_step(page: Page, empty_lab: Lab) -> None:
    sidebar = open_sidebar(page, empty_lab)
    expect(sidebar).to_contain_text('mlops.register(model, "delay")')
    expect(sidebar).to_contain_text('mlops.snapshot(frame, "flights")')
    assert not (empty_lab.folder / ".mlops").exists()


def test_a_server_without_our_part_says_what_to_run(page: Page, lab: Lab) -> None:
    page.route("**/mlops-ext/api/**", lambda route: route.fulfill(status=404, body='{"message": "Not Found"}'))
    sidebar = open_sidebar(page, lab)
    expect(sidebar.get_by_role("alert")).to_have_count(1)
    expect(sidebar.get_by_role("alert")).to_contain_text("jupyter server extension enable mlops_ext")


def test_an_error_of_the_server_is_shown_with_its_hint(page: Page, lab: Lab) -> None:
    refusal = '{"code": "store_too_old", "message": "the store is old", "hint": "Run: mlops upgrade"}'
    page.route("**/mlops-ext/api/v1/models*", lambda route: route.fulfill(status=503, body=refusal))
    sidebar = open_sidebar(page, lab)
    expect(sidebar.get_by_role("alert")).to_contain_text("the store is old")
    expect(sidebar.get_by_role("alert")).to_contain_text("Run: mlops upgrade")
    page.unroute("**/mlops-ext/api/v1/models*")
    sidebar.get_by_role("button", name="Retry").click()
    expect(sidebar.get_by_role("treeitem", name="delay")).to_be_visible()


def test_the_launcher_has_a_card(page: Page, lab: Lab) -> None:
    page.goto(lab.page())
    page.locator(".jp-LauncherCard", has_text="MLOps").click()
    expect(page.get_by_role("region", name="MLOps")).to_be_visible()
