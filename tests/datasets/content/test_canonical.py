"""The canonical form: its bytes, what makes no difference to it, and what always does."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlops_ext.datasets.content.arrow_types import describe, logical_type, restore
from mlops_ext.datasets.content.canonical import BLOCK_ROWS, column_digest, digest_table
from mlops_ext.datasets.frames.convert import to_table
from mlops_ext.errors import InvalidValue
from tests.datasets.content import oracle

VECTORS = Path(__file__).with_name("vectors.json")

# name -> the oracle's type, Arrow types with the same logical type, values
TYPES = {
    "int8": ("int8", [pa.int8()], st.integers(-128, 127)),
    "uint64": ("uint64", [pa.uint64()], st.integers(0, 2**64 - 1)),
    "float64": ("float64", [pa.float64()], st.floats()),
    "float16": ("float16", [pa.float16()], st.floats(width=16, allow_nan=False)),
    "bool": ("bool", [pa.bool_()], st.booleans()),
    "text": ("string", [pa.string(), pa.large_string(), pa.string_view()], st.text(max_size=5)),
    "bytes": ("binary", [pa.binary(), pa.large_binary(), pa.binary_view()], st.binary(max_size=20)),
    "three": ("fixed_binary(3)", [pa.binary(3)], st.binary(min_size=3, max_size=3)),
    "decimal": ("decimal(7,2)", [pa.decimal128(7, 2), pa.decimal256(7, 2)], st.decimals(-9999, 9999, places=2)),
    "list": (
        ("list", "int16"),
        [pa.list_(pa.int16()), pa.large_list(pa.int16()), pa.list_view(pa.int16()), pa.large_list_view(pa.int16())],
        st.lists(st.one_of(st.none(), st.integers(-9, 9)), max_size=3),
    ),
    "pair": (("fixed_list", "int8", 2), [pa.list_(pa.int8(), 2)], st.lists(st.integers(0, 9), min_size=2, max_size=2)),
    "struct": (
        ("struct", (("a", "string"), ("b", ("list", "bool")))),
        [pa.struct([("a", pa.string()), ("b", pa.list_(pa.bool_()))])],
        st.fixed_dictionaries({"a": st.one_of(st.none(), st.text(max_size=2)), "b": st.lists(st.booleans(), max_size=3)}),
    ),
    "map": (
        ("map", "string", "int64"),
        [pa.map_(pa.string(), pa.int64())],
        st.lists(st.tuples(st.text(max_size=2), st.one_of(st.none(), st.integers(-9, 9))), max_size=3),
    ),
    "deep": (
        ("list", ("struct", (("x", "float32"),))),
        [pa.list_(pa.struct([("x", pa.float32())])), pa.large_list(pa.struct([("x", pa.float32())]))],
        st.lists(st.one_of(st.none(), st.fixed_dictionaries({"x": st.sampled_from([0.5, -0.0, None])})), max_size=3),
    ),
    "category": (
        ("dictionary", "string", ["b", "a", "unused"], False),
        [pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.uint32(), pa.large_string())],
        st.sampled_from(["a", "b"]),
    ),
    "null": ("null", [pa.null()], st.none()),
}  # fmt: skip


def array_of(kind, values, oracle_kind):
    if pa.types.is_dictionary(kind):
        words = oracle_kind[2]
        indices = pa.array([None if each is None else words.index(each) for each in values], kind.index_type)
        return pa.DictionaryArray.from_arrays(indices, pa.array(words, kind.value_type))
    return pa.array(values, kind, from_pandas=False)


@st.composite
def columns(draw, max_size=12):
    name = draw(st.sampled_from(sorted(TYPES)))
    kind, layouts, values = TYPES[name]
    held = draw(st.lists(st.one_of(st.none(), values), max_size=max_size))
    return kind, draw(st.sampled_from(layouts)), held


@st.composite
def cuts(draw, array):
    """The same values in chunks, each a slice out of a longer array."""
    places = sorted(draw(st.lists(st.integers(0, len(array)), max_size=4)))
    chunks = []
    for start, end in zip([0, *places], [*places, len(array)], strict=True):
        longer = pa.concat_arrays([array, array.slice(start, end - start), array])
        chunks.append(longer.slice(len(array), end - start))
    return pa.chunked_array(chunks, array.type)


@given(columns(), st.data(), st.sampled_from(["b3", "sha256"]))
def test_every_layout_has_the_digest_that_the_page_says(column, data, algorithm):
    kind, layout, values = column
    array = array_of(layout, values, kind)
    expected = oracle.column_digest(kind, values, algorithm)
    assert logical_type(layout) == oracle.word(kind)
    assert column_digest(pa.chunked_array([array]), algorithm) == expected
    assert column_digest(data.draw(cuts(array)), algorithm) == expected


@given(columns(), columns())
def test_other_values_have_another_digest(one, other):
    assume(str(one[0]) + text(one[2]) != str(other[0]) + text(other[2]))
    digests = {
        digest_table(pa.table({"x": array_of(layout, values, kind)}), "b3").digest
        for kind, layout, values in (one, other)
    }
    assert len(digests) == 2


@given(columns(), st.data())
def test_any_single_change_changes_the_digest(column, data):
    kind, layout, values = column
    assume(values and kind != "null")
    place = data.draw(st.integers(0, len(values) - 1))
    strategy = next(each[2] for each in TYPES.values() if each[0] == kind)
    changed = [*values[:place], data.draw(st.one_of(st.none(), strategy)), *values[place + 1 :]]
    assume(text(changed) != text(values))
    before, after = (pa.chunked_array([array_of(layout, each, kind)]) for each in (values, changed))
    assert column_digest(before, "b3") != column_digest(after, "b3")


def text(value):
    """What a value looks like, whatever the order of a dict's keys."""
    if isinstance(value, dict):
        return str(sorted((key, text(each)) for key, each in value.items()))
    return str([text(each) for each in value]) if isinstance(value, list) else repr(value)


