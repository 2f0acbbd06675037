"""What changed between two versions, held against a count of all rows; and that equal segments are not read."""

from __future__ import annotations

import json
import struct
from collections import Counter
from contextlib import suppress

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.cli.main import invoke
from mlops_ext.datasets.classes.edge import classify
from mlops_ext.datasets.diff.edge import diff
from mlops_ext.datasets.edge import snapshot
from mlops_ext.datasets.storage import cutting
from mlops_ext.errors import InvalidValue
from mlops_ext.workspace import Workspace
from tests.support.examples import fewer

ROWS = 40_000


@pytest.fixture
def ws(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture
def small_segments(monkeypatch):
    monkeypatch.setattr(cutting, "SMALLEST_BYTES", 1 << 12)
    monkeypatch.setattr(cutting, "CELL_BYTES", 1 << 8)


def difference(ws, before, after, **options):
    """Snapshot both and compare them."""
    first = snapshot(before, "a", workspace=ws)
    second = snapshot(after, "b", workspace=ws)
    return diff(first, second, workspace=ws, **options)


SCHEMA = pa.schema(
    [
        ("k", pa.int64()),
        ("f", pa.float64()),
        ("t", pa.string()),
        ("c", pa.dictionary(pa.int8(), pa.string())),
        ("l", pa.list_(pa.int64())),
    ]
)
rows = st.lists(
    st.tuples(
        st.integers(0, 4) | st.none(),
        st.sampled_from([0.0, -0.0, 1.5, float("nan"), None]),
        st.sampled_from(["", "x", "a text of more than sixteen bytes", None]),
        st.sampled_from(["p", "q", None]),
        st.sampled_from([[], [1], [1, 2], [2, 1], [None], None]),
    ),
    max_size=12,
)


def table(held):
    columns = [list(each) for each in zip(*held, strict=True)] or [[] for _ in SCHEMA]
    arrays = [
        pa.array(values, pa.string()).dictionary_encode().cast(field.type)
        if pa.types.is_dictionary(field.type)
        else pa.array(values, field.type)
        for values, field in zip(columns, SCHEMA, strict=True)
    ]
    return pa.table(arrays, schema=SCHEMA)


def identity(row):
    """Write a row so that equal texts are equal rows, bit by bit."""
    return tuple(struct.pack("<d", each) if isinstance(each, float) else repr(each) for each in row)


def expected(before, after, key):
    left, right = (Counter(map(identity, each)) for each in (before, after))
    gone, new = left - right, right - left
    keys = [Counter({}), Counter({})]
    for place, counter in enumerate((gone, new)):
        for row, count in counter.items():
            keys[place][tuple(row[at] for at in key)] += count
    changed = sum((keys[0] & keys[1]).values()) if key else 0
    return {"removed": gone.total() - changed, "added": new.total() - changed, "changed": changed}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("shared"))


@fewer(2)
@given(before=rows, after=rows, extra=rows, key=st.sampled_from([(), (0,), (0, 1), (2,), (3,), (4,)]))
def test_counts_are_those_of_a_count_of_all_rows(shared, before, after, extra, key):
    before, after = before + extra, after + extra[::-1]
    names = tuple(SCHEMA.names[at] for at in key)
    found = difference(shared, table(before), table(after), key=names, sample=1000)
    if found.key_from == "inferred":
        key = tuple(SCHEMA.names.index(name) for name in found.key)
    wanted = expected(before, after, key)
    assert {name: getattr(found, name) for name in wanted} == wanted
    assert found.unchanged == len(before) - wanted["removed"] - wanted["changed"]
    assert found.unchanged == len(after) - wanted["added"] - wanted["changed"]
    assert Counter(each.change for each in found.sample) == Counter({k: v for k, v in wanted.items() if v})
    assert found.equal == (not any(wanted.values()))


