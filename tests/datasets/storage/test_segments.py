"""What is stored of a version: only what its parent does not hold; and it comes back whatever was shared."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from mlops_ext.datasets import compact
from mlops_ext.datasets.diff.edge import diff
from mlops_ext.datasets.edge import files, load, snapshot, verify
from mlops_ext.datasets.profile.service import profile
from mlops_ext.datasets.profile.types import ShowProfile
from mlops_ext.datasets.storage import cutting
from mlops_ext.datasets.storage.compaction import Compact
from mlops_ext.datasets.storage.cutting import Cutter, choose_keys
from mlops_ext.datasets.storage.manifest import Cuts, Manifest, all_blobs
from mlops_ext.datasets.storage.segment_digests import segment_digests
from mlops_ext.errors import InvalidValue
from mlops_ext.workspace import Workspace
from tests.datasets.content.test_canonical import array_of, columns, cuts
from tests.support.examples import fewer

ROWS = 40_000


@pytest.fixture
def ws(tmp_path):
    return Workspace(tmp_path)


@pytest.fixture(autouse=True)
def small_segments(monkeypatch):
    monkeypatch.setattr(cutting, "SMALLEST_BYTES", 1 << 12)
    monkeypatch.setattr(cutting, "CELL_BYTES", 1 << 8)


def frame(rows=ROWS):
    random = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "id": np.arange(rows) * 3,
            "name": pd.Series(random.integers(0, 10**9, rows)).astype(str),
            "value": np.round(random.normal(size=rows), 4),
            "word": pd.Categorical(random.choice(["x", "y", "z"], rows)),
        }
    )


def stored(ws):
    return sum(path.stat().st_size for path in Path(ws.home, "blobs").rglob("*") if path.is_file())


def added(ws, first, *later):
    """The bytes of a first snapshot, and what each later one adds; each comes back exactly."""
    snapshot(first, "t", workspace=ws)
    sizes = [stored(ws)]
    for each in later:
        before = stored(ws)
        version = snapshot(each, "t", workspace=ws)
        sizes.append(stored(ws) - before)
        pd.testing.assert_frame_equal(load(version, workspace=ws), each, check_exact=True)
        verify(version, workspace=ws)
    return sizes


def parquet_bytes(values):
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table({"x": values}), sink, compression="zstd")
    return sink.getvalue().size


def test_identical_rows_add_nothing(ws):
    assert added(ws, frame(), frame())[1] == 0


@pytest.mark.parametrize("place", [0, 17_000, ROWS - 400])
def test_rows_deleted_or_inserted_cost_little_more_than_themselves(ws, tmp_path, place):
    whole = frame()
    without = pd.concat([whole[:place], whole[place + 400 :]], ignore_index=True)
    first, deleted, back = added(ws, whole, without, whole)
    assert deleted < 0.05 * first
    assert back == 0
    (tmp_path / "other").mkdir()
    first, inserted = added(Workspace(tmp_path / "other"), without, whole)
    assert inserted < 0.05 * first


def test_appending_again_and_again_costs_what_is_appended(ws):
    whole = frame()
    first, *sizes = added(ws, whole[:30_000], *(whole[:end] for end in range(30_400, 33_000, 400)))
    # Manifest and profile are a fixed cost, which shows in so small a table.
    assert max(sizes) < 0.05 * first + 4000
    listed = files("t", workspace=ws).files
    assert all(each.whole for each in listed[:-1])
    assert len(listed) <= len(sizes) + 1


def test_a_changed_cell_costs_one_column_of_one_segment(ws):
    changed = frame()
    changed.loc[20_000, "value"] = 99.0
    first, size = added(ws, frame(), changed)
    assert size < 0.02 * first


def test_changes_all_over_a_column_cost_that_column(ws):
    changed = frame()
    changed.loc[::500, "value"] += 1
    _, size = added(ws, frame(), changed)
    assert size < 1.05 * parquet_bytes(changed["value"].to_numpy())


def test_a_new_column_costs_itself_and_a_dropped_one_nothing(ws):
    more = np.random.default_rng(4).normal(size=ROWS)
    grown = frame().assign(more=more)
    first, new, dropped = added(ws, frame(), grown, grown.drop(columns="id"))
    assert new < 1.05 * parquet_bytes(more)
    assert dropped < 0.02 * first


def test_another_category_costs_a_dictionary_and_no_column(ws):
    grown = frame()
    grown["word"] = grown["word"].cat.set_categories(["a", "x", "y", "z"])
    first, size = added(ws, frame(), grown)
    assert size < 0.02 * first


def manifest_of(ws, version):
    return Manifest.from_bytes(ws.get_blob(version.manifest))


def test_what_the_first_version_noted_is_not_noted_again(ws):
    """However many follow, whatever was edited, each leaves out what the first one holds; never the one between."""
    edits = [frame()]
    for row in (20_000, 100):
        edits.append(edits[-1].copy())
        edits[-1].loc[row, "value"] = 99.0
    edits.append(pd.concat([edits[-1][:5000], edits[-1][5400:]], ignore_index=True))
    first, *later = [snapshot(each, "t", workspace=ws) for each in edits]
    base = manifest_of(ws, first)
    assert base.base is base.profile_base is None
    for version in later:
        held = manifest_of(ws, version)
        assert held.base == first.manifest
        assert sum(1 for each in held.digests.values() for digest in each if digest) < 15
    assert {manifest_of(ws, each).profile_base for each in later[:2]} == {base.profile}


def test_what_is_put_together_from_a_base_is_what_a_version_alone_has(ws, tmp_path):
    cut = frame().drop(index=range(5000, 5400)).reset_index(drop=True)
    snapshot(frame(), "t", workspace=ws)
    second = manifest_of(ws, snapshot(cut, "t", workspace=ws))
    whole = second.whole(Manifest.from_bytes(ws.get_blob(second.base)))
    table = load("t", "arrow", workspace=ws)
    spans = list(zip([0, *np.cumsum(whole.cuts.rows)[:-1].tolist()], whole.cuts.rows, strict=True))
    assert second.like
    assert {name: tuple(segment_digests(table[name], spans, "b3")) for name in ("id", "name", "value")} == {
        name: whole.digests[name] for name in ("id", "name", "value")
    }
    seen = profile(ws, ShowProfile(dataset="t@2", quick=True))
    (tmp_path / "alone").mkdir()
    alone = Workspace(tmp_path / "alone")
    snapshot(cut, "t", workspace=alone)
    assert profile(alone, ShowProfile(dataset="t", quick=True)).columns == seen.columns


def test_a_compacted_version_keeps_its_profile(ws):
    changed = frame()
    changed.loc[20_000, "value"] = 99.0
    added(ws, frame(), changed)
    before = profile(ws, ShowProfile(dataset="t@2", quick=True))
    held = manifest_of(ws, ws.call(compact, Compact(dataset="t@2", one_file=True)))
    assert held.profile
    assert held.profile_base
    assert profile(ws, ShowProfile(dataset="t@2", quick=True)) == before


def test_columns_of_short_files_have_dictionaries_only_where_values_repeat(ws):
    snapshot(frame(2000), "t", workspace=ws)
    [file] = files("t", workspace=ws).files
    group = parquet.ParquetFile(file.path).metadata.row_group(0)
    held = {group.column(place).path_in_schema: group.column(place).has_dictionary_page for place in range(4)}
    assert (held["id"], held["word"]) == (False, True)


@pytest.mark.parametrize("can_link", [True, False], ids=["linked", "copied"])
def test_files_are_written_once_into_the_store_and_nothing_is_left_beside_them(ws, monkeypatch, can_link):
    if not can_link:
        monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(errno.EXDEV, "other disk")))
    version = snapshot(frame(), "t", workspace=ws)
    held = [path for path in Path(ws.home, "blobs").rglob("*") if path.is_file()]
    assert {(path.stat().st_nlink, path.stat().st_mode & 0o777) for path in held} == {(1, 0o600)}
    assert len(held) == len(all_blobs(version.manifest, manifest_of(ws, version)))
    verify(version, workspace=ws)


def test_the_same_rows_as_polars_share_the_columns(ws):
    one = frame().drop(columns="word")
    snapshot(one, "t", workspace=ws)
    before = stored(ws)
    snapshot(pl.from_pandas(one), "t", workspace=ws)
    assert stored(ws) - before < 0.01 * before


def test_a_small_table_is_one_file_that_any_reader_opens(tmp_path, monkeypatch):
    monkeypatch.undo()
    ws = Workspace(tmp_path)
    snapshot(frame(400)[["id", "value"]], "t", workspace=ws)
    [file] = files("t", workspace=ws).files
    assert (file.first, file.rows, file.whole) == (0, 400, True)
    pd.testing.assert_frame_equal(parquet.read_table(file.path).to_pandas(), frame(400)[["id", "value"]])


@st.composite
def edited_tables(draw):
    """A table, and the same with rows left out, repeated or moved and columns dropped."""
    held = {}
    for name in draw(st.lists(st.sampled_from("abcd"), unique=True, min_size=1)):
        kind, layout, values = draw(columns(max_size=10).filter(lambda each: "list_view" not in str(each[1])))
        held[name] = draw(cuts(array_of(layout, ((values or [None]) * 90)[:90], kind)))
    table = pa.table(held)[: draw(st.integers(0, 90))]
    start, end = sorted(draw(st.tuples(st.integers(0, len(table)), st.integers(0, len(table)))))
    parts = draw(
        st.sampled_from(
            [[table[:start], table[end:]], [table[:end], table[start:]], [table[end:], table[start:end], table[:start]]]
        )
    )
    kept = draw(st.lists(st.sampled_from(table.column_names), unique=True, min_size=1))
    return table, pa.concat_tables(parts).select(kept)


@fewer(3)
@given(edited_tables(), st.sampled_from([1, 7, 50]))
def test_any_table_and_any_edit_of_it_come_back(tmp_path_factory, pair, target):
    ws = Workspace(tmp_path_factory.mktemp("project"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlops_ext.datasets.storage.writing.choose_target", lambda *_: target)
        versions = [snapshot(each, "t", workspace=ws) for each in (*pair, pair[0])]
    for version, table in zip(versions, (*pair, pair[0]), strict=True):
        made = load(version, workspace=ws)
        assert made.schema.equals(table.schema, check_metadata=True)
        assert str(made.to_pylist()) == str(table.to_pylist())
        verify(version, workspace=ws)
    assert versions[2].digest == versions[0].digest


@given(columns(max_size=40), st.data())
def test_a_segment_has_the_same_digest_wherever_it_lies(column, data):
    kind, layout, values = column
    array = array_of(layout, values, kind)
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(array)), st.integers(0, len(array)))))
    inside = segment_digests(data.draw(cuts(array)), [(start, end - start)], "b3")
    alone = array_of(layout, values[start:end], kind)
    assert inside == segment_digests(pa.chunked_array([alone]), [(0, end - start)], "b3")


def cut(keys, target, parent=None, spans=1):
    """Cut a table of one key column, pushed in some spans; the segments as Cuts."""
    table = pa.table({"k": keys})
    cutter = Cutter(["k"], target, parent)
    step = -(-len(table) // spans)
    pieces = [table.slice(first, step) for first in range(0, len(table), step)]
    found = [each for place, piece in enumerate(pieces) for each in cutter.push(piece, last=place == len(pieces) - 1)]
    return Cuts(keys=("k",), target=target, rows=[each.rows for each in found], marks=[each.mark for each in found])


@given(st.integers(0, 2**32), st.integers(1, 9), st.integers(0, 4000), st.integers(0, 400))
def test_cuts_return_after_an_edit_at_the_next_old_cut(seed, spans, place, size):
    random = np.random.default_rng(seed)
    keys = random.integers(0, 2**60, 5000)
    one = cut(keys, 100, spans=spans)
    assert one == cut(keys, 100)
    assert sum(one.rows) == 5000
    assert max(one.rows) <= 200
    edited = np.concatenate([keys[:place], random.integers(0, 2**60, size), keys[place:]])
    two = cut(edited, 100, one, spans=spans)
    before, after = np.cumsum(one.rows), np.cumsum(two.rows)
    expected = {int(end) for end in before[:-1] if end <= place} | {
        int(end) + size for end in before if end > place + 16
    }
    assert expected <= set(after.tolist())


@pytest.mark.parametrize("keys", [np.zeros(5000, np.int64), np.tile(np.arange(250), 20)], ids=["constant", "repeating"])
def test_rows_that_keys_do_not_tell_apart_are_cut_all_the_same(keys):
    one = cut(keys, 100)
    assert max(one.rows) <= 200
    assert cut(keys, 100, one) == one
    longer = cut(np.concatenate([keys, keys[:50]]), 100, one)
    assert longer.rows[: len(one.rows) - 1] == one.rows[:-1]


def test_keys_are_few_tell_rows_apart_and_are_no_measurements():
    random = np.random.default_rng(1)
    table = pa.table(
        {
            "noise": random.normal(size=4000),
            "year": np.full(4000, 2013),
            "day": np.arange(4000) // 40,
            "flight": random.integers(0, 500, 4000),
            "tail": [f"N{number}" for number in random.integers(0, 900, 4000)],
        }
    )
    assert choose_keys(table) == ("day", "flight")
    assert choose_keys(table.select(["noise"])) == ("noise",)
    assert choose_keys(table.select(["year"])) == ()
    assert choose_keys(table, ["tail"]) == ("tail",)


def test_what_is_neither_a_tag_nor_a_version_is_refused_in_a_sentence(ws):
    with pytest.raises(InvalidValue, match="tags is 'team'"):
        snapshot(frame(9), "t", tags="team", workspace=ws)
    assert snapshot(frame(9), "t", tags={"year": 2013}, workspace=ws).tags == {"year": "2013"}
    with pytest.raises(InvalidValue, match="a DataFrame names no version"):
        diff(frame(9), "t@1", workspace=ws)
    with pytest.raises(InvalidValue, match="a DataFrame names no version"):
        load(frame(9), workspace=ws)
