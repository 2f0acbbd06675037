"""Lineage as records."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mlops_ext.records import Record, Request

__all__ = ["Lineage", "LineageEdge", "LineageNode", "ShowLineage"]


class LineageNode(Record):
    """One thing in the graph; `id` is its full reference, such as model:delay@3."""

    id: str
    kind: str
    label: str
    at: str = ""
    by: str = ""


class LineageEdge(Record):
    """`source` went into, made or led to `target`; `seq` is the event that says so."""

    source: str
    target: str
    relation: str
    seq: int


class Lineage(Record):
    """What a thing was made of, and what was made of it."""

    root: str
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]


class ShowLineage(Request):
    ref: str = Field(description="Full reference, such as model:delay@3, dataset:flights@1 or run:ID")
    direction: Literal["up", "down", "both"] = Field(
        default="both", description="up: its origins; down: its consequences"
    )
    depth: int = Field(default=10, ge=1, le=100)
