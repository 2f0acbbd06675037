"""Archived, deleted, restored: where each is found, what latest means, and what cannot go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_ext.errors import Conflict, MlopsError, NotFound
from mlops_ext.models import service
from mlops_ext.models.types import (
    ChangeState,
    DeleteAlias,
    ListModels,
    ListVersions,
    SearchVersions,
    SetAlias,
    ShowModel,
    ShowVersion,
)
from mlops_ext.workspace import Workspace
from tests.models.support import actions, promoted, registered, rolled_back


def archived(ws: Workspace, ref: str) -> Any:
    return ws.call(service.archive, ChangeState(model=ref))


def deleted(ws: Workspace, ref: str, comment: str = "") -> Any:
    return ws.call(service.delete_, ChangeState(model=ref, comment=comment))


def restored(ws: Workspace, ref: str) -> Any:
    return ws.call(service.restore, ChangeState(model=ref))


def three(ws: Workspace) -> list[str]:
    return [registered(ws, content=bytes([number])).digest for number in range(3)]


def version_of(ws: Workspace, ref: str) -> int:
    return ws.call(service.version, ShowVersion(model=ref)).version


def listed(ws: Workspace, **asked: Any) -> list[int]:
    return [each.version for each in ws.call(service.versions, ListVersions(model="delay", **asked))]


def test_an_archived_version_leaves_the_lists_but_references_find_it(workspace: Workspace) -> None:
    digests = three(workspace)
    change = archived(workspace, "delay@3")
    assert (change.ref, change.previous, change.state) == ("delay@3", "active", "archived")
    assert listed(workspace) == [2, 1]
    assert listed(workspace, state="archived") == [3]
    assert listed(workspace, state="any") == [3, 2, 1]
    assert workspace.call(service.version, ShowVersion(model="delay@3")).state == "archived"
    assert version_of(workspace, f"delay@{digests[2]}") == 3
    assert version_of(workspace, "delay") == version_of(workspace, "delay@latest") == 2


def test_a_deleted_version_resolves_nowhere_but_in_restore(workspace: Workspace) -> None:
    digests = three(workspace)
    deleted(workspace, "delay@3", "wrong labels")
    for ref in ("delay@3", f"delay@{digests[2]}"):
        with pytest.raises(NotFound):
            version_of(workspace, ref)
    with pytest.raises(NotFound, match="mlops models restore delay@3"):
        workspace.call(service.alias, SetAlias(model="delay@3", alias="best"))
    with pytest.raises(MlopsError):
        promoted(workspace, "delay@3", "staging")
    assert listed(workspace) == [2, 1]
    assert listed(workspace, state="deleted") == [3]
    assert version_of(workspace, "delay") == 2
    restored(workspace, "delay@3")
    assert version_of(workspace, "delay") == version_of(workspace, "delay@3") == 3
    assert actions(workspace)[3:] == ["model.deleted", "model.restored"]


def test_a_number_is_never_given_again(workspace: Workspace) -> None:
    three(workspace)
    deleted(workspace, "delay@3")
    deleted(workspace, "delay@2")
    assert registered(workspace, content=b"four").version == 4


def test_the_content_of_a_deleted_version_registers_as_a_new_one(workspace: Workspace) -> None:
    first = registered(workspace)
    deleted(workspace, "delay@1")
    again = registered(workspace)
    assert (again.version, again.digest) == (2, first.digest)
    assert version_of(workspace, f"delay@{first.digest}") == 2


def test_without_an_active_version_there_is_no_latest(workspace: Workspace) -> None:
    registered(workspace)
    archived(workspace, "delay@1")
    assert workspace.call(service.show, ShowModel(model="delay")).latest == 0
    with pytest.raises(NotFound, match="no active version"):
        version_of(workspace, "delay")
    assert version_of(workspace, "delay@1") == 1


@pytest.mark.sqlite
@pytest.mark.parametrize("put", [archived, deleted])
@pytest.mark.parametrize("ref", ["delay", "delay@1"])
def test_what_is_served_or_pointed_at_stays_and_who_uses_it_is_named(
    workspace: Workspace, put: Callable[[Workspace, str], Any], ref: str
) -> None:
    registered(workspace)
    promoted(workspace, "delay@1", "production")
    workspace.call(service.alias, SetAlias(model="delay@1", alias="best"))
    before = actions(workspace)
    with pytest.raises(Conflict, match=r"production serves it, the alias 'best' points at it"):
        put(workspace, ref)
    assert actions(workspace) == before
    registered(workspace, content=b"two")
    promoted(workspace, "delay@2", "production")
    workspace.call(service.unalias, DeleteAlias(model="delay", alias="best"))
    assert put(workspace, "delay@1").previous == "active"


def test_an_archived_version_takes_neither_alias_nor_promotion(workspace: Workspace) -> None:
    registered(workspace)
    archived(workspace, "delay@1")
    with pytest.raises(Conflict, match="archived"):
        workspace.call(service.alias, SetAlias(model="delay@1", alias="best"))
    with pytest.raises(Conflict, match="archived"):
        promoted(workspace, "delay@1", "staging")


def test_a_rollback_returns_to_an_archived_version_but_to_no_deleted_one(workspace: Workspace) -> None:
    three(workspace)
    for number in (1, 2, 3):
        promoted(workspace, f"delay@{number}", "production")
    deleted(workspace, "delay@1")
    archived(workspace, "delay@2")
    with pytest.raises(Conflict, match="delay@1 is deleted"):
        rolled_back(workspace, version=1)
    assert rolled_back(workspace).version == 2


def test_a_deleted_model_keeps_its_name_and_comes_back_whole(workspace: Workspace) -> None:
    three(workspace)
    registered(workspace, name="other")
    deleted(workspace, "delay")
    for ref in ("delay", "delay@1"):
        with pytest.raises(NotFound, match="mlops models restore delay"):
            version_of(workspace, ref)
    with pytest.raises(Conflict, match="is deleted and takes no versions"):
        registered(workspace, content=b"more")
    assert [each.name for each in workspace.call(service.list_models, ListModels())] == ["other"]
    assert [each.name for each in workspace.call(service.list_models, ListModels(state="deleted"))] == ["delay"]
    assert {each.name for each in workspace.call(service.search, SearchVersions())} == {"other"}
    restored(workspace, "delay")
    assert listed(workspace) == [3, 2, 1]


def test_an_archived_model_takes_no_versions(workspace: Workspace) -> None:
    registered(workspace)
    archived(workspace, "delay")
    with pytest.raises(Conflict, match="is archived and takes no versions"):
        registered(workspace, content=b"two")
    assert version_of(workspace, "delay") == 1


def test_a_repeat_changes_nothing(workspace: Workspace) -> None:
    registered(workspace)
    for put in (archived, deleted, restored):
        put(workspace, "delay@1")
        put(workspace, "delay@1")
    assert actions(workspace)[1:] == ["model.archived", "model.deleted", "model.restored"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["register", "archive", "delete", "restore"]), st.integers(1, 4)), max_size=10))  # fmt: skip
def test_after_any_steps_latest_is_the_newest_active_version(
    workspace: Workspace, steps: list[tuple[str, int]]
) -> None:
    name = f"m{len(actions(workspace)) if workspace.exists() else 0}x{abs(hash(tuple(steps)))}"
    states: dict[int, str] = {}
    for step, number in [("register", 0), *steps]:
        if step == "register":
            made = registered(workspace, name=name, content=str(len(states)).encode(), new=True).version
            assert made == len(states) + 1
            states[made] = "active"
        elif number in states:
            {"archive": archived, "delete": deleted, "restore": restored}[step](workspace, f"{name}@{number}")
            states[number] = {"archive": "archived", "delete": "deleted", "restore": "active"}[step]
    newest = max((number for number, state in states.items() if state == "active"), default=0)
    assert workspace.call(service.show, ShowModel(model=name)).latest == newest
    for state in ("active", "archived", "deleted"):
        found = workspace.call(service.versions, ListVersions(model=name, state=state))
        assert [each.version for each in found] == sorted((n for n, s in states.items() if s == state), reverse=True)