def garbage(kind, data, valid):
    bitmap = pa.py_buffer(np.packbits(np.array(valid), bitorder="little").tobytes())
    return pa.Array.from_buffers(kind, len(valid), [bitmap, *data])


def test_what_lies_under_nulls_makes_no_difference():
    valid = [True, False, True]
    numbers = garbage(pa.int64(), [pa.py_buffer(np.array([1, 99, 3]).tobytes())], valid)
    assert column_digest(pa.chunked_array([numbers]), "b3") == column_digest(pa.chunked_array([[1, None, 3]]), "b3")
    flags = garbage(pa.bool_(), [pa.py_buffer(b"\xff")], valid)
    assert column_digest(pa.chunked_array([flags]), "b3") == column_digest(pa.chunked_array([[True, None, True]]), "b3")
    offsets = pa.py_buffer(np.array([0, 1, 3, 4], np.int32).tobytes())
    text = garbage(pa.string(), [offsets, pa.py_buffer(b"aXXb")], valid)
    assert column_digest(pa.chunked_array([text]), "b3") == column_digest(pa.chunked_array([["a", None, "b"]]), "b3")
    lists = pa.ListArray.from_arrays([0, 1, 3, 4], [7, 0, 0, 8], mask=pa.array([False, True, False]))
    assert column_digest(pa.chunked_array([lists]), "b3") == column_digest(pa.chunked_array([[[7], None, [8]]]), "b3")
    fixed = pa.FixedSizeListArray.from_arrays([1, 2, 9, 9, 5, 6], 2, mask=pa.array([False, True, False]))
    plain = pa.array([[1, 2], None, [5, 6]], pa.list_(pa.int64(), 2))
    assert column_digest(pa.chunked_array([fixed]), "b3") == column_digest(pa.chunked_array([plain]), "b3")
    struct = pa.StructArray.from_arrays([[1, 2, 3]], ["a"], mask=pa.array([False, True, False]))
    plain = pa.array([{"a": 1}, None, {"a": 3}])
    assert column_digest(pa.chunked_array([struct]), "b3") == column_digest(pa.chunked_array([plain]), "b3")


