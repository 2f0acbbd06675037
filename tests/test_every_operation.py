"""Every operation that changes a record appends exactly one event, and a repeat that changes nothing none."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from mlops_ext.errors import MlopsError
from mlops_ext.rooms import OPERATIONS
from mlops_ext.store.catalog import Actor
from mlops_ext.store.schema import events
from mlops_ext.workspace import Workspace
from tests.models.support import file_of
from tests.story import STORY, Cast, call


def event_count(ws: Workspace) -> int:
    with ws.catalog.read() as connection:
        return int(connection.execute(select(func.count()).select_from(events)).scalar_one())


@pytest.mark.fast
def test_the_story_has_every_writing_operation() -> None:
    assert {name for name, _ in STORY} == {name for name, each in OPERATIONS.items() if each.writes}


def test_each_change_is_one_event_and_a_repeat_none(workspace: Workspace) -> None:
    call(
        workspace,
        "models.register",
        {
            "name": "delay",
            "flavor": "test",
            "files": [file_of(workspace, b"1").model_dump()],
            "execution": {"kind": "clean"},
        },
    )
    call(workspace, "models.promote", {"model": "delay@1", "to": "production"})
    call(
        workspace,
        "models.register",
        {"name": "former", "flavor": "test", "files": [file_of(workspace, b"1").model_dump()]},
    )
    cast = Cast(workspace)
    for name, repeat in STORY:
        request = cast.request(name)
        before = event_count(workspace)
        # Who approves and reviews is somebody else than who asked.
        actor = Actor("colleague") if name in ("models.approve", "models.review") else workspace.actor
        cast.made[name] = call(workspace.acting_as(actor), name, request)
        assert event_count(workspace) == before + 1, name
        if repeat == "no-op":
            call(workspace.acting_as(actor), name, cast.request(name))
            assert event_count(workspace) == before + 1, f"{name} again"
        if repeat == "refused":
            with pytest.raises(MlopsError):
                call(workspace.acting_as(actor), name, cast.request(name))
            assert event_count(workspace) == before + 1, f"{name} again"


def test_measurements_append_no_event(workspace: Workspace) -> None:
    run = call(workspace, "tracking.start", {})
    before = event_count(workspace)
    point = {"key": "auc", "value": 0.7, "step": 1}
    call(workspace, "tracking.log", {"run": run.id, "parameters": {"month": "1"}, "metrics": [point]})
    assert event_count(workspace) == before
    assert call(workspace, "tracking.show", {"run": run.id}).metrics == {"auc": 0.7}


def test_reading_operations_append_nothing(workspace: Workspace) -> None:
    for name, each in OPERATIONS.items():
        if each.action == "read" and not any(field.is_required() for field in each.request.model_fields.values()):
            call(workspace, name, {})
    assert not workspace.exists(), "reading makes no workspace"
