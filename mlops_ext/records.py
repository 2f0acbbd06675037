"""What all records share: they are frozen, travel as JSON and display themselves."""

from __future__ import annotations

import html
import os
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

__all__ = [
    "Digest",
    "Page",
    "PageRequest",
    "Record",
    "Request",
    "SearchRequest",
    "Timestamp",
    "new_id",
    "now",
    "rich_table",
    "text_of",
]

T = TypeVar("T", bound="Record")
_LINE = 300


def now() -> datetime:
    """Give the time of this moment: UTC, to the microsecond."""
    return datetime.now(timezone.utc)


def new_id() -> str:
    """Make an id of 32 hex digits that sorts by when it was made, to a quarter of a microsecond (UUID version 7)."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    value = milliseconds << 80 | 0x7 << 76 | (rest * 4096 // 1_000_000) << 64
    return f"{value | 0x2 << 62 | int.from_bytes(os.urandom(8), 'big') >> 2:032x}"


def _utc(value: datetime) -> datetime:
    if value.tzinfo is timezone.utc:
        return value
    return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value.astimezone(timezone.utc)


Timestamp = Annotated[datetime, AfterValidator(_utc)]
Digest = Annotated[str, StringConstraints(pattern=r"^(b3|sha256):[0-9a-f]{64}$")]


class Request(BaseModel):
    """What an operation takes."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class Record(BaseModel):
    """What an operation gives: a frozen row that shows itself in a notebook and a terminal."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    shown: ClassVar[tuple[str, ...]] = ()
    """The fields that a list of these shows."""
    tables: ClassVar[tuple[str, ...]] = ()
    """The fields that are lists, of records or of sentences, and are drawn as tables below the others."""

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{_cell(name)}</th><td>{_cell(text)}</td></tr>"
            for name, text in self.pairs()
        )
        below = "".join(_html_table(items, name=name) for name, items in self._below())
        return f"<table class='mlops-record'><caption>{_cell(type(self).__name__)}</caption>{rows}</table>{below}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ARG002 - IPython's protocol
        """Write one line where IPython shows text alone: in a log, a terminal, an executed notebook's plain form."""
        said = self.summary()
        printer.text(f"{type(self).__name__} {said if len(said) <= _LINE else said[: _LINE - 1] + '…'}")

    def __rich__(self) -> Any:
        from rich.console import Group
        from rich.table import Table

        table = Table("", "", show_header=False, box=None)
        for name, text in self.pairs():
            table.add_row(f"[bold]{name}[/bold]", _plain(text))
        below = [rich_table(items, name=name) for name, items in self._below()]
        return Group(table, *below) if below else table

    def _below(self) -> Iterator[tuple[str, Sequence[Any]]]:
        return ((name, items) for name in type(self).tables if (items := getattr(self, name)))

    def summary(self) -> str:
        """Write it in a cell of a table: its reference, else its fields."""
        return str(getattr(self, "ref", "")) or ", ".join(f"{name}={text}" for name, text in self.pairs())

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Give each field that holds something as a name and a text; tables are left out."""
        for name in type(self).model_fields:
            text = "" if name in type(self).tables else text_of(getattr(self, name))
            if text:
                yield name, text


class Page(Record, Generic[T]):
    """One page of a list; `next` is the cursor of the following one, empty on the last."""

    items: tuple[T, ...]
    next: str = ""

    def __iter__(self) -> Iterator[T]:  # type: ignore[override]
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> T:
        return self.items[index]

    @property
    def df(self) -> Any:
        """The page as a pandas DataFrame, one row an item."""
        import pandas as pd

        return pd.DataFrame([item.model_dump() for item in self.items])

    def _repr_html_(self) -> str:
        if not self.items:
            return "<em>nothing here yet</em>"
        return _html_table(self.items, more=bool(self.next))

    def __rich__(self) -> Any:
        return rich_table(self.items, more=bool(self.next))


class PageRequest(Request):
    """What every list takes."""

    limit: int = Field(default=100, ge=1, le=1000, description="How many items at most")
    cursor: str = Field(default="", description="The `next` of the page before")


class SearchRequest(PageRequest):
    """What a list takes that can be searched in the common grammar."""

    filter: str = Field(default="", description="Such as: metrics.auc > 0.7 AND (tags.team = 'a' OR name LIKE 'x%')")
    order_by: str = Field(default="", description="Such as: metrics.auc DESC, created_at")


def rich_table(items: Sequence[Any], more: bool = False, name: str = "") -> Any:
    """Draw records, or sentences under a name, as one Rich table, a row each."""
    from rich.table import Table
    from rich.text import Text

    if not items:
        return Text("nothing here yet", style="dim")
    names, rows = _columns(items, name)
    table = Table(*names, header_style="bold", caption="… more: use --cursor" if more else None)
    for row in rows:
        table.add_row(*map(_plain, row))
    return table


def _html_table(items: Sequence[Any], more: bool = False, name: str = "") -> str:
    names, rows = _columns(items, name)
    head = "".join(f"<th>{_cell(each)}</th>" for each in names)
    body = "".join("<tr>" + "".join(f"<td>{_cell(each)}</td>" for each in row) + "</tr>" for row in rows)
    foot = "<tfoot><tr><td>…</td></tr></tfoot>" if more else ""
    return f"<table class='mlops-page'><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table>"


def text_of(value: Any) -> str:  # noqa: PLR0911 - one line for each kind
    """Write any field's value for people."""
    if value is None or value in ("", (), {}):
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, dict):
        return ", ".join(f"{key}={text_of(each)}" for key, each in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(text_of(each) for each in value)
    if isinstance(value, Record):
        return value.summary()
    return str(value)


def _columns(items: Sequence[Any], name: str) -> tuple[tuple[str, ...], Iterator[list[str]]]:
    """Give the columns of a table and its rows as texts."""
    first = items[0]
    if not isinstance(first, Record):
        return (name,), ([str(each)] for each in items)
    names = type(first).shown or tuple(type(first).model_fields)
    return names, ([text_of(getattr(item, each)) for each in names] for item in items)


def _cell(text: str) -> str:
    return html.escape(text if len(text) <= 300 else text[:299] + "…")


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text if len(text) <= 300 else text[:299] + "…")
