"""Feature views as records."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlops_ext.records import PageRequest, Record, Request, Timestamp

__all__ = ["DefineFeatureView", "FeatureView", "ListFeatureViews", "ShowFeatureView"]


class FeatureView(Record):
    """Columns of a dataset that can be joined as they were known at a moment."""

    shown: ClassVar[tuple[str, ...]] = ("name", "version", "dataset", "entity", "time", "ttl_seconds", "features")
    name: str
    version: int
    dataset: str
    """Name of the dataset; its latest version is read unless a join names another."""
    entity: tuple[str, ...]
    time: str
    """Column of the event time."""
    created: str = ""
    """Column of the time when the row became known; empty when the event time is all there is."""
    ttl_seconds: float | None = None
    features: tuple[str, ...]
    description: str = ""
    created_at: Timestamp
    created_by: str

    @property
    def ref(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"


class DefineFeatureView(Request):
    """Define a view; an equal definition makes no new version."""

    name: str
    dataset: str
    entity: tuple[str, ...] = Field(min_length=1)
    time: str
    created: str = ""
    ttl_seconds: float | None = Field(default=None, description="How old a row may be, seconds; nothing = any age")
    features: tuple[str, ...] = Field(min_length=1)
    description: str = ""


class ListFeatureViews(PageRequest):
    search: str = Field(default="", description="Part of the name")


class ShowFeatureView(Request):
    view: str = Field(description="Reference of the view")
