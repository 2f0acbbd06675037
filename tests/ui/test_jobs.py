"""A notebook's way from the toolbar to a job and its end."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page, Response, expect

from tests.ui.desk import dialog, open_notebook, open_sidebar, press
from tests.ui.lab import Lab

BUTTON = "[data-command='mlops-ext:run-job'] button, button[data-command='mlops-ext:run-job']"


def _is_submission(answer: Response) -> bool:
    return answer.request.method == "POST" and answer.url.partition("?")[0].endswith("/jobs")


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


def test_a_job_shows_what_it_printed_cell_by_cell(page: Page, lab: Lab, tmp_path: Path) -> None:
    open_notebook(page, lab, "train.ipynb")
    start(page)
    dialog(page).get_by_label("month").fill("7")
    with page.expect_response(_is_submission, timeout=60_000) as submitted:
        press(page, "Run")
    job = submitted.value.json()
    page.evaluate("id => void jupyterapp.commands.execute('mlops-ext:show-job', { id })", job["id"])
    log = dialog(page).get_by_role("log", name="Output")
    expect(log).to_contain_text("7", timeout=90_000)
    expect(log).to_contain_text("[2]")
    page.screenshot(path=Path(os.environ.get("MLOPS_SCREENSHOTS", tmp_path)) / "job-output.png")


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


def test_a_schedule_shows_its_next_fires_and_is_paused_and_resumed(page: Page, lab: Lab) -> None:
    open_sidebar(page, lab)
    row = page.get_by_role("list", name="Schedules").get_by_role("button", name="nightly")
    expect(row).to_contain_text("0 3 * * * Europe/Berlin: train.ipynb")
    row.click()
    expect(dialog(page)).to_contain_text("T03:00:00")
    press(page, "Pause")
    expect(row).to_contain_text("paused")
    row.click()
    press(page, "Resume")
    expect(row).to_contain_text("03:00")
