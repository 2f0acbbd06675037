"""What an edit is about: a model as a whole when only its name is written, or one of its versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, update

from mlops_ext.models.measures import MODEL
from mlops_ext.models.references import Reader, find_model, find_version
from mlops_ext.models.tables import model_versions, models
from mlops_ext.refs import Ref
from mlops_ext.store.catalog import Change

__all__ = ["Subject", "find_subject"]

_TOUCH = update(models).where(models.c.id == bindparam("of_model")).values(updated_at=bindparam("now"))


@dataclass(frozen=True)
class Subject:
    """A model, or one of its versions.

    Attributes
    ----------
    name : str
        Of the model.
    version : int
        0 for the model itself.
    row : Row
        Of `models`, or of `model_versions`.
    """

    model_id: str
    name: str
    version: int
    row: Row[Any]

    @property
    def ref(self) -> str:
        """`name` or `name@version`."""
        return self.name if self.version == MODEL else f"{self.name}@{self.version}"

    @property
    def key(self) -> tuple[str, int]:
        """Where its tags lie."""
        return self.model_id, self.version

    def change(self, change: Change, **values: Any) -> None:
        """Give columns of its row new values; the model counts as changed."""
        of_version = (model_versions.c.model_id == self.model_id) & (model_versions.c.version == self.version)
        if values and self.version == MODEL:
            change.execute(update(models).where(models.c.id == self.model_id).values(**values))
        elif values:
            change.execute(update(model_versions).where(of_version).values(**values))
        change.execute(_TOUCH, {"of_model": self.model_id, "now": change.now})


def find_subject(reader: Reader, text: str, *, deleted: bool = False) -> Subject:
    """Find what a text names; unlike everywhere else, a bare name is no version but the model itself.

    Parameters
    ----------
    text : str
        `delay` for the model; `delay@3`, `delay@latest`, `delay@production` for a version.
    deleted : bool
        Find what is deleted too.

    Raises
    ------
    NotFound
        Nothing goes by that text.
    """
    if "@" in text:
        row = find_version(reader, text, deleted=deleted)
        return Subject(row.model_id, row.name, row.version, row)
    row = find_model(reader, Ref.parse(text, kind="model").name, deleted=deleted)
    return Subject(row.id, row.name, MODEL, row)
