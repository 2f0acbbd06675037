"""Shapley values against their definition, against SHAP, and what they sum to."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.explanation.models import explain_rows
from mlops_ext.monitoring.explanation.shapley import by_permutation


def frame(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    made = pd.DataFrame({"a": rng.normal(size=rows), "b": rng.normal(size=rows), "c": rng.normal(size=rows)})
    made["town"] = rng.choice(["oslo", "rome", "lima"], rows)
    made["late"] = (made["a"] * made["b"] + (made["town"] == "rome") + rng.normal(size=rows) * 0.1 > 0.3).astype(int)
    return made


def by_definition(predict, row, background):
    """Sum over all coalitions, as Shapley wrote it."""
    names, found = list(row.columns), np.zeros(row.shape[1])

    def worth(coalition):
        mixed = background.copy()
        for name in coalition:
            mixed[name] = row[name].iloc[0]
        return float(np.mean(predict(mixed)))

    width = len(names)
    for place, name in enumerate(names):
        others = [each for each in names if each != name]
        for size in range(width):
            weight = factorial(size) * factorial(width - size - 1) / factorial(width)
            for coalition in combinations(others, size):
                found[place] += weight * (worth((*coalition, name)) - worth(coalition))
    return found


def test_permutations_come_close_to_the_definition_and_sum_exactly():
    data = frame()
    table = data[["a", "b", "c", "town"]]

    def predict(rows):
        return rows["a"] * rows["b"] + 2 * rows["c"] + (rows["town"] == "rome") * rows["a"]

    row, background = table.iloc[[0]], table.iloc[1:41].reset_index(drop=True)
    found = by_permutation(predict, row, background, permutations=200)
    assert found.base + found.contributions.sum() == pytest.approx(found.answers[0], abs=1e-12)
    assert found.answers[0] == pytest.approx(float(predict(row).iloc[0]))
    assert found.contributions[0] == pytest.approx(by_definition(predict, row, background), abs=0.03)


def test_an_additive_model_is_explained_exactly_by_any_order():
    data = frame()
    table = data[["a", "b"]]
    found = by_permutation(lambda rows: 3 * rows["a"] - rows["b"], table.iloc[[0]], table.iloc[1:21], permutations=1)
    mean = table.iloc[1:21].mean()
    assert found.contributions[0] == pytest.approx(
        [3 * (table["a"].iloc[0] - mean["a"]), -(table["b"].iloc[0] - mean["b"])], abs=1e-12
    )


def test_types_and_missing_values_reach_the_model_as_they_are():
    seen = []

    def predict(rows):
        seen.append(dict(rows.dtypes.astype(str)))
        return np.zeros(len(rows))

    table = pd.DataFrame(
        {
            "kind": pd.Categorical(["x", "y", None]),
            "n": pd.array([1, None, 3], dtype="Int64"),
            "f": [1.0, np.nan, 2.0],
        }
    )
    by_permutation(predict, table.iloc[[1]], table, permutations=2)
    assert all(types == {"kind": "category", "n": "Int64", "f": "float64"} for types in seen)


def test_a_linear_pipeline_is_explained_in_its_features_by_its_weights():
    data = frame()
    table = data[["a", "town", "b"]]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b"]), (OneHotEncoder(), ["town"])
    )
    model = make_pipeline(columns, LogisticRegression()).fit(table, data["late"])
    found = explain_rows(model, table.iloc[:1], table.iloc[1:60], "auto")
    assert (found.shapley.method, found.output) == ("linear", "log-odds of 1")
    assert found.shapley.answers[0] == pytest.approx(float(model.decision_function(table.iloc[:1])[0]))
    assert found.shapley.error[0] < 1e-12
    wanted = by_definition(model.decision_function, table.iloc[:1], table.iloc[1:60])
    assert found.shapley.contributions[0] == pytest.approx(wanted, abs=1e-9)


def test_a_linear_regression_is_explained_in_its_own_unit():
    data = frame()
    model = LinearRegression().fit(data[["a", "b"]], data["c"])
    found = explain_rows(model, data[["a", "b"]].iloc[:1], data[["a", "b"]], "linear")
    assert (found.output, found.shapley.answers[0]) == (
        "prediction",
        pytest.approx(model.predict(data[["a", "b"]].iloc[:1])[0]),
    )


@pytest.mark.parametrize("kind", [RandomForestClassifier, RandomForestRegressor])
def test_trees_are_explained_exactly(kind):
    pytest.importorskip("shap")
    data = frame()
    table = data[["a", "b", "town"]]
    columns = make_column_transformer((OrdinalEncoder(), ["town"]), remainder="passthrough")
    model = make_pipeline(columns, kind(20, max_depth=4, random_state=0)).fit(table, data["late"])
    background = table.iloc[1:31]
    found = explain_rows(model, table.iloc[:1], background, "auto")
    assert found.shapley.method == "tree"
    assert found.shapley.error[0] < 1e-6

    def predict(rows):
        return model.predict_proba(rows)[:, 1] if hasattr(model, "predict_proba") else model.predict(rows)

    wanted = by_definition(predict, table.iloc[:1], background)
    assert found.shapley.contributions[0] == pytest.approx(wanted, abs=1e-5)


def test_what_cannot_be_exact_says_why_and_is_refused_when_it_was_asked_for():
    data = frame()
    table = data[["a", "b"]].assign(town=pd.Categorical(data["town"]))
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=5).fit(table, data["late"])
    found = explain_rows(model, table.iloc[:1], table.iloc[1:30], "auto")
    assert found.shapley.method == "permutation"
    assert "permutation over the background rows" in found.reason
    assert len(found.reason.split("; ")) == 2
    with pytest.raises(InvalidValue, match="'linear' does not fit"):
        explain_rows(model, table.iloc[:1], table.iloc[1:30], "linear")
