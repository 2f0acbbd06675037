"""A monitor keeps its promise over time: levels add up to it, and a window judged again costs nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.errors import InvalidValue
from mlops_ext.monitoring.drift.spending import Spending, judge
from mlops_ext.monitoring.types import DriftRow


@given(st.integers(1, 30), st.floats(0.001, 0.5), st.lists(st.integers(0, 60), max_size=100))
def test_any_run_of_windows_spends_at_most_the_promise(windows, alpha, names):
    state, levels = Spending(alpha, windows), []
    for name in names:
        level = state.level(str(name))
        if str(name) not in state.spent:
            levels.append(level)
        state = Spending.from_dict(json.loads(json.dumps(state.after(str(name)).to_dict())))
    for start in range(len(levels)):
        assert sum(levels[start : start + windows]) <= alpha * (1 + 1e-12)
    assert len(state.spent) <= windows


def test_a_window_judged_again_has_the_same_verdict_and_state():
    rows = [
        DriftRow(column="x", statistic="ks", value=0.5, p_value=1e-5, parameters={"n": 500, "m": 500}),
        DriftRow(column="x", statistic="psi_na", value=0.4),
    ]
    _, first, state = judge(rows, "w1", Spending(0.05, 52))
    _, again, same = judge(rows, "w1", state)
    assert (first.status, first, state) == ("drift", again, same)
    assert "0.05 in any 52 windows" in first.method


def test_what_alarms_alone_does_not_alarm_among_many_windows():
    row = DriftRow(column="x", statistic="ks", value=0.1, p_value=0.01, parameters={"n": 500, "m": 500})
    rows = [row, DriftRow(column="x", statistic="psi_na", value=0.4)]
    assert judge(rows, "w", Spending(0.05, 1))[1].status == "drift"
    assert judge(rows, "w", Spending(0.05, 52))[1].status == "undecided"


@pytest.mark.parametrize(("alpha", "windows", "message"), [(0, 52, "alpha is 0"), (0.05, 0, "windows is 0")])
def test_a_promise_nobody_could_keep_is_refused(alpha, windows, message):
    with pytest.raises(InvalidValue, match=message):
        Spending(alpha, windows)
