"""Evidently's default drift report."""

import sys
from typing import Any

sys.path.pop(0)  # its name is this file's

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

sys.path.insert(0, __file__.rpartition("/")[0])
from clock import measure


def read(reference: str, current: str) -> Any:
    return pd.read_parquet(reference), pd.read_parquet(current)


def compute(reference: Any, current: Any) -> object:
    numbers = [name for name in reference if name.startswith("x")]
    labels = [name for name in reference if name.startswith("c")]
    how = DataDefinition(numerical_columns=numbers, categorical_columns=labels)
    sides = [Dataset.from_pandas(side, data_definition=how) for side in (reference, current)]
    return len(Report([DataDriftPreset()]).run(sides[1], sides[0]).dict())


if __name__ == "__main__":
    measure(read, compute)
