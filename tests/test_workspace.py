"""Which workspace: the argument, then MLOPS_WORKSPACE, then the nearest parent, then the git root, then here."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlops_ext.errors import InvalidValue
from mlops_ext.store.catalog import Actor
from mlops_ext.workspace import Workspace

pytestmark = pytest.mark.fast


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a git checkout that has a nested project, and the working folder below it."""
    for variable in ("MLOPS_WORKSPACE", "MLOPS_CATALOG", "MLOPS_ACTOR"):
        monkeypatch.delenv(variable, raising=False)
    home = tmp_path / "home"
    (home / "repo" / "project" / "notebooks").mkdir(parents=True)
    (home / "repo" / ".git").mkdir()
    monkeypatch.setattr(Path, "home", lambda: home)
    monkeypatch.chdir(home / "repo" / "project" / "notebooks")
    return home


def found(*arguments: object) -> str:
    return Workspace.find(*arguments).root.name


def test_the_git_root_when_nothing_is_there(tree):
    assert found() == "repo"


def test_the_nearest_parent_with_a_file_or_a_store(tree):
    (tree / "repo" / "mlops.toml").touch()
    assert found() == "repo"
    (tree / "repo" / "project" / ".mlops").mkdir()
    assert found() == "project"
    (tree / "repo" / "project" / "notebooks" / "mlops.toml").touch()
    assert found() == "notebooks"


def test_nothing_above_the_git_root_counts(tree):
    (tree / "mlops.toml").touch()
    assert found() == "repo"


def test_nothing_above_home_counts(tree, monkeypatch):
    (tree.parent / "mlops.toml").touch()
    (tree / "plain").mkdir()
    monkeypatch.chdir(tree / "plain")
    assert found() == "plain"
    (tree / "mlops.toml").touch()
    assert found() == "home"


def test_a_git_worktree_has_a_file_named_git(tree):
    (tree / "repo" / ".git").rmdir()
    (tree / "repo" / ".git").write_text("gitdir: elsewhere")
    assert found() == "repo"


def test_the_variable_before_the_parents_and_the_argument_before_all(tree, monkeypatch):
    (tree / "repo" / "mlops.toml").touch()
    for name in ("named", "argued"):
        (tree / name).mkdir()
    monkeypatch.setenv("MLOPS_WORKSPACE", str(tree / "named"))
    assert found() == "named"
    assert found(tree / "argued") == "argued"
    assert found(str(tree / "argued" / "..") + "/argued") == "argued"
    monkeypatch.setenv("MLOPS_WORKSPACE", "")
    assert found() == "repo"


def test_the_folder_of_the_store_means_its_parent(tree):
    (tree / "repo" / ".mlops").mkdir()
    assert found(tree / "repo" / ".mlops") == "repo"


@pytest.mark.parametrize("name", ["absent", "file"])
def test_a_folder_that_is_not_there_is_named(tree, name):
    (tree / "file").touch()
    with pytest.raises(InvalidValue, match=name) as caught:
        Workspace.find(tree / name)
    assert "mlops init" in caught.value.hint


def test_finding_creates_nothing(tree):
    before = sorted(tree.rglob("*"))
    ws = Workspace.find()
    assert not ws.exists()
    assert ws.id == ""
    assert sorted(tree.rglob("*")) == before


def test_who_acts_is_the_argument_the_setting_or_the_user(tree, monkeypatch):
    monkeypatch.setenv("LOGNAME", "grace")
    assert Workspace.find().actor == Actor("grace", "os_user")
    monkeypatch.setenv("MLOPS_ACTOR", "nightly")
    assert Workspace.find().actor.name == "nightly"
    assert Workspace.find(actor=Actor("ada", "jupyter_token")).actor == Actor("ada", "jupyter_token")


def test_another_actor_sees_the_same_workspace(tree):
    ws = Workspace(tree / "repo", overrides={"catalog": f"sqlite:///{tree}/elsewhere.db"})
    other = ws.acting_as(Actor("ada", "ci"))
    assert other.database is ws.database
    assert (other.root, other.actor) == (ws.root, Actor("ada", "ci"))
