"""Expectations: proposed, edited, checked at snapshot and by hand, and asked for by a gate."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
import xmlschema

from mlops_ext.cli.main import main
from mlops_ext.datasets.classes.service import classify
from mlops_ext.datasets.classes.types import Classify
from mlops_ext.datasets.edge import load, snapshot
from mlops_ext.datasets.expectations.edge import check_dataset, check_file, expect, propose_expectations
from mlops_ext.datasets.expectations.files import from_toml, to_toml
from mlops_ext.errors import InvalidValue
from mlops_ext.governance import gates
from mlops_ext.models.promotion.gates import GateContext
from tests.models.support import registered

pytestmark = pytest.mark.sqlite

GOOD = pd.DataFrame({"id": range(40), "delay": [1.5, None] * 20, "carrier": ["AA", "UA"] * 20})
BAD = pd.DataFrame({"id": [0, 1, 1, 2], "delay": [-100.0, 3.0, None, -7.0], "carrier": ["AA", "XX", None, "UA"]})
RULES = """
min_rows = 5
[columns.id]
unique = true
[columns.delay]
checks = { ge = 0.0 }
[columns.carrier]
nullable = false
checks = { isin = ["AA", "UA"] }
"""


def failed(result):
    return {(each.column, each.rule): (each.count, each.share, each.rows) for each in result.failures}


def test_a_proposal_holds_for_its_version_and_survives_as_a_file(workspace):
    snapshot(GOOD, "t", workspace=workspace)
    proposal = propose_expectations("t", workspace=workspace)
    assert proposal.columns["carrier"].checks == {"isin": ["AA", "UA"]}
    assert (proposal.columns["delay"].nullable, proposal.columns["id"].nullable) == (True, False)
    assert from_toml(to_toml(proposal)) == proposal
    assert check_dataset("t", proposal, workspace=workspace).passed


def test_each_broken_rule_is_named_with_its_rows(workspace):
    snapshot(BAD, "t", workspace=workspace)
    found = failed(check_dataset("t", from_toml(RULES), workspace=workspace))
    assert found == {
        ("", "min_rows = 5"): (4, 1.0, ()),
        ("id", "unique = true"): (1, 0.25, ("row 2: 1",)),
        ("delay", "ge = 0.0"): (2, 0.5, ("row 0: -100.0", "row 3: -7.0")),
        ("carrier", "nullable = false"): (1, 0.25, ("row 2",)),
        ("carrier", "isin = ['AA', 'UA']"): (1, 0.25, ("row 1: XX",)),
    }


def test_values_of_hidden_columns_are_not_shown(workspace):
    snapshot(BAD, "t", workspace=workspace)
    workspace.call(classify, Classify(dataset="t", classes={"carrier": "pii"}))
    result = check_dataset("t", from_toml(RULES), workspace=workspace)
    assert failed(result)["carrier", "isin = ['AA', 'UA']"][2] == ("row 1",)
    assert "isin" not in propose_expectations("t", workspace=workspace).columns["carrier"].checks


def test_a_version_that_fails_is_kept_and_marked_and_the_gate_refuses_it(workspace):
    def answer(ref):
        model = registered(workspace, content=ref.encode(), inputs=(f"dataset:{ref}",))
        return gates.expectations(workspace, GateContext(model, None, "production", {}))

    first = snapshot(GOOD, "t", expectations=from_toml(RULES), workspace=workspace)
    second = snapshot(BAD, "t", workspace=workspace)
    assert (first.checked, second.checked) == ("passed", "failed")
    pd.testing.assert_frame_equal(load(second, workspace=workspace), BAD)
    assert answer("t@1").passed
    assert not answer("t@2").passed
    snapshot(GOOD, "free", workspace=workspace)
    assert "free@1 was not checked" in answer("free@1").message


def test_a_changed_expectation_is_checked_anew(workspace):
    snapshot(GOOD, "t", expectations=from_toml("min_rows = 1"), workspace=workspace)
    expect("t", {"min_rows": 100}, workspace=workspace)
    assert not check_dataset("t", workspace=workspace).passed


def test_a_file_is_checked_before_it_is_a_version(workspace, tmp_path):
    path = tmp_path / "bad.csv"
    BAD.to_csv(path, index=False)
    result = check_file(str(path), from_toml(RULES), workspace=workspace)
    assert not result.passed
    assert ("delay", "ge = 0.0") in failed(result)


def test_the_command_says_no_with_its_exit_code_and_writes_a_case_for_each_rule(workspace, tmp_path):
    snapshot(BAD, "t", workspace=workspace)
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES + "[columns.gone]\nunique = true\n", encoding="utf-8")
    asked = ["datasets", "check", "t", "--expectations", str(rules), "--junit", str(tmp_path / "out.xml")]
    with pytest.raises(SystemExit, match="6"):
        main(asked)
    report = (tmp_path / "out.xml").read_bytes()
    xmlschema.XMLSchema(Path(__file__).parents[2] / "runs" / "ci" / "junit.xsd").validate(BytesIO(report))
    cases = {case.get("name"): [each.tag for each in case] for case in ET.fromstring(report).iter("testcase")}
    assert cases == {
        "min_rows = 5": ["failure"],
        "id: is there": [],
        "id: unique = true": ["failure"],
        "delay: is there": [],
        "delay: ge = 0.0": ["failure"],
        "carrier: is there": [],
        "carrier: nullable = false": ["failure"],
        "carrier: isin = ['AA', 'UA']": ["failure"],
        "gone: is there": ["failure"],
        "gone: unique = true": ["skipped"],
    }
    snapshot(GOOD, "good", expectations=from_toml(RULES), workspace=workspace)
    with pytest.raises(SystemExit, match="0"):
        main(["datasets", "check", "good", "--junit", str(tmp_path / "out.xml")])
    assert b'failures="0"' in (tmp_path / "out.xml").read_bytes()


@pytest.mark.fast
@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("[columns.x]\nchecks = { gee = 1 }", "Did you mean 'ge'"),
        ("[columns.x]\nnulable = true", "Did you mean 'nullable'"),
        ("min_row = 3", "Did you mean 'min_rows'"),
        ("min_rows = 'many'", "min_rows"),
        ("[columns", "no TOML"),
    ],
)
def test_what_is_misspelt_is_refused_with_the_nearest_name(text, saying):
    with pytest.raises(InvalidValue, match=saying):
        from_toml(text)


def test_an_unknown_column_and_a_bound_of_another_type_are_refused(workspace):
    snapshot(GOOD, "t", workspace=workspace)
    with pytest.raises(InvalidValue, match="Did you mean 'delay'"):
        expect("t", {"columns": {"dely": {"nullable": False}}}, workspace=workspace)
    with pytest.raises(InvalidValue, match="does not fit column 'delay'"):
        check_dataset("t", {"columns": {"delay": {"checks": {"ge": "x"}}}}, workspace=workspace)
