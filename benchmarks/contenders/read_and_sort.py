"""The floor of a stored reference: read the current window a column at a time, sort its numbers, count its labels."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from clock import measure


def read(_reference: str, current: str) -> Any:
    schema = ds.dataset(current).schema
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    return (ds.dataset(current, format=ds.ParquetFileFormat(dictionary_columns=texts)),)


def column(data: Any, name: str) -> int:
    values = data.to_table(columns=[name]).column(0)
    return len(pc.value_counts(values) if pa.types.is_dictionary(values.type) else np.sort(values.to_numpy()))


def compute(data: Any) -> object:
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return sum(threads.map(lambda name: column(data, name), data.schema.names))


if __name__ == "__main__":
    measure(read, compute)
