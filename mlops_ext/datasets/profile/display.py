"""A profile for people: a table with small histograms, in the notebook and in the terminal."""

from __future__ import annotations

import html
from typing import Any

from mlops_ext.datasets.profile.types import ColumnProfile, Profile

__all__ = ["as_html", "as_rich", "as_text"]

MOST = 200
"""Columns shown; the others are in `.columns`."""
_HEADS = ("Column", "Type", "Missing", "Distinct", "Least", "Middle", "Greatest", "", "Seems")
_BLOCKS = " ▁▂▃▄▅▆▇█"
_STYLE = (
    "<style>.mlops-profile{font:13px/1.45 system-ui,sans-serif}.mlops-profile table{border-collapse:collapse;"
    "font:inherit}.mlops-profile th,.mlops-profile td{text-align:left;padding:3px 10px;"
    "border-bottom:1px solid rgba(128,128,128,.25)}.mlops-profile td.n{text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}.mlops-profile .soft{opacity:.7}.mlops-profile rect{fill:#0072b2}</style>"
)


def as_html(profile: Profile) -> str:
    """Draw a table that needs no script; nothing of the data can become markup."""
    head = "".join(f"<th scope='col'>{name}</th>" for name in _HEADS)
    body = "".join(_row(each) for each in profile.columns[:MOST])
    return (
        f"{_STYLE}<div class='mlops-profile'><p>{_text(_sentence(profile), 300)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{_more(profile)}</div>"
    )


def as_rich(profile: Profile) -> Any:
    """Draw a table for the terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(*_HEADS, header_style="bold")
    for each in profile.columns[:MOST]:
        table.add_row(*(Text(cell) for cell in (*_cells(each), _picture(each), _signs(each))))
    return Group(Text(_sentence(profile)), table)


def as_text(profile: Profile) -> str:
    """Write one line a column."""
    lines = [" ".join((*_cells(each), _signs(each))) for each in profile.columns[:MOST]]
    return "\n".join((_sentence(profile), *lines))


def _sentence(profile: Profile) -> str:
    drawn = (
        f"; quantiles, histograms and frequent values from {profile.sample:,} rows (ranks within "
        f"{profile.rank_error:.1%})" if profile.rank_error else ""
    )  # fmt: skip
    return f"{profile.ref or 'Profile'}: {profile.rows:,} rows, {len(profile.columns)} columns{drawn}"


def _more(profile: Profile) -> str:
    hidden = len(profile.columns) - MOST
    return f"<p class='soft'>… and {hidden} more columns, see .columns</p>" if hidden > 0 else ""


def _row(each: ColumnProfile) -> str:
    name, kind, *numbers = _cells(each)
    cells = "".join(f"<td class='n'>{_text(number)}</td>" for number in numbers)
    signs = f"<td>{_drawn(each)}</td><td>{_text(_signs(each), 120)}</td>"
    return f"<tr><td>{_text(name)}</td><td>{_text(kind)}</td>{cells}{signs}</tr>"


def _cells(each: ColumnProfile) -> tuple[str, ...]:
    missing = f"{each.missing / each.rows:.1%}" if each.rows and each.missing else "0"
    about = "~" if each.distinct_error else ""
    distinct = "" if each.distinct is None else f"{about}{each.distinct:,}"
    return each.name, each.type, missing, distinct, each.low, each.middle, each.high


def _signs(each: ColumnProfile) -> str:
    found = [*each.roles, *(f"{sign.pattern} {sign.share:.0%}" for sign in each.personal)]
    return ", ".join([*found, *([f"hidden: {each.hidden}"] if each.hidden else [])])


def _picture(each: ColumnProfile) -> str:
    if each.counts:
        most = max(each.counts) or 1
        return "".join(_BLOCKS[-(-8 * count // most)] for count in each.counts)
    return ", ".join(f"{top.value[:20]} {top.share:.0%}" for top in each.top[:3])


def _drawn(each: ColumnProfile) -> str:
    if not each.counts:
        return _text(_picture(each), 90)
    most, step = max(each.counts) or 1, 120 / len(each.counts)
    bars = "".join(
        f"<rect x='{place * step:.1f}' y='{22 - 20 * count / most:.1f}' width='{step * 0.9:.1f}' "
        f"height='{20 * count / most:.1f}'/>"
        for place, count in enumerate(each.counts)
        if count
    )
    label = f"from {each.low} to {each.high}"
    return f"<svg role='img' aria-label='{_text(label)}' width='120' height='22'>{bars}</svg>"


def _text(text: str, most: int = 80) -> str:
    return html.escape(text if len(text) <= most else text[: most - 1] + "…", quote=True)
