"""Two opened versions compared: columns first, then rows by key, then cells and distributions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlops_ext.datasets.content.hashes import value_hashes
from mlops_ext.datasets.diff.keys import left_by_key
from mlops_ext.datasets.diff.rows import Rest, pair
from mlops_ext.datasets.diff.shift import shift_of
from mlops_ext.datasets.diff.sides import Side, column_changes, common_types, sides
from mlops_ext.datasets.diff.types import Cell, DatasetDiff, RowChange
from mlops_ext.errors import InvalidValue, did_you_mean

if TYPE_CHECKING:
    from mlops_ext.datasets.loading.versions import OpenVersion
    from mlops_ext.datasets.profile.types import Profile

__all__ = ["HIDDEN", "compare"]

HIDDEN = "•••"
LONGEST = 80


@dataclass(frozen=True)
class _Pairs:
    """Both sides with what is left of them, and which rows are one that changed."""

    sides: tuple[Side, Side]
    rests: tuple[Rest, Rest]
    pairs: tuple[np.ndarray, np.ndarray]

    def changed(self) -> tuple[np.ndarray, np.ndarray]:
        """Give the changed rows among the compared ones of each side."""
        return self.rests[0].rows[self.pairs[0]], self.rests[1].rows[self.pairs[1]]

    def alone(self, side: int) -> np.ndarray:
        """Give the rows that only one side has."""
        return np.delete(self.rests[side].rows, self.pairs[side])

    def unlike(self, key: Sequence[str]) -> list[str]:
        """Name the columns in which a changed row may differ."""
        same = self.sides[0].same if self.rests[0].is_aligned else ()
        return [name for name in self.sides[0].types if name not in key and name not in same]

    def differing(self, name: str) -> np.ndarray:
        """Tell which of the changed rows differ in a column."""
        values = [side.read(name, rows) for side, rows in zip(self.sides, self.changed(), strict=True)]
        found: np.ndarray = value_hashes(values[0]) != value_hashes(values[1])
        return found


def compare(
    before: OpenVersion,
    after: OpenVersion,
    profiles: tuple[Profile, Profile],
    *,
    key: Sequence[str] = (),
    sample: int = 20,
    hidden: Collection[str] = (),
) -> DatasetDiff:
    """Compare two versions.

    Parameters
    ----------
    profiles : (Profile, Profile)
        What their snapshots noted.
    key : sequence of str
        Columns that tell rows apart; stored or found ones when left out.
    sample : int
        How many rows of each kind of change to show.
    hidden : collection of str
        Columns whose values are not shown.

    Raises
    ------
    InvalidValue
        A column of the key is not in both versions.
    """
    schemas = before.representation.schema, after.representation.schema
    types = common_types(*schemas)
    _check_key(key, types)
    both = sides(before, after, types)
    rests, used, origin = left_by_key(both, profiles, key)
    found = _Pairs(both, rests, pair(both, rests, used))
    names = found.unlike(used) if len(found.pairs[0]) else []
    differing = {name: found.differing(name) for name in names}
    columns = column_changes(*schemas, types)
    same = _digests(before), _digests(after)
    shifts = (
        shift_of(name, *profiles, int(differing[name].sum()) if name in differing else 0, is_hidden=name in hidden)
        for name in types
        if same[0][name] != same[1][name]
    )
    removed, added = len(found.alone(0)), len(found.alone(1))
    is_same = not (columns or removed or added or len(found.pairs[0]))
    return DatasetDiff(
        before=before.version.ref,
        after=after.version.ref,
        equal=is_same,
        key=tuple(used),
        key_from=origin,
        rows_before=before.version.rows,
        rows_after=after.version.rows,
        added=added,
        removed=removed,
        changed=len(found.pairs[0]),
        unchanged=before.version.rows - removed - len(found.pairs[0]),
        reordered=is_same and before.version.digest != after.version.digest,
        rows_read=sum(len(side.places) for side in both) if types else 0,
        columns=tuple(columns),
        shifts=tuple(each for each in shifts if each is not None),
        sample=tuple(_sample(found, used, differing, sample, hidden)),
        hidden=tuple(name for name in types if name in hidden),
    )


def _check_key(key: Sequence[str], types: Mapping[str, Any]) -> None:
    for name in key:
        if name not in types:
            raise InvalidValue(f"no column {name!r} to compare in both versions", hint=did_you_mean(name, types))


def _digests(held: OpenVersion) -> dict[str, tuple[str, str]]:
    return {column.name: (column.type, column.digest) for column in held.version.schema_}


def _sample(
    found: _Pairs, key: Sequence[str], differing: Mapping[str, np.ndarray], most: int, hidden: Collection[str]
) -> list[RowChange]:
    """Show the first rows of each kind: of changed rows the key and the cells that differ, of others all."""
    shown: list[RowChange] = []
    names = tuple(found.sides[0].types)
    rows = [each[:most] for each in found.changed()]
    asked = [*key, *differing]
    texts = [_texts(side, chosen, asked, hidden) for side, chosen in zip(found.sides, rows, strict=True)]
    for place in range(len(rows[0])):
        cells = tuple(
            Cell(column=name, before=texts[0][name][place], after=texts[1][name][place])
            for name in names
            if name in differing and differing[name][place]
        )
        keys = tuple(Cell(column=name, before=texts[0][name][place], after=texts[1][name][place]) for name in key)
        shown.append(RowChange(change="changed", key=keys, cells=cells))
    for side, word in ((0, "removed"), (1, "added")):
        chosen = found.alone(side)[:most]
        held = _texts(found.sides[side], chosen, names, hidden)
        field = "before" if side == 0 else "after"
        for place in range(len(chosen)):
            made = {name: Cell(**{"column": name, field: held[name][place]}) for name in names}
            keys = tuple(made[name] for name in key)
            cells = tuple(each for name, each in made.items() if name not in key)
            shown.append(RowChange(change=word, key=keys, cells=cells))
    return shown


def _texts(
    side: Side, chosen: np.ndarray, names: Sequence[str], hidden: Collection[str]
) -> dict[str, list[str | None]]:
    """Write the values of some rows, column by column."""
    if not len(chosen):
        return {}
    return {
        name: [HIDDEN] * len(chosen) if name in hidden else [_text(each) for each in side.read(name, chosen)]
        for name in names
    }


def _text(scalar: Any) -> str | None:
    if not scalar.is_valid:
        return None
    try:
        text = str(scalar.as_py())
    except (ValueError, OverflowError):  # a time that Python's calendar does not know
        text = str(scalar)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
