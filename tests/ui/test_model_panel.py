"""The panel of a model: what it shows, promoting, being refused, rolling back, coming back after a reload."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.ui.desk import dialog, open_model, press
from tests.ui.lab import Lab


def test_the_overview_tells_what_a_version_was_made_of(page: Page, lab: Lab) -> None:
    panel = open_model(page, lab, "delay")
    panel.get_by_role("combobox", name="Version").select_option("2")
    expect(panel.get_by_role("table", name="Metrics")).to_contain_text("0.7831")
    expect(panel.get_by_role("button", name="flights@2")).to_be_visible()
    expect(panel).to_contain_text("wind_speed")


def test_promoting_moves_the_environment_and_stands_in_the_history(page: Page, lab: Lab) -> None:
    panel = open_model(page, lab, "fraud")
    panel.get_by_role("combobox", name="Version").select_option("1")
    panel.get_by_role("button", name="Promote…").click()
    dialog(page).get_by_label("Environment").select_option("staging")
    dialog(page).get_by_label("Comment").fill("back to the old one")
    expect(dialog(page)).to_contain_text("No gate guards this environment.")
    press(page, "Promote")
    expect(panel.locator(".mlx-Head")).to_contain_text("staging")
    panel.get_by_role("tab", name="History").click()
    newest = panel.get_by_role("list", name="Deployments").get_by_role("listitem").first
    expect(newest).to_contain_text("v3 → v1")
    expect(newest).to_contain_text("back to the old one")
    assert lab.ask("models/fraud")["environments"]["staging"] == 1


def test_a_refused_promotion_says_why_and_changes_nothing(page: Page, lab: Lab) -> None:
    panel = open_model(page, lab, "delay")
    panel.get_by_role("combobox", name="Version").select_option("3")
    panel.get_by_role("button", name="Promote…").click()
    dialog(page).get_by_label("Environment").select_option("production")
    expect(dialog(page).get_by_role("table", name="Gates")).to_contain_text("failed")
    dialog(page).get_by_label("Comment").fill("please")
    press(page, "Promote")
    expect(dialog(page).get_by_role("alert")).to_contain_text("auc")
    expect(dialog(page).get_by_role("alert").locator(".mlx-Hint")).not_to_be_empty()
    expect(dialog(page).get_by_label("Comment")).to_have_value("please")
    press(page, "Cancel")
    assert lab.ask("models/delay")["environments"]["production"] == 2


def test_a_promotion_that_waits_is_shown_and_nobody_anonymous_decides_it(page: Page, lab: Lab) -> None:
    panel = open_model(page, lab, "delay")
    panel.get_by_role("tab", name="Gates").click()
    asked = panel.get_by_role("list", name="Promotions").get_by_role("listitem").filter(has_text="development")
    expect(asked).to_contain_text("0 of 1 approvals")
    expect(asked).to_contain_text("anna")
    expect(panel).to_contain_text("Approvals are advisory here")
    asked.get_by_role("button", name="Approve…").click()
    expect(dialog(page)).to_contain_text("Approve delay@3 → development")
    dialog(page).get_by_label("Comment").fill("fine")
    press(page, "Approve")
    expect(dialog(page).get_by_role("alert")).to_contain_text("a shared token names nobody")
    press(page, "Cancel")
    [waiting] = lab.ask("promotions?state=awaiting_approval")["items"]
    assert waiting["approvals"] == []


def test_a_promotion_that_needs_approvals_waits_for_them(page: Page, lab: Lab) -> None:
    panel = open_model(page, lab, "fraud")
    panel.get_by_role("button", name="Promote…").click()
    dialog(page).get_by_label("Environment").select_option("development")
    expect(dialog(page).get_by_role("table", name="Gates")).to_contain_text("pending")
    press(page, "Promote")
    expect(page.locator(".Toastify")).to_contain_text("0 of 1 approvals")
    assert "development" not in lab.ask("models/fraud")["environments"]


def test_rolling_back_asks_first_and_goes_to_the_version_before(page: Page, lab: Lab) -> None:
    panel = open_model(page, lab, "fraud")
    panel.get_by_role("button", name="Roll back…").click()
    expect(dialog(page)).to_contain_text("Roll back fraud")
    expect(dialog(page).get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog(page)).to_have_count(0)
    assert lab.ask("models/fraud")["environments"]["production"] == 2
    panel.get_by_role("button", name="Roll back…").click()
    dialog(page).get_by_label("Comment").fill("alerts at night")
    press(page, "Roll back")
    expect(page.get_by_text("production serves v1 again")).to_be_visible()
    assert lab.ask("models/fraud")["environments"]["production"] == 1


def test_lineage_is_drawn_and_its_nodes_open(page: Page, lab: Lab) -> None:
    panel = open_model(page, lab, "delay")
    panel.get_by_role("tab", name="Lineage").click()
    node = panel.get_by_role("button", name="dataset flights@2")
    node.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[id='mlops-ext-dataset:flights']").get_by_role("heading", name="flights")).to_be_visible()


def test_performance_is_drawn_with_a_table_beside_it(page: Page, lab: Lab) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    panel = open_model(page, lab, "delay")
    before = len([url for url in asked if "extensions/mlops-ext" in url])
    panel.get_by_role("tab", name="Monitoring").click()
    expect(panel.locator(".mlx-Chart .scatterlayer .trace").first).to_be_attached()
    assert len([url for url in asked if "extensions/mlops-ext" in url]) > before
    panel.get_by_text("Show as a table").click()
    expect(panel.get_by_role("table", name="AUC per window")).to_contain_text("0.779")


def test_health_is_seen_at_a_glance_and_figures_follow_the_pickers(page: Page, lab: Lab) -> None:
    panel = open_model(page, lab, "delay")
    panel.get_by_role("tab", name="Monitoring").click()
    health = panel.get_by_role("region", name="Health")
    expect(health).to_contain_text("degraded since 2013-06")
    expect(health).to_contain_text("AUC fell to 0.712")
    expect(health).to_contain_text("mlops alerts acknowledge")
    expect(panel.get_by_role("table", name="What moved in the newest window")).to_contain_text("wind_speed")
    columns = panel.get_by_role("region", name="One column")
    expect(columns.get_by_label("Column", exact=True)).to_have_value("wind_speed")
    expect(panel.get_by_role("img", name="wind_speed in the reference and in 2013-06")).to_be_visible()
    columns.get_by_label("Window", exact=True).select_option("2013-05")
    columns.get_by_label("Column", exact=True).select_option("distance")
    expect(panel.get_by_role("img", name="distance in the reference and in 2013-05")).to_be_visible()
    columns.get_by_label("Slice", exact=True).select_option("origin=JFK")
    expect(panel.get_by_role("img", name="distance [origin=JFK] in the reference and in 2013-05")).to_be_visible()
    together = panel.get_by_role("region", name="All columns together")
    expect(together.get_by_role("img", name=re.compile("2013-06: .*wind_speed"))).to_be_visible()
    expect(together).to_contain_text("tells 2013-06 from the reference: AUC 0.")


def test_a_reload_brings_the_panel_back(page: Page, lab: Lab) -> None:
    open_model(page, lab, "delay")
    page.wait_for_timeout(2000)  # Lab saves its layout a second after it changed
    page.goto(lab.page(query="again"))
    panel = page.locator("[id='mlops-ext-model:delay']")
    expect(panel.get_by_role("heading", name="delay", exact=True)).to_be_visible()
