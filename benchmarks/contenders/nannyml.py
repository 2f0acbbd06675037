"""NannyML's univariate drift with the nearest methods that it has, the current window as one chunk."""

import sys
from typing import Any

sys.path.pop(0)  # its name is this file's

import nannyml
import pandas as pd

sys.path.insert(0, __file__.rpartition("/")[0])
from clock import measure


def read(reference: str, current: str) -> Any:
    return pd.read_parquet(reference), pd.read_parquet(current)


def compute(reference: Any, current: Any) -> object:
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=list(reference),
        treat_as_categorical=[name for name in reference if name.startswith("c")],
        continuous_methods=["kolmogorov_smirnov", "wasserstein", "jensen_shannon"],
        categorical_methods=["chi2", "jensen_shannon"],
        chunk_number=1,
    )
    return len(calculator.fit(reference).calculate(current).to_df())


if __name__ == "__main__":
    measure(read, compute)
