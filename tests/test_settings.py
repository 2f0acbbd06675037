"""Settings: which value wins, where it came from, and what a wrong file is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_ext import settings as module
from mlops_ext.errors import InvalidValue
from mlops_ext.settings import Settings, WorkspaceSettings, read_settings

pytestmark = pytest.mark.fast


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for key in WorkspaceSettings.model_fields:
        monkeypatch.delenv(f"MLOPS_{key.upper()}", raising=False)


def write(folder: Path, text: str) -> Path:
    path = folder / "mlops.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_all_is_default(tmp_path):
    found = read_settings(tmp_path)
    assert found.model_dump() == Settings().model_dump()
    assert set(found.origins.values()) == {"default"}


def test_argument_before_variable_before_file_before_default(tmp_path, monkeypatch):
    path = write(tmp_path, '[workspace]\nactor = "file"\nblobs = "file"\ncatalog = "file"\n')
    monkeypatch.setenv("MLOPS_BLOBS", "variable")
    monkeypatch.setenv("MLOPS_CATALOG", "variable")
    found = read_settings(tmp_path, {"catalog": "argument"})
    section = found.workspace
    assert (section.catalog, section.blobs, section.actor, section.hash) == ("argument", "variable", "file", "b3")
    assert found.origins == {
        "catalog": "argument", "blobs": "MLOPS_BLOBS", "actor": str(path), "hash": "default", "display": "default",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "key", "nearest"),
    [
        ('version = 1\n[workspace]\nactr = "ada"\n', 3, "workspace.actr", "actor"),
        ("version = 1\n\n[workspaces]\n", 3, "workspaces", "workspace"),
        ("verison = 1\n", 1, "verison", "version"),
        ('workspace.hahs = "b3"\n', 1, "workspace.hahs", "hash"),
        ('# hahs = 1\n[policy]\nhahs = 2\n[workspace]\n"hahs" = "b3"\n', 5, "workspace.hahs", "hash"),
        ('[[triggers]]\nnotebook = "a.ipynb"\nmodle = "delay"\n', 3, "modle", "model"),
    ],
)
def test_an_unknown_key_is_refused_with_its_line_and_the_nearest(tmp_path, text, line, key, nearest):
    path = write(tmp_path, text)
    with pytest.raises(InvalidValue) as caught:
        read_settings(tmp_path)
    assert f"{path} line {line}:" in caught.value.message
    assert key in caught.value.message
    assert nearest in caught.value.hint


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[workspace]\nhash = "md5"\n', "line 2: workspace.hash = 'md5'"),
        ("version = 2\n", "line 1: version = 2"),
        ("workspace = 3\n", "line 1: workspace is no section"),
        ("origins = {}\n", "line 1: unknown key 'origins'"),
        ("[[triggers]]\nmodel = 'delay'\n", "notebook"),
        ("[workspace\n", "is no TOML"),
        ("a = 1\na = 2\n", "is no TOML"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(tmp_path, text, told):
    path = write(tmp_path, text)
    with pytest.raises(InvalidValue) as caught:
        read_settings(tmp_path)
    assert str(path) in caught.value.message
    assert told in caught.value.message
    assert caught.value.hint


def test_a_wrong_variable_is_blamed_by_its_name_and_not_the_file(tmp_path, monkeypatch):
    path = write(tmp_path, '[workspace]\nhash = "b3"\n')
    monkeypatch.setenv("MLOPS_HASH", "md5")
    with pytest.raises(InvalidValue, match="MLOPS_HASH") as caught:
        read_settings(tmp_path)
    assert str(path) not in str(caught.value)


def test_a_file_that_is_no_text_is_one_sentence(tmp_path):
    (tmp_path / "mlops.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidValue, match="UTF-8"):
        read_settings(tmp_path)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root passes every permission")
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    write(tmp_path, "").chmod(0)
    with pytest.raises(InvalidValue, match="Make it readable"):
        read_settings(tmp_path)


TOML_LIKE = st.lists(
    st.sampled_from(["[workspace]", "[[triggers]]", "[policy]", 'hash = "b3"', "x = 1", "version = 1", "a.b.c = {}", "[", "=", "]", "workspace = []", 'triggers = [1]', '"" = 1', "hash = []"]),
    max_size=5,
).map("\n".join)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TOML_LIKE | st.text())
def test_any_file_is_settings_or_one_sentence(tmp_path, text):
    write(tmp_path, text)
    try:
        read_settings(tmp_path)
    except InvalidValue as error:
        told = error
    else:
        return
    assert str(tmp_path) in told.message


def test_a_file_is_read_once_until_it_changes_and_variables_count_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SETTLED", -(10**18))  # as if every file had been written long ago
    path = write(tmp_path, '[workspace]\nactor = "first"\n')
    first = read_settings(tmp_path)
    assert read_settings(tmp_path) is first
    monkeypatch.setenv("MLOPS_ACTOR", "variable")
    assert read_settings(tmp_path).workspace.actor == "variable"
    monkeypatch.delenv("MLOPS_ACTOR")
    write(tmp_path, '[workspace]\nactor = "second one"\n')
    assert read_settings(tmp_path).workspace.actor == "second one"
    assert read_settings(tmp_path, {"actor": "argument"}).workspace.actor == "argument"
    path.unlink()
    assert read_settings(tmp_path).workspace.actor == ""


def test_a_file_that_was_just_written_is_read_again(tmp_path):
    write(tmp_path, '[workspace]\nactor = "one"\n')
    assert read_settings(tmp_path).workspace.actor == "one"
    write(tmp_path, '[workspace]\nactor = "two"\n')
    assert read_settings(tmp_path).workspace.actor == "two"
