"""A diff for people: a table in the notebook, in the terminal and as text."""

from __future__ import annotations

import html
from typing import Any

from mlops_ext.datasets.diff.types import Cell, DatasetDiff, RowChange, Shift

__all__ = ["as_html", "as_rich", "as_text"]

_MARKS = {"added": "+", "removed": "−", "changed": "~"}
_CELLS = 12
"""Cells of a row that are shown; the others are in `.sample`."""
_STYLE = (
    "<style>.mlops-diff{font:13px/1.45 system-ui,sans-serif}.mlops-diff table{border-collapse:collapse;font:inherit;"
    "margin:6px 0}.mlops-diff th,.mlops-diff td{text-align:left;padding:3px 10px;vertical-align:top;"
    "border-bottom:1px solid rgba(128,128,128,.25)}.mlops-diff .soft{opacity:.7}"
    ".mlops-diff .added{color:#00755a}.mlops-diff .removed{color:#b04a00}.mlops-diff .changed{color:#0072b2}</style>"
)
_SHIFT_HEADS = ("Column", "Cells changed", "Shift", "Mean", "Missing")


def as_html(diff: DatasetDiff) -> str:
    """Draw tables that need no script; nothing of the data can become markup."""
    columns = "".join(
        f"<li class='{each.change}'>{_text(line)}</li>" for each, line in zip(diff.columns, _columns(diff), strict=True)
    )
    listed = f"<ul>{columns}</ul>" if columns else ""
    shifts = _table(_SHIFT_HEADS, ["".join(f"<td>{_text(cell)}</td>" for cell in _shift(each)) for each in diff.shifts])
    rows = _table(("", "Key", "Cells"), [_row(each) for each in diff.sample])
    head = f"<p><b>{_text(_title(diff))}</b></p><p>{_text(_sentence(diff), 400)}</p>"
    return f"{_STYLE}<div class='mlops-diff'>{head}{listed}{shifts}{rows}</div>"


def as_rich(diff: DatasetDiff) -> Any:
    """Draw tables for the terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Any] = [Text(_title(diff), style="bold"), Text(_sentence(diff))]
    parts += [Text(f"  {line}") for line in _columns(diff)]
    if diff.shifts:
        shifts = Table(*_SHIFT_HEADS, header_style="bold")
        for shift in diff.shifts:
            shifts.add_row(*(Text(cell) for cell in _shift(shift)))
        parts.append(shifts)
    if diff.sample:
        rows = Table("", "Key", "Cells", header_style="bold")
        for each in diff.sample:
            rows.add_row(*(Text(cell) for cell in (_MARKS[each.change], _key(each), _cells(each))))
        parts.append(rows)
    return Group(*parts)


def as_text(diff: DatasetDiff) -> str:
    """Write one line a finding."""
    rows = [f"{_MARKS[each.change]} {_key(each)} {_cells(each)}" for each in diff.sample]
    return "\n".join([_title(diff), _sentence(diff), *_columns(diff), *rows])


def _title(diff: DatasetDiff) -> str:
    return f"{diff.before} → {diff.after}"


def _sentence(diff: DatasetDiff) -> str:
    if diff.equal:
        return "The same rows in another order" if diff.reordered else "No difference"
    by = f"by {', '.join(diff.key)} ({diff.key_from})" if diff.key else "no key: a changed row is removed and added"
    return (
        f"{diff.added:,} rows added, {diff.removed:,} removed, {diff.changed:,} changed, {diff.unchanged:,} unchanged; "
        f"{by}; {diff.rows_read:,} of {diff.rows_before + diff.rows_after:,} rows read"
    )


def _columns(diff: DatasetDiff) -> list[str]:
    found = []
    for each in diff.columns:
        about = " → ".join(filter(None, (each.before, each.after)))
        found.append(f"column {each.column} {each.change}: {about}{'' if each.compared else ' (values not compared)'}")
    return found


def _shift(each: Shift) -> tuple[str, ...]:
    value = "" if each.value is None else f"{each.statistic} {each.value:.3f} ± {each.error:.3f}"
    means = [each.mean_before, each.mean_after]
    mean = " → ".join(f"{mean:.6g}" for mean in means if mean is not None)
    missing = f"{each.missing_before:.1%} → {each.missing_after:.1%}"
    return each.column, f"{each.changed:,}", value, mean, missing


def _key(row: RowChange) -> str:
    return ", ".join(
        f"{cell.column}={_value(cell.after if row.change == 'added' else cell.before)}" for cell in row.key
    )


def _cells(row: RowChange) -> str:
    shown = [_cell(row, cell) for cell in row.cells[:_CELLS]]
    return ", ".join([*shown, *(["…"] if len(row.cells) > _CELLS else [])])


def _cell(row: RowChange, cell: Cell) -> str:
    if row.change == "changed":
        return f"{cell.column}: {_value(cell.before)} → {_value(cell.after)}"
    return f"{cell.column}={_value(cell.after if row.change == 'added' else cell.before)}"


def _value(text: str | None) -> str:
    return "null" if text is None else text


def _row(each: RowChange) -> str:
    mark = f"<td class='{each.change}'>{_MARKS[each.change]}</td>"
    return f"{mark}<td>{_text(_key(each))}</td><td>{_text(_cells(each), 600)}</td>"


def _table(heads: tuple[str, ...], rows: list[str]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th scope='col'>{name}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"


def _text(text: str, most: int = 200) -> str:
    return html.escape(text if len(text) <= most else text[: most - 1] + "…", quote=True)
