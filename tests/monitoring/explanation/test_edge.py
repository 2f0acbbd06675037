"""From a logged prediction to its reasons, its version and who let it serve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import mlops_ext as mlops
from mlops_ext.errors import InvalidValue, NotFound
from tests.models.support import promoted

pytestmark = pytest.mark.sqlite

ROWS = 200


@pytest.fixture
def model(workspace):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"<b>dist</b>": rng.normal(size=ROWS), "hour": rng.integers(0, 24, ROWS).astype(float)})
    late = (table["<b>dist</b>"] + table["hour"] / 12 > 1).astype(int)
    fitted = LogisticRegression().fit(table, late)
    mlops.register(fitted, "delay", example=table.head(), workspace=workspace)
    promoted(workspace, "delay@1", to="staging")
    probability = fitted.predict_proba(table)[:, 1]
    ids = [f"f{number}" for number in range(ROWS)]
    at = pd.Timestamp("2013-02-01", tz="UTC")
    mlops.log_predictions(
        "delay@1", table, probability >= 0.5, ids, at=at, probability=probability, window="feb", workspace=workspace
    )
    mlops.log_labels("delay@1", ids[:10], late[:10], at=at, window="feb", workspace=workspace)
    return fitted, table


def test_a_row_is_explained_by_contributions_that_sum_to_the_answer(workspace, model):
    fitted, table = model
    found = mlops.explain("delay@staging", table.iloc[3], workspace=workspace)
    assert (found.model, found.method, found.output) == ("delay@1", "linear", "log-odds of 1")
    assert found.answer == pytest.approx(float(fitted.decision_function(table.iloc[[3]])[0]))
    assert found.base + sum(each.contribution for each in found.contributions) == pytest.approx(found.answer)
    assert abs(found.contributions[0].contribution) >= abs(found.contributions[1].contribution)
    same = [
        mlops.explain("delay@1", row, workspace=workspace) for row in (table.iloc[[3]], table.iloc[3].to_dict(), "f3")
    ]
    assert {each.contributions for each in same} == {found.contributions}
    assert same[2].row == "prediction:f3"
    assert "&lt;b&gt;dist&lt;/b&gt;" in found._repr_html_()
    assert "<b>dist" not in found._repr_html_()
    assert "log-odds of 1 is" in found.sentence()


def test_a_prediction_leads_to_its_reasons_its_version_and_who_let_it_serve(workspace, model):
    _, table = model
    found = mlops.why("prediction:f3", workspace=workspace)
    explained = mlops.explain("delay@1", table.iloc[3], workspace=workspace)
    assert found.contributions == explained.contributions
    assert (found.model, found.window) == ("delay@1", "feb")
    assert found.label in (0.0, 1.0)
    assert mlops.why("prediction:f50", workspace=workspace).label is None
    assert [(each.environment, each.by, each.until) for each in found.served] == [
        ("staging", workspace.actor.name, None)
    ]
    assert found.registered_by == workspace.actor.name
    assert found.run
    assert mlops.why("delay@staging", workspace=workspace).version == 1


def test_what_cannot_be_explained_still_tells_what_stands_behind_it(workspace, model):
    mlops.log_predictions("delay@1", None, [1], ["bare"], at="2013-02-02", window="feb", workspace=workspace)
    found = mlops.why("prediction:bare", workspace=workspace)
    assert found.reasons == "its features were not logged"
    assert (found.contributions, found.model) == ((), "delay@1")


def test_rows_that_do_not_fit_are_refused_by_name(workspace, model):
    _, table = model
    with pytest.raises(InvalidValue, match="no 'hour'"):
        mlops.explain("delay@1", {"<b>dist</b>": 1.0}, workspace=workspace)
    with pytest.raises(InvalidValue, match="2 rows"):
        mlops.explain("delay@1", table.head(2), workspace=workspace)
    with pytest.raises(InvalidValue, match="a row is a list"):
        mlops.explain("delay@1", [1, 2], workspace=workspace)
    with pytest.raises(NotFound, match="no prediction 'nobody'"):
        mlops.explain("delay@1", "nobody", workspace=workspace)
