"""Whatever frame is made up comes over bit for bit, though every row of it is compared on the way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

import mlops_ext as mlops
from mlops_ext.datasets.edge import load, snapshot
from tests.datasets.frames.test_properties import pandas_frames, polars_frames
from tests.datasets.frames.test_round_trips import bits, describe_pandas
from tests.datasets.remotes.support import colleague, lay_out


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    made = [colleague(folder / name) for name in ("one", "two")]
    for ws in made:
        lay_out(ws)
    return *made, str(folder / "remote")


def there_and_back(pair, frame):
    one, two, remote = pair
    version = snapshot(frame, "t", workspace=one)
    mlops.push(version, to=remote, workspace=one)
    mlops.pull(version, from_=remote, workspace=two)
    return load(version, workspace=two)


@settings(max_examples=10, deadline=None)
@given(frame=pandas_frames())
def test_any_pandas_frame_comes_over_bit_for_bit(pair, frame):
    assert describe_pandas(there_and_back(pair, frame)) == describe_pandas(frame)


@settings(max_examples=5, deadline=None)
@given(frame=polars_frames())
def test_any_polars_frame_comes_over_bit_for_bit(pair, frame):
    made = there_and_back(pair, frame)
    assert made.schema == frame.schema
    assert bits(made.rows()) == bits(frame.rows())
