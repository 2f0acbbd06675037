"""What made a version: the cell or the script that ran, and never a secret."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from mlops_ext.datasets.edge import snapshot
from mlops_ext.shown import shown_url, without_secrets
from mlops_ext.store.hashing import digest_of
from mlops_ext.workspace import Workspace


@pytest.fixture
def cell(monkeypatch, tmp_path):
    source = "mlops.snapshot(frame, 't')"
    shell = SimpleNamespace(
        history_manager=SimpleNamespace(input_hist_raw=["", "import mlops_ext as mlops", source]),
        parent_header={"metadata": {"cellId": "4f2a"}},
        user_ns={},
    )
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "work" / "air.ipynb"))
    return source


def test_a_version_names_the_cell_that_made_it(cell, tmp_path):
    made = snapshot(pd.DataFrame({"x": [1]}), "t", workspace=Workspace(tmp_path))
    assert (made.origin.notebook, made.origin.cell) == ("work/air.ipynb", "4f2a")
    assert made.origin.code == digest_of(cell.encode(), "b3")


def test_a_version_names_the_script_that_made_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "IPython", None)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "etl.py"), raising=False)
    made = snapshot(pd.DataFrame({"x": [1]}), "t", workspace=Workspace(tmp_path))
    assert (made.origin.script, made.origin.notebook) == (Path("etl.py").as_posix(), "")


@pytest.mark.fast
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ATTACH 'host=db password=hunter22 user=x'", "ATTACH 'host=db password=*** user=x'"),
        ("CREATE SECRET (TYPE s3, SECRET 'wJalrXUtnFEMI')", "CREATE SECRET (TYPE s3, SECRET '***')"),
        ("AccountName=a;AccountKey=abc==;x", "AccountName=a;AccountKey=***;x"),
        ("SELECT password, token FROM t", "SELECT password, token FROM t"),
    ],
)
def test_secrets_are_masked_and_the_rest_stays(text, left):
    assert without_secrets(text) == left


@pytest.mark.fast
@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("https://me:pw@host:8080/a b.csv?X-Amz-Signature=1#f", "https://host:8080/a b.csv"),
        ("s3://bucket/key=1/a.parquet", "s3://bucket/key=1/a.parquet"),
        ("zip://a.csv::ftp://me:pw@host/x.zip", "zip://a.csv::ftp://host/x.zip"),
        ("memory://bucket/x", "memory://bucket/x"),
    ],
)
def test_urls_are_shown_without_credentials(url, left):
    assert shown_url(url) == left
