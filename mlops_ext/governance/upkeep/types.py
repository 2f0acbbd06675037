"""Upkeep as records: plans of gc, removals, damages."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from mlops_ext.records import Digest, Record, Request

__all__ = ["Damage", "Fate", "FsckReport", "GcPlan", "PlanGc", "Prune", "Pruned"]


class PlanGc(Request):
    keep_last: int | None = Field(default=None, ge=1, description="Keep the newest so many versions of each dataset")
    newer_than: str = Field(default="", description="Keep versions made in this time, such as 30d")
    keep_tagged: bool = Field(default=False, description="Keep versions that have tags")
    keep_aliased: bool = Field(default=True, description="Keep versions that an alias points at")
    rollbacks: int | None = Field(
        default=None, ge=0, description="Keep what this many versions that an environment served before were made of"
    )
    grace: str = Field(default="7d", description="How long what was deleted can still be restored")
    datasets: tuple[str, ...] = Field(default=(), description="Only these; all when left out")


class Fate(Record):
    """What gc would do with one version, and why."""

    shown: ClassVar[tuple[str, ...]] = ("ref", "goes", "why", "bytes")
    ref: str
    goes: bool
    why: str
    bytes: int = 0
    """What only this version and others that go need."""


class GcPlan(Record):
    """What gc would do, or did."""

    tables: ClassVar[tuple[str, ...]] = ("versions",)
    done: bool = False
    versions: tuple[Fate, ...] = ()
    runs: int = 0
    """Deleted runs whose files go; what they measured stays."""
    blobs: int = 0
    """Blobs that nothing would name any more, and no writer has leased."""
    bytes: int = 0
    leased_bytes: int = 0
    """What a later gc would free besides: writers lease what they put for a day."""


class Prune(Request):
    dataset: str = Field(description="Reference of the version whose bytes go")
    why: str = Field(default="", description="The rule by which it goes")
    rollbacks: int | None = Field(
        default=None, ge=0, description="Keep what this many versions that an environment served before were made of"
    )


class Pruned(Record):
    """A version whose bytes gc may take: its record and number stay."""

    ref: str
    blobs: int


class Damage(Record):
    """A blob that is missing or has other bytes than its digest says."""

    shown: ClassVar[tuple[str, ...]] = ("problem", "digest", "owners", "parts", "repaired", "source", "reason")
    digest: Digest
    problem: str
    """`missing` or `flipped`."""
    location: str
    owners: tuple[str, ...] = ()
    """The records that need it."""
    parts: tuple[str, ...] = ()
    """Which part of each record: manifest, file of a model, columns and rows of a dataset."""
    first_byte: int | None = None
    """Where it first differs from the copy that repaired it."""
    repaired: bool = False
    source: str = ""
    """The store whose copy repaired it."""
    reason: str = ""
    """Why it could not be repaired."""


class FsckReport(Record):
    """What reading every blob found."""

    tables: ClassVar[tuple[str, ...]] = ("damages",)
    blobs: int
    bytes: int
    damages: tuple[Damage, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every blob is, now, as it should be."""
        return all(each.repaired for each in self.damages)
