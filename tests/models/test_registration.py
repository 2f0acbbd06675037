"""Registering: numbers, idempotence, links, references and what is refused."""

from __future__ import annotations

import json
import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.models import service
from mlops_ext.models.types import (
    DeleteAlias,
    EnvironmentLock,
    Field_,
    ListModels,
    ListVersions,
    ModelFile,
    SetAlias,
    ShowModel,
    ShowVersion,
    Signature,
)
from mlops_ext.store.catalog import MissingBlob
from mlops_ext.workspace import Workspace
from tests.models.support import actions, file_of, promoted, registered


def version_of(ws: Workspace, ref: str) -> int:
    return ws.call(service.version, ShowVersion(model=ref)).version


def test_versions_count_from_one_and_each_appends_one_event(workspace: Workspace) -> None:
    numbers = [registered(workspace, content=bytes([number])).version for number in range(3)]
    assert numbers == [1, 2, 3]
    assert actions(workspace) == ["model.registered"] * 3


def test_the_same_model_again_is_the_version_there_is_and_appends_nothing(workspace: Workspace) -> None:
    first = registered(workspace, run="a" * 32, inputs=("flights@1",))
    again = registered(workspace, run="a" * 32, inputs=("dataset:flights@1",), metrics={"auc": 0.9})
    assert again == first
    assert actions(workspace) == ["model.registered"]


def test_content_that_returns_after_another_makes_a_third_version_with_the_first_digest(workspace: Workspace) -> None:
    first, second, third = (registered(workspace, content=content) for content in (b"a", b"b", b"a"))
    assert [first.version, second.version, third.version] == [1, 2, 3]
    assert first.digest == third.digest != second.digest


def test_new_forces_a_version(workspace: Workspace) -> None:
    assert registered(workspace).version == 1
    assert registered(workspace, new=True).version == 2


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "changed",
    [
        {"inputs": ("flights@2",)},
        {"signature": Signature(inputs=(Field_(name="x", type="int64"),))},
        {"content": b"other"},
    ],
)
def test_other_files_signature_or_inputs_make_another_version(workspace: Workspace, changed: dict) -> None:
    registered(workspace, inputs=("flights@1",))
    assert registered(workspace, **({"inputs": ("flights@1",)} | changed)).version == 2


def test_a_repeat_from_another_run_adds_one_link(workspace: Workspace) -> None:
    registered(workspace, run="a" * 32)
    for _ in range(2):
        assert registered(workspace, run="b" * 32).version == 1
    assert actions(workspace) == ["model.registered", "model.linked"]


def test_eight_threads_get_distinct_consecutive_numbers(workspace: Workspace) -> None:
    files = [(file_of(workspace, f"{number}".encode()),) for number in range(24)]

    def register(number: int) -> int:
        ws = Workspace(workspace.root)
        request = service.register.request(name="delay", flavor="test", files=files[number])
        return ws.call(service.register, request).version

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(register, range(24)))
    assert sorted(numbers) == list(range(1, 25))


def _register_in_process(root: str, worker: int) -> list[int]:
    ws = Workspace(Path(root))
    return [registered(ws, content=f"{worker}.{each}".encode()).version for each in range(4)]


def test_eight_processes_get_distinct_consecutive_numbers(workspace: Workspace) -> None:
    workspace.ensure()
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    with processes.Pool(8) as pool:
        parts = pool.starmap(_register_in_process, [(str(workspace.root), worker) for worker in range(8)])
    assert sorted(number for part in parts for number in part) == list(range(1, 33))


def test_what_is_stored_comes_back(workspace: Workspace) -> None:
    lock = EnvironmentLock(python="3.11.7", platform="Linux", packages={"numpy": "2.0"})
    made = registered(
        workspace,
        metrics={"auc": 0.7, "worst": float("-inf"), "lost": float("nan")},
        parameters={"month": "1"},
        tags={"<b>": "</script>\u202e"},
        description="# Markdown",
        lock=lock,
        trust=("a.B",),
    )
    shown = workspace.call(service.version, ShowVersion(model="delay@1"))
    assert shown.model_dump_json() == made.model_dump_json()
    assert shown.lock == lock
    assert shown.tags == {"<b>": "</script>\u202e"}
    assert "</script>" not in shown._repr_html_()
    assert json.loads(shown.model_dump_json())["metrics"] == {"auc": 0.7, "worst": "-Infinity", "lost": "NaN"}


