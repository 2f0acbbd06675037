"""The dashboard as one file, and as an object."""

from __future__ import annotations

import base64
import gzip
import json
import re

import numpy as np
import pandas as pd
import pytest

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.dashboard.edge import Dashboard
from mlops_ext.monitoring.drift.edge import drift
from tests.models.support import registered
from tests.monitoring.dashboard.test_health import drifted, judged, raised

pytestmark = pytest.mark.sqlite


@pytest.fixture
def ws(workspace):
    registered(workspace)
    return workspace


def packed(page, name):
    found = re.search(f'id="{name}">([^<]*)<', page)
    return gzip.decompress(base64.b64decode(found[1]))


def test_fifty_columns_and_six_windows_make_one_file_below_a_megabyte_without_a_row_of_data(ws, tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2, 500, 49)).round(9)
    names = [f"column {number}" for number in range(49)]
    sides = [pd.DataFrame(side, columns=names).assign(city=rng.choice(["a", "b"], 500)) for side in values]
    for month in range(1, 7):
        judged(ws, f"2013-{month:02}", 0.7)
        drift(*sides, window=f"2013-{month:02}", model="delay@1", save=True, workspace=ws)
    path = Dashboard("delay", workspace=ws).save_html(tmp_path / "board.html")
    page = path.read_text()
    assert path.stat().st_size < 1_000_000
    assert b"Plotly" in packed(page, "plotly")
    figures = packed(page, "figures")
    drawn = json.loads(figures)
    assert len(drawn["column"]["2013-06"]) == 50
    extremes = {values.min(), values.max()}
    inner = [value for value in values[1][:100].ravel() if value not in extremes]
    assert not [value for value in inner if repr(float(value)).encode() in figures], "bins and shares only"
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page), "asks no network"
    assert not list(tmp_path.glob(".board*")), "nothing half written is left"


def test_without_scripts_the_page_still_says_what_matters(ws, tmp_path):
    judged(ws, "2013-02", 0.61, label_coverage=0.96)
    drifted(ws, "2013-02", 2.0)
    raised(ws, "2013-02", message="<script>alert(1)</script> low")
    page = Dashboard("delay", workspace=ws).save_html(tmp_path / "board.html").read_text()
    still = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    for word in ("degraded since 2013-02", "0.61", "96%", "temp", "&lt;script&gt;alert(1)", "alerts acknowledge"):
        assert word in still, word


def test_the_same_reports_give_the_same_page(ws, tmp_path):
    judged(ws, "2013-02", 0.61)
    board = Dashboard("delay", workspace=ws)
    first, second = (board.save_html(tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert first == second


def test_a_model_that_nobody_watches_has_a_page_too(ws, tmp_path):
    board = Dashboard("delay", workspace=ws)
    assert board.drawable() == ()
    assert "not watched yet" in board.save_html(tmp_path / "board.html").read_text()
    assert board.status == "unknown"


def test_refreshing_reads_what_came_meanwhile(ws):
    board = Dashboard("delay", workspace=ws)
    assert board.reports["performance"] == []
    judged(ws, "2013-02", 0.61)
    raised(ws, "2013-02")
    assert board.refresh().status == "degraded"
    assert [report.window for report in board.reports["performance"]] == ["2013-02"]
    assert board.figure("metric").layout.title.text == "AUC by window"


def test_what_a_classifier_of_all_columns_found_is_on_the_page_and_in_the_record(ws, tmp_path):
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 400))
    before = pd.DataFrame({"x": x, "y": x + 0.1 * noise, "z": noise})
    after = pd.DataFrame({"x": x, "y": rng.permutation(before["y"].to_numpy()), "z": rng.permutation(noise)})
    drift(before, before.copy(), window="2013-02", model="delay@1", save=True, workspace=ws)
    report = drift(before, after, window="2013-03", model="delay@1", together=True, save=True, workspace=ws)
    assert report.columns == ()
    board = Dashboard("delay", workspace=ws)
    plain, told = board.health.windows
    assert plain.together is None
    assert (told.together.drifted, told.together.auc) == (True, report.together.auc)
    assert set(told.together.columns[:2]) == {"x", "y"}
    assert "moved: all columns together, most by" in board.health.summary_text
    assert "together" in board.drawable()
    (bars,) = board.figure("together").data
    assert list(bars.x) == [each.importance for each in report.together.columns]
    page = board.save_html(tmp_path / "board.html").read_text()
    assert "tells the window apart" in page
    drawn = json.loads(packed(page, "figures"))["together"]
    assert list(drawn) == ["2013-03"]
    assert report.together.sentence in drawn["2013-03"]["caption"]
    with pytest.raises(InvalidValue, match="no drift report on the window '2013-02'"):
        board.figure("together", window="2013-02")
