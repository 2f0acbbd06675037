"""What an edit is about: a model as a whole when only its name is written, or one of its versions."""

from __future__ import annotations

from typing import Any

from mlops_ext.models.lookup.references import Reader, find_model, find_version
from mlops_ext.models.promotion.standing import void
from mlops_ext.models.tables import aliases, model_tags, model_versions, models, promotions
from mlops_ext.refs import Ref
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import WHOLE, Line, Subject

__all__ = ["MODELS", "find_subject"]


def _void_waiting(change: Change, model_id: str, version: int, reason: str) -> dict[str, Any]:
    """Void the promotions that wait for approval of what has changed: who approved saw something else."""
    these = [promotions.c.model_id == model_id]
    if version != WHOLE:
        these.append(promotions.c.version == version)
    ids = void(change, reason, *these)
    return {"voided": ids} if ids else {}


MODELS = Line(
    kind="model",
    things=models,
    versions=model_versions,
    tags=model_tags,
    aliases=aliases,
    key="id",
    of="model_id",
    follow=_void_waiting,
)


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
        return Subject(MODELS, row.model_id, row.name, row.version, row)
    row = find_model(reader, Ref.parse(text, kind="model").name, deleted=deleted)
    return Subject(MODELS, row.id, row.name, WHOLE, row)