@fewer(3)
@given(before=rows, others=rows)
def test_rows_changed_in_place_are_counted_alike(shared, before, others):
    count = min(len(before), len(others))
    before = [(at, *row[1:]) for at, row in enumerate(before[:count])]
    after = [(at, row[1], *old[2:]) for at, (row, old) in enumerate(zip(others, before, strict=False))]
    found = difference(shared, table(before), table(after), key="k", sample=1000)
    wanted = expected(before, after, (0,))
    assert {name: getattr(found, name) for name in wanted} == wanted
    assert [shift.changed for shift in found.shifts if shift.column == "f"] in ([], [wanted["changed"]])


def frame(count=ROWS):
    random = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "id": np.arange(count) * 3,
            "word": random.choice(["x", "y"], count),
            "x": np.round(random.normal(size=count), 3),
        }
    )


@pytest.mark.usefixtures("small_segments")
def test_equal_segments_are_not_read(ws, monkeypatch):
    before = frame()
    after = before.copy()
    after.loc[20_000:20_019, "x"] += 1
    first = snapshot(before, "t", workspace=ws)
    second = snapshot(after, "t", workspace=ws)
    found = diff(first, second, workspace=ws)
    assert (found.added, found.removed, found.changed, found.key) == (0, 0, 20, ("id",))
    assert found.rows_read < 0.1 * 2 * ROWS

    third = snapshot(pd.concat([before, frame(ROWS + 50)[ROWS:]]), "t", workspace=ws)
    asked = []
    read = Workspace.blob_path
    monkeypatch.setattr(Workspace, "blob_path", lambda self, digest: (asked.append(digest), read(self, digest))[1])
    appended = diff(first, third, workspace=ws)
    assert (appended.added, appended.removed, appended.changed) == (50, 0, 0)
    asked.clear()
    assert diff(first, snapshot(before, "again", workspace=ws), workspace=ws).equal
    assert asked == [], "no file with rows was opened"


@pytest.mark.usefixtures("small_segments")
def test_what_is_in_other_files_is_not_opened(ws, monkeypatch):
    first = snapshot(frame(), "t", workspace=ws)
    longer = frame(ROWS + 4_000)
    second = snapshot(longer, "t", workspace=ws)
    changed = longer.copy()
    changed.loc[ROWS + 3_000 :, "x"] += 1
    third = snapshot(changed, "t", workspace=ws)
    old = {each.digest for each in _files(ws, first)}
    asked = set()
    read = Workspace.blob_path
    monkeypatch.setattr(Workspace, "blob_path", lambda self, digest: (asked.add(digest), read(self, digest))[1])
    found = diff(second, third, workspace=ws)
    assert found.changed == 1_000
    assert asked
    assert not asked & old


def _files(ws, version):
    from mlops_ext.datasets.storage.manifest import Manifest

    return Manifest.from_bytes(ws.get_blob(version.manifest)).files


def test_cells_of_a_changed_row_stand_beside_its_key(ws):
    before = pd.DataFrame({"id": [1, 2, 3], "x": [1.0, 2.0, 3.0], "t": ["a", "b", None]})
    after = pd.DataFrame({"id": [3, 2, 4], "x": [3.0, np.nan, 4.0], "t": ["c", "b", "d"]})
    found = difference(ws, before, after)
    assert (found.key, found.key_from) == (("id",), "inferred")
    cells = {
        row.key[0].before: {c.column: (c.before, c.after) for c in row.cells}
        for row in found.sample
        if row.change == "changed"
    }
    assert cells == {"2": {"x": ("2.0", "nan")}, "3": {"t": (None, "c")}}
    assert {shift.column: shift.changed for shift in found.shifts} == {"id": 0, "x": 1, "t": 1}


def test_the_stored_primary_key_comes_before_a_guess(ws):
    before = pd.DataFrame({"a": [1, 2], "b": [1, 1], "c": [1, 2], "x": [5, 6]})
    first = snapshot(before, "t", primary_key=["b", "c"], workspace=ws)
    second = snapshot(before.assign(a=[7, 8]), "t", workspace=ws)
    found = diff(first, second, workspace=ws)
    assert (found.key, found.key_from, found.changed) == (("b", "c"), "stored", 2)