def test_blocks_do_not_depend_on_chunks():
    values = list(range(2 * BLOCK_ROWS + 7))
    values[5] = values[BLOCK_ROWS] = None
    whole = pa.chunked_array([pa.array(values, pa.int64())])
    cut = pa.chunked_array([whole.chunk(0).slice(start, 50_001) for start in range(0, len(values), 50_001)])
    assert column_digest(cut, "b3") == column_digest(whole, "b3") == oracle.column_digest("int64", values, "b3")


def test_floats_count_by_their_bits():
    def of(*values):
        return column_digest(pa.chunked_array([pa.array(np.array(values))]), "b3")

    payload = np.array([0x7FF8000000000001], "u8").view("f8")[0]
    assert len({of(0.0), of(-0.0), of(math.nan), of(payload)}) == 4


def test_chunks_with_dictionaries_of_their_own_are_unified():
    chunks = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["c", "b"]).dictionary_encode()]
    kind = ("dictionary", "string", ["a", "b", "c"], False)
    assert column_digest(pa.chunked_array(chunks), "b3") == oracle.column_digest(kind, ["a", "b", "c", "b"], "b3")


def test_a_dictionary_that_repeats_a_value_counts_it_once():
    twice = pa.DictionaryArray.from_arrays([0, 1, 2], ["a", "a", "b"])
    once = pa.array(["a", "a", "b"]).dictionary_encode()
    assert column_digest(pa.chunked_array([twice]), "b3") == column_digest(pa.chunked_array([once]), "b3")


def test_category_order_and_unused_values_are_content():
    def of(words, *, ordered=False):
        values = pa.DictionaryArray.from_arrays([words.index("a")], words, ordered=ordered)
        return column_digest(pa.chunked_array([values]), "b3")

    assert len({of(["a", "b"]), of(["b", "a"]), of(["a"]), of(["a", "b"], ordered=True)}) == 4


def test_names_and_order_of_columns_count_but_not_for_a_column():
    a, b = pa.array([1]), pa.array([2])
    digests = {
        digest_table(each, "b3").digest
        for each in (pa.table({"a": a, "b": b}), pa.table({"b": b, "a": a}), pa.table({"a": a, "c": b}))
    }
    assert len(digests) == 3
    one, other = (digest_table(pa.table({name: a}), "b3").columns[0].digest for name in "ab")
    assert one == other


def test_a_frame_without_columns_counts_its_rows():
    tables = [pa.table({"x": pa.nulls(rows)}).select([]) for rows in (0, 3)]
    assert len({digest_table(table, "b3").digest for table in tables}) == 2


def test_pandas_polars_and_arrow_agree():
    pandas = pd.DataFrame(
        {
            "text": ["a", None, "c"],
            "number": [1.5, -0.0, 2.0],
            "time": pd.to_datetime(["2013-01-01", None, "2013-01-03"]).as_unit("us").tz_localize("America/New_York"),
            "flag": [True, False, True],
            "word": pd.Series(["x", None, "y"]).astype("category"),
            "days": pd.to_timedelta([1, 2, 3], unit="D").as_unit("us"),
        }
    )
    polars = pl.from_pandas(pandas).with_columns(pl.Series("word", ["x", None, "y"], dtype=pl.Categorical))
    digests = {digest_table(to_table(each)[0], "b3").digest for each in (pandas, polars)}
    assert len(digests) == 1


def test_polars_categories_do_not_depend_on_what_the_process_did_before():
    pl.Series(["zebra", "y", "x"], dtype=pl.Categorical)
    one = pl.DataFrame({"c": pl.Series(["x", "y"], dtype=pl.Categorical)})
    two = pl.concat([one.slice(0, 1), one.slice(1, 1)], rechunk=False)
    assert digest_table(to_table(one)[0], "b3").digest == digest_table(to_table(two)[0], "b3").digest
    assert to_table(one)[0]["c"].chunk(0).dictionary.to_pylist() == ["x", "y"]


