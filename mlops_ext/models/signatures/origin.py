"""Which feature each column that a transformer makes was made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["origin_of"]

_ONE_TO_ONE = ("SimpleImputer", "StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "OrdinalEncoder")


def origin_of(step: Any, width: int) -> npt.NDArray[np.int64] | None:
    """Give, for each column that a transformer makes, the place of the one it was made of; None when not known."""
    if hasattr(step, "output_indices_"):
        return _of_columns(step)
    if hasattr(step, "steps"):
        origin = np.arange(width)
        for _, inner in step.steps:
            led = origin_of(inner, len(origin))
            if led is None:
                return None
            origin = origin[led]
        return origin
    if type(step).__name__ == "OneHotEncoder":
        counts = getattr(step, "_n_features_outs", None)
        return None if counts is None else np.repeat(np.arange(width), counts)
    plain = type(step).__name__ == "FunctionTransformer" and step.func is None
    return np.arange(width) if plain or type(step).__name__ in _ONE_TO_ONE else None


def _of_columns(step: Any) -> npt.NDArray[np.int64] | None:
    """Follow a ColumnTransformer, block by block."""
    parts = step.output_indices_
    origin = np.full(max((part.stop for part in parts.values()), default=0), -1, dtype=np.int64)
    taken = getattr(step, "_transformer_to_input_indices", {})
    for name, transformer, _ in step.transformers_:
        part, places = parts[name], np.asarray(taken.get(name, []), dtype=np.int64)
        if part.stop == part.start:
            continue
        inner = np.arange(len(places)) if transformer == "passthrough" else origin_of(transformer, len(places))
        if inner is None or len(inner) != part.stop - part.start:
            return None
        origin[part] = places[inner]
    return origin if (origin >= 0).all() else None