def test_the_same_rows_in_another_order_are_no_change(ws):
    before = frame(500)
    found = difference(ws, before, before.sample(frac=1, random_state=1, ignore_index=True))
    assert (found.equal, found.reordered, found.unchanged) == (True, True, 500)


def test_columns_that_come_go_move_and_change_their_type(ws):
    before = pa.table({"id": [1, 2], "gone": [1, 1], "x": [1, 2], "y": ["a", "b"], "w": [b"a", b"b"]})
    after = pa.table({"id": [1, 2], "y": ["a", "b"], "x": [1.0, 2.5], "new": [0, 0], "w": [1, 2]})
    found = difference(ws, before, after, key="id")
    changes = {(each.column, each.change): each for each in found.columns}
    assert {name for name, _ in changes} == {"gone", "new", "x", "y", "w"}
    assert changes["x", "retyped"].compared
    assert not changes["w", "retyped"].compared
    assert ("y", "moved") in changes
    assert (found.changed, found.added, found.removed) == (1, 0, 0)
    assert [cell.after for row in found.sample for cell in row.cells] == ["2.5"]


def test_categories_are_their_values_whatever_the_codes(ws):
    before = pd.DataFrame({"c": pd.Categorical(["a", "b"], ["a", "b"]), "n": pd.Categorical([1, 2], [1, 2])})
    after = pd.DataFrame({"c": pd.Categorical(["a", "b"], ["b", "a"]), "n": pd.Categorical([1, 3], [1, 3])})
    found = difference(ws, before, after, key="c")
    assert (found.changed, found.added, found.removed) == (1, 0, 0)
    as_text = difference(ws, before[["c"]], before[["c"]].astype(str))
    assert [each.change for each in as_text.columns] == ["retyped"]
    assert (as_text.added, as_text.removed) == (0, 0)


@pytest.mark.parametrize("shape", [{}, {"x": []}])
def test_versions_without_rows_or_columns_can_be_compared(ws, shape):
    empty = pa.table(shape)
    assert difference(ws, empty, empty).equal
    found = difference(ws, empty, pa.table({"x": [1.0, 1.0]}))
    assert (found.added, found.removed) == (2, 0)


def test_a_shift_is_told_from_what_the_snapshots_noted(ws):
    random = np.random.default_rng(5)
    before, after = random.normal(size=30_000), random.normal(0.5, size=30_000)
    found = difference(ws, pd.DataFrame({"x": before}), pd.DataFrame({"x": after}))
    from scipy.stats import ks_2samp

    shift = found.shifts[0]
    assert shift.statistic == "ks"
    assert abs(shift.value - ks_2samp(before, after).statistic) <= shift.error


def test_values_of_classed_columns_are_hidden(ws):
    before = pd.DataFrame({"id": [1, 2], "mail": ["ann@x.org", "bob@x.org"], "x": [1, 2]})
    first = snapshot(before, "t", workspace=ws)
    second = snapshot(before.assign(mail=["ann@x.org", "eve@x.org"]), "t", workspace=ws)
    classify("t", {"mail": "pii"}, workspace=ws)
    found = diff(first, second, workspace=ws)
    assert found.changed == 1
    assert found.hidden == ("mail",)
    shown = found.model_dump_json() + str(found._repr_mimebundle_())
    assert "eve" not in shown
    assert "bob" not in shown


def test_hostile_values_stay_text(ws):
    attack = "<script>alert(1)</script>"
    before = pd.DataFrame({"id": [1, 2], attack: ["a", "b"]})
    after = pd.DataFrame({"id": [1, 2], attack: ["a", attack]})
    page = difference(ws, before, after)._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_column_of_the_key_must_be_in_both_versions(ws):
    with pytest.raises(InvalidValue, match="no column 'ix'"):
        difference(ws, pd.DataFrame({"id": [1]}), pd.DataFrame({"id": [2]}), key="ix")


