"""Classes of columns as records."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from mlops_ext.records import Record, Request

__all__ = ["ClassedColumn", "Classify", "ColumnClass", "ColumnClasses", "ReadDataset", "ShowClasses"]

ColumnClass = Literal["pii", "restricted"]


class ClassedColumn(Record):
    """A column whose values are hidden."""

    shown: ClassVar[tuple[str, ...]] = ("column", "kind", "origin")
    column: str
    kind: ColumnClass
    origin: str
    """Who set it, or the pattern in mlops.toml."""


class ColumnClasses(Record):
    """The classes of a dataset's columns, in all of its versions."""

    tables: ClassVar[tuple[str, ...]] = ("columns",)
    dataset: str
    columns: tuple[ClassedColumn, ...]

    @property
    def hidden(self) -> dict[str, str]:
        """The class of each column that has one."""
        return {each.column: each.kind for each in self.columns}


class Classify(Request):
    dataset: str = Field(description="Name of the dataset; the classes hold for all of its versions")
    classes: dict[str, Literal["pii", "restricted", "open"]] = Field(
        description="Class of each column: pii, restricted, or open to take one back"
    )


class ShowClasses(Request):
    dataset: str = Field(description="Name of the dataset")


class ReadDataset(Request):
    dataset: str = Field(description="Reference: name, name@3, name@b3:…")
    columns: tuple[str, ...] = Field(default=(), description="Columns that are read; all when left out")
    how: str = Field(default="load", description="Such as load, scan or export")