def test_references_of_every_kind_find_their_version(workspace: Workspace) -> None:
    versions = [registered(workspace, content=bytes([number])) for number in range(3)]
    workspace.call(service.alias, SetAlias(model="delay@2", alias="champion"))
    promoted(workspace, "delay@1", "staging")
    assert version_of(workspace, "delay") == 3
    assert version_of(workspace, "model:delay@latest") == 3
    assert version_of(workspace, "delay@2") == 2
    assert version_of(workspace, "delay@champion") == 2
    assert version_of(workspace, "delay@staging") == 1
    assert version_of(workspace, f"delay@{versions[1].digest[:11]}") == 2
    assert version_of(workspace, f"delay@{versions[0].digest}") == 1


def test_a_digest_prefix_that_fits_two_contents_is_ambiguous(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlops_ext.models import registration

    digests = iter(["b3:" + "ab" * 31 + "00", "b3:" + "ab" * 31 + "11"])
    monkeypatch.setattr(registration, "content_digest", lambda request, algorithm: next(digests))
    registered(workspace, content=b"a")
    registered(workspace, content=b"b")
    with pytest.raises(InvalidValue, match="fits several versions"):
        version_of(workspace, "delay@b3:abababab")
    assert version_of(workspace, "delay@b3:" + "ab" * 31 + "11") == 2


def test_names_are_one_up_to_unicode_normalisation(workspace: Workspace) -> None:
    registered(workspace, name="cafe\u0301")
    registered(workspace, name="caf\u00e9", content=b"two")
    assert [model.name for model in workspace.call(service.list_models, ListModels())] == ["caf\u00e9"]
    assert version_of(workspace, "cafe\u0301") == 2


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("dealy", "Did you mean 'delay'"),
        ("delay@7", "version 1 only"),
        ("delay@champoin", "Did you mean 'champion'"),
        ("delay@production", "nothing of model 'delay' is deployed to production"),
        ("delay@b3:00000000", "has the digest"),
    ],
)
def test_what_is_not_there_is_said_with_the_nearest(workspace: Workspace, ref: str, said: str) -> None:
    registered(workspace)
    workspace.call(service.alias, SetAlias(model="delay", alias="champion"))
    with pytest.raises(NotFound, match=said):
        version_of(workspace, ref)


def test_a_workspace_that_does_not_exist_reads_as_empty_and_stays_so(workspace: Workspace) -> None:
    assert len(workspace.call(service.list_models, ListModels())) == 0
    with pytest.raises(NotFound):
        version_of(workspace, "delay")
    assert not workspace.exists()


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "a/../../x", "a\\b", "C:x", "", ".", "a//b", "a\0b", "x" * 500]
)
def test_a_file_that_could_leave_its_folder_is_refused(workspace: Workspace, path: str) -> None:
    file = file_of(workspace, b"one")
    with pytest.raises((InvalidValue, ValidationError)):
        registered(workspace, files=(ModelFile(**file.model_dump() | {"path": path}),))
    assert actions(workspace) == []


def test_a_blob_that_is_not_stored_registers_nothing(workspace: Workspace) -> None:
    file = file_of(workspace, b"one").model_copy(update={"digest": "b3:" + "0" * 64})
    request = service.register.request(name="delay", flavor="test", files=(file,))
    with pytest.raises(MissingBlob):
        workspace.call(service.register, request)
    assert len(workspace.call(service.list_models, ListModels())) == 0


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "wrong",
    [
        {"inputs": ("flights",)},
        {"description": "\0"},
        {"tags": {"a": "x" * 5_000_000}},
        {"tags": {"a": "\0"}},
        {"tags": {"": "a"}},
        {"metrics": {"a" * 251: 1.0}},
        {"parameters": {"a": "no JSON"}},
        {"tags": {str(each): "" for each in range(1001)}},
        {"parameters": {str(each): '"' + "x" * 60_000 + '"' for each in range(80)}},
    ],
)
def test_wrong_metadata_is_refused(workspace: Workspace, wrong: dict) -> None:
    with pytest.raises(InvalidValue):
        registered(workspace, **wrong)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("huge", "said", "bound"),
    [
        ({"description": "x" * 70_000}, "the description is too long", "65536 characters"),
        ({"tags": {"a": "x" * 70_000}}, "tag 'a' has 70,000 characters", "64,000"),
        ({"tags": {str(each): "" for each in range(1001)}}, "1001 tags", "1000"),
        ({"parameters": {"a": json.dumps("x" * 70_000)}}, "'a' has 70,002 characters", "64,000"),
        ({"parameters": {str(each): json.dumps("x" * 60_000) for each in range(80)}}, "metadata has 4[0-9]{6} bytes", "4000000"),
    ],
)  # fmt: skip
def test_huge_metadata_is_refused_with_its_size_and_the_bound(
    workspace: Workspace, huge: dict, said: str, bound: str
) -> None:
    with pytest.raises(InvalidValue, match=said) as refused:
        registered(workspace, **huge)
    assert bound in refused.value.hint
    assert actions(workspace) == []