@pytest.mark.sqlite
def test_the_command_writes_a_table_and_json(workspace, capsys):
    snapshot(pd.DataFrame({"id": [1, 2], "x": [1, 2]}), "t")
    snapshot(pd.DataFrame({"id": [1, 2], "x": [1, 3]}), "t")
    found = invoke(["datasets", "diff", "t@1", "t@2", "--key", "id"])
    assert found.changed == 1
    from mlops_ext.cli.main import main

    with suppress(SystemExit):
        main(["datasets", "diff", "t@1", "t@2", "--json"])
    assert json.loads(capsys.readouterr().out)["changed"] == 1
    with suppress(SystemExit):
        main(["datasets", "diff", "t@1", "t@2"])
    assert "x: 2 → 3" in capsys.readouterr().out


def shops(days=30):
    """One row of a shop and a day; amounts that happen to tell most rows apart stand first."""
    random = np.random.default_rng(8)
    day, shop = np.divmod(np.arange(days * 40), 40)
    amount = random.permutation(days * 40 * 9)[: days * 40] // 3
    return pd.DataFrame(
        {"amount": amount, "day": day, "shop": [f"S{n}" for n in shop], "x": random.normal(size=len(day))}
    )


def test_two_columns_that_tell_rows_apart_together_are_found_and_named(ws):
    before = shops()
    after = before.copy()
    after.loc[::50, "amount"] += 1
    after.loc[7, "x"] = 0.0
    found = difference(ws, before, after)
    assert (found.key, found.key_from) == (("day", "shop"), "inferred")
    assert (found.changed, found.added, found.removed) == (25, 0, 0)
    assert "by day, shop (inferred)" in found._repr_mimebundle_()["text/plain"]
    shuffled = difference(ws, before, after.drop(index=3).sample(frac=1, random_state=2, ignore_index=True))
    assert (shuffled.key, shuffled.changed, shuffled.added, shuffled.removed) == (("day", "shop"), 25, 0, 1)


def test_a_third_column_is_tried_when_two_do_not_do(ws):
    hours = pd.concat([shops(6).assign(hour=hour) for hour in (8, 9)], ignore_index=True)
    before = hours.assign(amount=hours["amount"] % 7)
    after = before.assign(amount=before["amount"] + (before.index % 10 == 0))
    found = difference(ws, before, after)
    assert (found.key, found.changed) == (("day", "shop", "hour"), 48)


@pytest.mark.parametrize("spoilt", ["missing", "repeated", "measured"])
def test_what_has_missing_values_repeats_or_is_measured_is_no_key(ws, spoilt):
    before = shops()[["day", "shop", "x"]]
    if spoilt == "missing":
        before["shop"] = before["shop"].where(before.index != 5)
    if spoilt == "repeated":
        before = pd.concat([before, before[:1].assign(x=9.0)], ignore_index=True)
    if spoilt == "measured":
        before = before.assign(shop=np.arange(len(before)) / 3 % 13).round(1)
    after = before.copy()
    after.loc[::9, "x"] += 1
    found = difference(ws, before, after)
    assert (found.key, found.key_from) == ((), "none")
    assert found.added == found.removed == len(before[::9])


def test_the_search_for_a_key_ends(ws, monkeypatch):
    """Whatever the number of columns, a bounded number of cells is compared."""
    from mlops_ext.datasets.diff import keys

    random = np.random.default_rng(2)
    before = pd.DataFrame({f"c{n}": random.integers(0, 60, 2000) for n in range(60)})
    asked = []
    real = keys.is_unique
    monkeypatch.setattr(keys, "is_unique", lambda side, key, rows=None: asked.append(key) or real(side, key, rows))
    monkeypatch.setattr(keys, "CELLS", 3 * 4000 * 5)
    difference(ws, before, before[::-1].assign(c3=random.integers(0, 60, 2000)))
    assert len(asked) <= 2 * 6
