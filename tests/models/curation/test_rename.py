"""Tags, descriptions and names: what changes, what follows, what is refused; hostile texts stay as they are."""

from __future__ import annotations

import pytest
from sqlalchemy import select

import mlops_ext as mlops
from mlops_ext.errors import Conflict, InvalidValue, NotFound
from mlops_ext.models import service
from mlops_ext.models.types import (
    ChangeState,
    DeleteTag,
    Describe,
    ListModels,
    RenameModel,
    SetAlias,
    SetTags,
    ShowModel,
    ShowVersion,
)
from mlops_ext.store import trail
from mlops_ext.store.schema import event_data, events
from mlops_ext.workspace import Workspace
from tests.models.support import actions, promoted, registered

HOSTILE = ["<script>alert(1)</script>", "'; DROP TABLE models; --", "\u202e[bold]x[/bold]", "{{7*7}}", "a\nb", "=1+1", "日本 😀"]  # fmt: skip


def renamed(ws: Workspace, model: str, to: str) -> str:
    return ws.call(service.rename, RenameModel(model=model, to=to)).name


def test_all_that_belongs_to_a_model_follows_its_new_name(workspace: Workspace) -> None:
    registered(workspace, tags={"a": "1"}, metrics={"auc": 0.7})
    registered(workspace, content=b"two")
    promoted(workspace, "delay@1", "production")
    workspace.call(service.alias, SetAlias(model="delay@2", alias="best"))
    workspace.call(service.tag, SetTags(model="delay", tags={"team": "ops"}))
    assert renamed(workspace, "delay", "late") == "late"
    shown = workspace.call(service.show, ShowModel(model="late"))
    assert (shown.latest, shown.tags, shown.aliases) == (2, {"team": "ops"}, {"best": 2})
    assert shown.environments == {"production": 1}
    served = workspace.call(service.version, ShowVersion(model="late@production"))
    assert (served.name, served.version, served.tags, served.metrics) == ("late", 1, {"a": "1"}, {"auc": 0.7})
    with pytest.raises(NotFound, match="no model named 'delay'"):
        workspace.call(service.show, ShowModel(model="delay"))
    assert registered(workspace, name="late", content=b"three").version == 3
    assert registered(workspace, name="delay").version == 1


def test_the_trail_keeps_the_old_name_and_one_event_names_both(workspace: Workspace) -> None:
    registered(workspace)
    renamed(workspace, "delay", "late")
    with workspace.catalog.read() as connection:
        joined = select(events.c.subject, event_data.c.data).join(event_data, event_data.c.seq == events.c.seq)
        rows = connection.execute(joined.order_by(events.c.seq)).all()
    assert [row.subject for row in rows] == ["model:delay@1", "model:late"]
    assert trail.decoded(rows[1].data) == {"from": "delay", "to": "late", "inputs": ["model:delay"]}


def test_a_taken_name_is_refused_whatever_its_state_or_normal_form(workspace: Workspace) -> None:
    registered(workspace)
    registered(workspace, name="caf\u00e9")
    registered(workspace, name="gone")
    workspace.call(service.delete_, ChangeState(model="gone"))
    before = actions(workspace)
    for name, said in (("cafe\u0301", "exists already"), ("gone", "exists already and is deleted")):
        with pytest.raises(Conflict, match=said):
            renamed(workspace, "delay", name)
    for name in ("", "a@b", "a/b", "x" * 251, "a\0"):
        with pytest.raises(InvalidValue):
            renamed(workspace, "delay", name)
    assert renamed(workspace, "delay", "delay") == "delay"
    assert actions(workspace) == before


def test_tags_are_set_changed_and_taken_away_each_by_one_event(workspace: Workspace) -> None:
    registered(workspace, tags={"a": "1"})
    tags = workspace.call(service.tag, SetTags(model="delay@1", tags={"a": "2", "b": "1"}))
    assert (tags.ref, tags.tags) == ("delay@1", {"a": "2", "b": "1"})
    assert workspace.call(service.tag, SetTags(model="delay@latest", tags={"b": "1"})) == tags
    assert workspace.call(service.untag, DeleteTag(model="delay@1", key="a")).tags == {"b": "1"}
    with pytest.raises(NotFound, match="Known: 'b'"):
        workspace.call(service.untag, DeleteTag(model="delay@1", key="a"))
    assert workspace.call(service.tag, SetTags(model="delay", tags={"b": "model"})).tags == {"b": "model"}
    assert workspace.call(service.version, ShowVersion(model="delay@1")).tags == {"b": "1"}
    assert actions(workspace)[1:] == ["model.tagged", "model.untagged", "model.tagged"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_kept_as_they_are_and_shown_inert(workspace: Workspace, text: str) -> None:
    from rich.console import Console

    registered(workspace, tags={"".join(filter(str.isprintable, text)): text}, description=text)
    mlops.describe_model("delay", text, workspace=workspace)
    mlops.tag("delay", {"key": text}, workspace=workspace)
    shown = workspace.call(service.version, ShowVersion(model="delay"))
    model = workspace.call(service.list_models, ListModels())[0]
    assert (shown.description, list(shown.tags.values())) == (text, [text])
    assert (model.description, model.tags) == (text, {"key": text})
    for record in (shown, model, workspace.call(service.list_models, ListModels())):
        assert "<script>" not in record._repr_html_()
        console = Console(width=500, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
        console.print(record)
        assert "[bold]" not in text or "[bold]" in console.export_text()


def test_a_description_is_written_once_and_bounded(workspace: Workspace) -> None:
    registered(workspace)
    for _ in range(2):
        workspace.call(service.describe, Describe(model="delay@1", description="# Late"))
    assert actions(workspace)[1:] == ["model.described"]
    for text in ("x" * 70_000, "\0"):
        with pytest.raises(InvalidValue, match="too long or has a NUL"):
            workspace.call(service.describe, Describe(model="delay", description=text))


@pytest.mark.parametrize("tags", [{"": "a"}, {"a": "\0"}, {"k" * 251: ""}, {"a": "x" * 70_000}, {str(n): "" for n in range(1001)}])  # fmt: skip
def test_tags_that_no_row_can_hold_are_refused(workspace: Workspace, tags: dict[str, str]) -> None:
    registered(workspace)
    with pytest.raises(InvalidValue):
        workspace.call(service.tag, SetTags(model="delay", tags=tags))
    assert actions(workspace) == ["model.registered"]
