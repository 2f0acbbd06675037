"""A notebook's way from the toolbar to a job and its end."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.ui.desk import dialog, open_notebook, press
from tests.ui.lab import Lab

BUTTON = "[data-command='mlops-ext:run-job'] button, button[data-command='mlops-ext:run-job']"


def start(page: Page) -> None:
    page.locator(f".jp-NotebookPanel-toolbar :is({BUTTON})").first.click()


def test_the_form_asks_each_parameter_in_its_way_and_the_job_runs(page: Page, lab: Lab) -> None:
    open_notebook(page, lab, "train.ipynb")
    start(page)
    form = dialog(page)
    expect(form.get_by_label("month")).to_have_value("1")
    expect(form.get_by_label("balanced")).to_have_attribute("type", "checkbox")
    expect(form).to_contain_text("Month of 2013 to train on")
    form.get_by_label("month").fill("two")
    expect(form.get_by_role("alert")).to_contain_text("A whole number is expected")
    press(page, "Run")
    expect(dialog(page).get_by_label("month")).to_have_value("two")
    dialog(page).get_by_label("month").fill("2")
    press(page, "Run")
    expect(page.get_by_text("train.ipynb succeeded in")).to_be_visible(timeout=90_000)
    job = lab.ask("jobs?limit=1")["items"][0]
    assert (job["status"], job["parameters"]) == ("succeeded", {"month": 2})


def test_a_failed_job_says_why(page: Page, lab: Lab) -> None:
    open_notebook(page, lab, "train.ipynb")
    start(page)
    dialog(page).get_by_label("fail").check()
    press(page, "Run")
    expect(page.get_by_text("asked to fail").first).to_be_visible(timeout=90_000)


def test_a_notebook_without_the_tag_says_what_to_do(page: Page, lab: Lab) -> None:
    open_notebook(page, lab, "plain.ipynb")
    start(page)
    expect(dialog(page)).to_contain_text("tag it “parameters”")
    press(page, "Cancel")


def test_an_unsaved_notebook_is_saved_after_asking(page: Page, lab: Lab) -> None:
    open_notebook(page, lab, "plain.ipynb")
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.type("# changed\n")
    start(page)
    expect(dialog(page)).to_contain_text("Save plain.ipynb first?")
    press(page, "Save and continue")
    expect(dialog(page)).to_contain_text("declares no parameters")
    assert "# changed" in (lab.folder / "plain.ipynb").read_text()
