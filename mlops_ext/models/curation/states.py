"""States: what is archived leaves the lists, what is deleted leaves all but the record; both come back.

A version that an environment serves or an alias points at cannot be put away, nor can its model. Nothing
new is promoted or pointed at what is not active; a rollback may return to what was archived since. A
number is never given again, and `latest` is always the newest active version.
"""

from __future__ import annotations

from mlops_ext.errors import Conflict
from mlops_ext.models.curation.subjects import find_subject
from mlops_ext.models.lookup.rows import pointers
from mlops_ext.models.types import ChangeState, StateChange
from mlops_ext.operations import operation
from mlops_ext.store.catalog import Change
from mlops_ext.store.curation import WHOLE, State, Subject, check_text, put_state
from mlops_ext.workspace import Workspace

__all__ = ["archive", "delete", "restore"]


@operation("models.archive", "POST /models/{model}/archival", writes=True)
def archive(ws: Workspace, request: ChangeState) -> StateChange:
    """Take a model, or a version when one is named, out of the lists; references still find it."""
    return _put(ws, request, "archived")


@operation("models.delete", "DELETE /models/{model}", writes=True)
def delete(ws: Workspace, request: ChangeState) -> StateChange:
    """Delete a model, or a version when one is named: nothing finds it, but it can be restored."""
    return _put(ws, request, "deleted")


@operation("models.restore", "POST /models/{model}/restoration", writes=True)
def restore(ws: Workspace, request: ChangeState) -> StateChange:
    """Bring back a model, or a version when one is named, that was archived or deleted."""
    return _put(ws, request, "active")


def _put(ws: Workspace, request: ChangeState, state: State) -> StateChange:
    comment = check_text("comment", request.comment)

    def write(change: Change) -> StateChange:
        subject = find_subject(change, request.model, deleted=True)
        previous = put_state(change, subject, state, comment, lambda it: _refuse_used(change, it, state))
        return StateChange(ref=subject.ref, state=state, previous=previous)

    return ws.catalog.write(write)


def _refuse_used(change: Change, subject: Subject, state: State) -> None:
    aliases, environments = pointers(change, [subject.key])[subject.key]
    wanted = subject.version
    serving = [name for name, version in environments.items() if wanted in (WHOLE, version)]
    pointing = [name for name, version in aliases.items() if wanted in (WHOLE, version)]
    if not serving and not pointing:
        return
    said = [f"{name} serves it" for name in serving] + [f"the alias {name!r} points at it" for name in pointing]
    verb = "archive" if state == "archived" else "delete"
    raise Conflict(
        f"cannot {verb} {subject.ref}: {', '.join(said)}",
        hint="Promote another version there, and move or delete the aliases",
    )