@pytest.mark.parametrize(
    "kind",
    [
        pa.run_end_encoded(pa.int32(), pa.int8()),
        pa.month_day_nano_interval(),
        pa.uuid(),
        pa.dense_union([pa.field("a", pa.int8())]),
    ],
)
def test_types_without_a_word_are_refused(kind):
    with pytest.raises(InvalidValue, match="cannot be kept exactly"):
        logical_type(kind)
    with pytest.raises(InvalidValue, match="cannot be kept exactly"):
        describe(kind)


@pytest.mark.parametrize(
    "kind",
    [
        *(layout for _, layouts, _ in TYPES.values() for layout in layouts),
        pa.timestamp("ns", "UTC"), pa.timestamp("s"), pa.time32("s"), pa.time64("ns"), pa.duration("ms"), pa.date32(),
        pa.date64(), pa.dictionary(pa.int16(), pa.int64(), ordered=True), pa.decimal256(50, 3), pa.float32(),
        pa.list_(pa.field("element", pa.int8(), nullable=False)), pa.struct([pa.field("a", pa.int8(), metadata={"k": "v"})]),
    ],
)  # fmt: skip
def test_exact_types_come_back_from_their_words(kind):
    assert restore(json.loads(json.dumps(describe(kind)))).equals(kind, check_metadata=True)


def vector_tables():
    """Fixed tables: (name, columns as the oracle takes them, the Arrow table)."""
    moment = [1_357_020_000_000_000, None]
    words = pa.DictionaryArray.from_arrays(pa.array([1, None], pa.int8()), ["late", "early"], ordered=True)
    return [
        ("empty", [], pa.table({})),
        ("integers", [("x", "int64", [1, None, -3])], pa.table({"x": pa.array([1, None, -3])})),
        ("floats", [("x", "float64", [0.0, -0.0, 1.5])], pa.table({"x": pa.array([0.0, -0.0, 1.5])})),
        ("text", [("ä", "string", ["", None, "über"])], pa.table({"ä": pa.array(["", None, "über"])})),
        ("flags", [("f", "bool", [True] * 9 + [None])], pa.table({"f": pa.array([True] * 9 + [None])})),
        ("times", [("t", "timestamp[us,UTC]", moment)], pa.table({"t": pa.array(moment, pa.int64()).cast(pa.timestamp("us", "UTC"))})),
        ("decimals", [("d", "decimal(5,2)", [Decimal("1.25"), None])], pa.table({"d": pa.array([Decimal("1.25"), None], pa.decimal128(5, 2))})),
        ("lists", [("l", ("list", "int32"), [[1, None], None, []])], pa.table({"l": pa.array([[1, None], None, []], pa.list_(pa.int32()))})),
        ("structs", [("s", ("struct", (("a", "int8"),)), [{"a": 1}, None])], pa.table({"s": pa.array([{"a": 1}, None], pa.struct([("a", pa.int8())]))})),
        ("categories", [("c", ("dictionary", "string", ["late", "early"], True), ["early", None])], pa.table({"c": words})),
        ("blocks", [("n", "int32", list(range(65_537)))], pa.table({"n": pa.array(range(65_537), pa.int32())})),
    ]  # fmt: skip


@pytest.mark.parametrize("name", [each[0] for each in vector_tables()])
def test_the_published_vectors_hold(name):
    published = json.loads(VECTORS.read_text(encoding="utf-8"))["tables"][name]
    _, columns_, table = next(each for each in vector_tables() if each[0] == name)
    for algorithm in ("b3", "sha256"):
        assert oracle.table_digest(columns_, table.num_rows, algorithm) == published[algorithm]
        assert digest_table(table, algorithm).digest == published[algorithm]
