"""Whatever frame is made up, of pandas, Polars or Arrow: it comes back bit for bit, and its digest is its content's."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.datasets.content.canonical import digest_table
from mlops_ext.datasets.edge import load, snapshot, verify
from mlops_ext.datasets.frames.convert import to_table
from mlops_ext.workspace import Workspace
from tests.datasets.frames.test_round_trips import bits, describe_pandas

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
MOMENTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1))
FLOAT_BITS = st.integers(0, 2**64 - 1).map(lambda each: np.array([each], "u8").view("f8")[0])


def numpy_column(dtype):
    information = np.iinfo(dtype)
    values = st.integers(int(information.min), int(information.max))
    return values, lambda held: pd.Series(np.array(held, dtype))


def nullable(values, make):
    return st.one_of(st.none(), values), make


PANDAS = {
    **{name: numpy_column(name) for name in ("int8", "int64", "uint16", "uint64")},
    "float64": (FLOAT_BITS, lambda held: pd.Series(np.array(held, "f8"))),
    "float16": (st.integers(0, 65_535), lambda held: pd.Series(np.array(held, "u2").view("f2"))),
    "bool": (st.booleans(), lambda held: pd.Series(np.array(held, bool))),
    "Int64": nullable(st.integers(-(2**63), 2**63 - 1), lambda held: pd.Series(pd.array(held, dtype="Int64"))),
    "boolean": nullable(st.booleans(), lambda held: pd.Series(pd.array(held, dtype="boolean"))),
    "str": nullable(TEXT, lambda held: pd.Series(held, dtype="str")),
    "string[python]": nullable(TEXT, lambda held: pd.Series(held, dtype="string[python]")),
    "objects of text": nullable(TEXT, lambda held: pd.Series(held, dtype=object)),
    "objects of bytes": nullable(st.binary(max_size=4), lambda held: pd.Series(held, dtype=object)),
    "dates": nullable(st.dates(), lambda held: pd.Series(held, dtype=object)),
    "lists": nullable(st.lists(st.integers(-9, 9), max_size=3), lambda held: pd.Series(held, dtype=object)),
    **{
        f"times of {unit}": nullable(MOMENTS, lambda held, unit=unit: pd.Series(pd.to_datetime(pd.Series(held, dtype="M8[us]"))).dt.as_unit(unit))
        for unit in ("s", "ms", "us", "ns")
    },
    "zoned": nullable(MOMENTS, lambda held: pd.Series(held, dtype="M8[us]").dt.tz_localize("UTC").dt.tz_convert("America/New_York")),
    "spans": nullable(st.integers(-(10**9), 10**9), lambda held: pd.Series(pd.to_timedelta(pd.Series(held, dtype="Int64"), unit="s"))),
    "categories": (
        st.integers(-1, 3),
        lambda held: pd.Series(pd.Categorical.from_codes(np.array(held, "i1"), ["b", "a", "", "ü"], ordered=len(held) % 2 == 0)),
    ),
    "categories of numbers": (st.integers(-1, 1), lambda held: pd.Series(pd.Categorical.from_codes(np.array(held, "i1"), [2.5, -0.0]))),
    "periods": nullable(st.integers(0, 900), lambda held: pd.Series(pd.PeriodIndex([pd.NaT if n is None else pd.Period(ordinal=n, freq="M") for n in held], freq="M"))),
    "Arrow structs": nullable(
        st.fixed_dictionaries({"a": st.integers(0, 9), "b": st.none() | TEXT}),
        lambda held: pd.Series(held, dtype=pd.ArrowDtype(pa.struct([("a", pa.int8()), ("b", pa.string())]))),
    ),
}  # fmt: skip
LABELS = st.one_of(
    TEXT, st.integers(-3, 3), st.none(), st.tuples(TEXT, st.integers(0, 2)), st.sampled_from(["x", "x.1"])
)


@st.composite
def indexes(draw, rows):
    kind = draw(st.sampled_from(["range", "text", "times", "multi", "floats"]))
    name = draw(st.none() | TEXT | st.integers(0, 3))
    if kind == "range":
        start, step = draw(st.integers(-5, 5)), draw(st.sampled_from([1, -2, 3]))
        return pd.RangeIndex(start, start + step * rows, step, name=name)
    if kind == "times":
        return pd.date_range("2013-03-09", periods=rows, freq="h", tz="America/New_York", name=name)
    if kind == "floats":
        return pd.Index(np.array(draw(st.lists(FLOAT_BITS, min_size=rows, max_size=rows)), "f8"), name=name)
    text = draw(st.lists(TEXT, min_size=rows, max_size=rows))
    if kind == "text":
        return pd.Index(text, dtype="str", name=name)
    return pd.MultiIndex.from_arrays([pd.Index(text, dtype="str"), np.arange(rows) % 2], names=[name, "second"])


@st.composite
def pandas_frames(draw):
    rows = draw(st.integers(0, 6))
    kinds = draw(st.lists(st.sampled_from(sorted(PANDAS)), max_size=5))
    index = draw(indexes(rows))
    columns = [PANDAS[kind][1](draw(st.lists(PANDAS[kind][0], min_size=rows, max_size=rows))) for kind in kinds]
    frame = pd.DataFrame({place: each.set_axis(index) for place, each in enumerate(columns)}, index=index)
    held = np.empty(len(columns), object)
    for place in range(len(columns)):
        held[place] = draw(LABELS)
    frame.columns = pd.Index(held, dtype=object, tupleize_cols=False)
    frame.attrs = draw(st.dictionaries(TEXT, st.none() | st.integers(-(2**40), 2**40) | TEXT, max_size=2))
    return frame


POLARS = {
    pl.Int8: st.integers(-128, 127), pl.UInt64: st.integers(0, 2**64 - 1), pl.Float64: FLOAT_BITS.map(float), pl.Float32: st.floats(width=32),
    pl.Boolean: st.booleans(), pl.String: TEXT, pl.Binary: st.binary(max_size=4), pl.Date: st.dates(), pl.Time: st.times(),
    pl.Datetime("ms"): MOMENTS, pl.Datetime("ns"): MOMENTS, pl.Duration("us"): st.timedeltas(dt.timedelta(-999), dt.timedelta(999)),
    pl.Categorical: st.sampled_from(["z", "a", ""]), pl.Enum(["c", "b", "a"]): st.sampled_from(["a", "c"]),
    pl.Decimal(9, 2): st.integers(-(10**6), 10**6).map(lambda each: decimal.Decimal(each) / 100),
    pl.List(pl.Int16): st.lists(st.none() | st.integers(-9, 9), max_size=3), pl.Array(pl.UInt8, 2): st.lists(st.integers(0, 9), min_size=2, max_size=2),
    pl.Struct({"a": pl.Int8, "b": pl.List(pl.String)}): st.fixed_dictionaries({"a": st.none() | st.integers(0, 9), "b": st.lists(TEXT, max_size=2)}),
}  # fmt: skip


@st.composite
def polars_frames(draw):
    rows = draw(st.integers(0, 6))
    names = draw(st.lists(TEXT.filter(lambda each: "\0" not in each), unique=True, max_size=5))
    made = {}
    for name in names:
        dtype = draw(st.sampled_from(list(POLARS)))
        made[name] = pl.Series(draw(st.lists(st.none() | POLARS[dtype], min_size=rows, max_size=rows)), dtype=dtype)
    return pl.DataFrame(made)


@pytest.fixture(scope="module")
def ws(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("project"))


@given(frame=pandas_frames())
def test_any_pandas_frame_comes_back_bit_for_bit(ws, frame):
    version = snapshot(frame, "pandas", workspace=ws)
    assert describe_pandas(load(version, workspace=ws)) == describe_pandas(frame)
    assert verify(version, workspace=ws) == version
    assert snapshot(frame.copy(), "pandas", workspace=ws) == version


@given(frame=polars_frames())
def test_any_polars_frame_comes_back_bit_for_bit(ws, frame):
    version = snapshot(frame, "polars", workspace=ws)
    made = load(version, workspace=ws)
    assert made.schema == frame.schema
    assert bits(made.rows()) == bits(frame.rows())
    assert verify(version, workspace=ws) == version
    assert snapshot(frame.lazy(), "polars", workspace=ws) == version


@given(frame=polars_frames(), data=st.data())
def test_a_digest_knows_no_chunks_and_no_slices(frame, data):
    place = data.draw(st.integers(0, frame.height))
    cut = pl.concat([frame[:place], frame[place:]], rechunk=False)
    longer = pl.concat([frame, frame, frame])[frame.height : 2 * frame.height]
    digests = {digest_table(to_table(each)[0], "b3").digest for each in (frame, cut, longer, frame.rechunk())}
    assert len(digests) == 1


SHARED = ["int8", "int64", "uint16", "uint64", "float64", "bool", "Int64", "boolean", "str", "times of ms", "times of ns", "zoned", "spans", "dates", "lists"]  # fmt: skip


@given(st.data(), st.lists(st.sampled_from(SHARED), min_size=1, max_size=4), st.integers(0, 6))
def test_equal_values_of_pandas_polars_and_arrow_have_one_digest(data, kinds, rows):
    frame = pd.DataFrame(
        {
            f"c{place}": PANDAS[kind][1](data.draw(st.lists(PANDAS[kind][0], min_size=rows, max_size=rows)))
            for place, kind in enumerate(kinds)
        }
    )
    table, _ = to_table(frame)
    polars = pl.from_arrow(table)
    digests = {digest_table(to_table(each)[0], "b3").digest for each in (frame, table, polars)}
    if all(str(dtype) != "Null" for dtype in polars.dtypes):
        assert len(digests) == 1


@given(frame=pandas_frames().filter(lambda each: len(each) and len(each.columns)), data=st.data())
def test_another_order_of_rows_or_columns_is_another_content(frame, data):
    table, _ = to_table(frame.reset_index(drop=True))
    digest = digest_table(table, "b3").digest
    order = data.draw(st.permutations(range(table.num_rows)))
    moved = table.take(order)
    is_same = [bits(each) for each in moved.to_pylist()] == [bits(each) for each in table.to_pylist()]
    is_plain = not any(pa.types.is_floating(kind) for kind in table.schema.types)
    if is_plain:
        assert (digest_table(moved, "b3").digest == digest) == is_same
    names = [f"_{name}" if place == 0 else name for place, name in enumerate(table.column_names)]
    assert digest_table(table.rename_columns(names), "b3").digest != digest