HOSTILE = ["<img src=x onerror=alert(1)>", "'; DROP TABLE models; --", "[bold]x[red]", "=1+1", "{{7*7}}", "🦄 日本", "..", "-rf"]  # fmt: skip


@pytest.mark.sqlite
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_kept_as_it_is_and_shown_inert(workspace: Workspace, name: str) -> None:
    from rich.console import Console

    from mlops_ext.governance import service as governance
    from mlops_ext.governance.evidence.pages import html_of, markdown_of
    from mlops_ext.governance.evidence.types import ShowCard

    version = registered(workspace, name=name)
    promotion = promoted(workspace, f"{name}@1")
    workspace.call(service.alias, SetAlias(model=f"{name}@1", alias="best"))
    card = workspace.call(governance.card, ShowCard(model=f"{name}@best"))
    why = workspace.call(service.explain, service.explain.request(model=f"{name}@production"))
    assert {version.name, promotion.model, card.model, why.model} == {name}
    for record in (version, promotion, why, workspace.call(service.list_models, ListModels())):
        assert "<img" not in record._repr_html_()
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            console = Console(width=500, record=True, file=nowhere)
            console.print(record)
        assert name in console.export_text()
    assert "<img" not in html_of(card)
    assert "<img" not in markdown_of(card).replace("\\<", ""), "Markdown shows what a backslash stands before"


def test_an_alias_moves_and_each_move_is_one_event(workspace: Workspace) -> None:
    registered(workspace)
    registered(workspace, content=b"two")
    moves = [workspace.call(service.alias, SetAlias(model=ref, alias="best")) for ref in ("delay@1", "delay", "delay")]
    assert [(move.previous, move.version) for move in moves] == [(None, 1), (1, 2), (2, 2)]
    gone = workspace.call(service.unalias, DeleteAlias(model="delay", alias="best"))
    assert (gone.previous, gone.version) == (2, None)
    assert actions(workspace)[2:] == ["alias.set", "alias.set", "alias.deleted"]
    with pytest.raises(NotFound):
        workspace.call(service.unalias, DeleteAlias(model="delay", alias="best"))


@pytest.mark.sqlite
@pytest.mark.parametrize("alias", ["production", "latest", "7", "v7", "a@b", ""])
def test_an_alias_cannot_read_as_something_else(workspace: Workspace, alias: str) -> None:
    registered(workspace)
    with pytest.raises(InvalidValue):
        workspace.call(service.alias, SetAlias(model="delay", alias=alias))


def test_lists_come_in_pages_with_who_points_where(workspace: Workspace) -> None:
    for number in range(5):
        registered(workspace, content=bytes([number]))
    registered(workspace, name="other")
    workspace.call(service.alias, SetAlias(model="delay@4", alias="best"))
    promoted(workspace, "delay@2", "production")
    first = workspace.call(service.versions, ListVersions(model="delay", limit=3))
    rest = workspace.call(service.versions, ListVersions(model="delay", limit=3, cursor=first.next))
    assert [version.version for version in (*first, *rest)] == [5, 4, 3, 2, 1]
    assert rest.next == ""
    assert first[1].aliases == ("best",)
    assert rest[0].environments == ("production",)
    listed = workspace.call(service.list_models, ListModels(search="DEL"))
    assert [model.name for model in listed] == ["delay"]
    assert listed[0] == workspace.call(service.show, ShowModel(model="delay"))
    assert (listed[0].latest, listed[0].aliases, listed[0].environments) == (5, {"best": 4}, {"production": 2})


def test_service_and_types_load_nothing_heavy() -> None:
    import subprocess
    import sys

    code = (
        "import sys, mlops_ext.models.service, mlops_ext.models.types; "
        "print([name for name in ('pandas','numpy','pyarrow','sklearn','skops','plotly') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert told.stdout.strip() == "[]"
