"""What may change of a model or a version: its tags and its description; and of a model, its name."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select, update

from mlops_ext.errors import Conflict
from mlops_ext.models.curation.subjects import find_subject
from mlops_ext.models.lookup.references import find_model
from mlops_ext.models.lookup.rows import model_records
from mlops_ext.models.plugins import installed, load_plugin
from mlops_ext.models.tables import models
from mlops_ext.models.types import DeleteTag, Describe, Description, Model, RenameModel, SetTags, Tags
from mlops_ext.operations import operation
from mlops_ext.refs import Ref, check_name
from mlops_ext.store import curation
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import check_text, drop_tag, put_tags
from mlops_ext.workspace import Workspace

__all__ = ["RENAMES", "Follows", "describe", "rename", "tag", "untag"]

RENAMES = "mlops_ext.renames"
Follows = Callable[[Change, str, str], None]
"""How a room above lets its rows carry the new name: an entry point of the group, called in the transaction."""


@operation("models.tag", "PUT /models/{model}/tags", command="tag", writes=True)
def tag(ws: Workspace, request: SetTags) -> Tags:
    """Set tags of a model, or of a version when one is named; the others stay."""

    def put(change: Change) -> Tags:
        subject = find_subject(change, request.model)
        return Tags(ref=subject.ref, tags=put_tags(change, subject, request.tags))

    return ws.catalog.write(put)


@operation("models.untag", "DELETE /models/{model}/tags/{key}", command="untag", writes=True)
def untag(ws: Workspace, request: DeleteTag) -> Tags:
    """Take a tag of a model, or of a version when one is named, away."""

    def remove(change: Change) -> Tags:
        subject = find_subject(change, request.model)
        return Tags(ref=subject.ref, tags=drop_tag(change, subject, request.key))

    return ws.catalog.write(remove)


@operation("models.describe", "PUT /models/{model}/description", writes=True)
def describe(ws: Workspace, request: Describe) -> Description:
    """Write what a model, or a version when one is named, is; in Markdown."""
    text = check_text("description", request.description)

    def write(change: Change) -> Description:
        subject = find_subject(change, request.model)
        curation.describe(change, subject, text)
        return Description(ref=subject.ref, description=text)

    return ws.catalog.write(write)


@operation("models.rename", "PUT /models/{model}/name", writes=True)
def rename(ws: Workspace, request: RenameModel) -> Model:
    """Give a model another name; references by the old one stop, all that belongs to the model stays with it.

    Reports, alerts and logged predictions follow; events keep the name of their time, and lineage joins the two.
    """
    name = check_name(request.to)
    following: list[Follows] = [load_plugin(RENAMES, each) for each in installed(RENAMES)]

    def give(change: Change) -> Model:
        model = find_model(change, Ref.parse(request.model, kind="model").name)
        if model.name == name:
            return model_records(change, [model])[0]
        taken = change.execute(select(models.c.state).where(models.c.name == name)).scalar_one_or_none()
        if taken is not None:
            there = "" if taken == "active" else f" and is {taken}"
            raise Conflict(f"a model named {name!r} exists already{there}", hint="Choose another name")
        change.execute(update(models).where(models.c.id == model.id).values(name=name, updated_at=change.now))
        for follow in following:
            follow(change, model.name, name)
        # Events before this one know the versions by the old name; lineage follows this line from one to the other.
        data = {"from": model.name, "to": name, "inputs": [f"model:{model.name}"]}
        change.event("model.renamed", f"model:{name}", data)
        return model_records(change, [find_model(change, name)])[0]

    return ws.catalog.write(give)
