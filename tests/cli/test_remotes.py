"""The commands push and pull: one document or a table, references alone when quiet, and the exit codes."""

from __future__ import annotations

import json

import pytest

from mlops_ext.cli.main import main
from mlops_ext.datasets.edge import load
from mlops_ext.workspace import Workspace
from tests.datasets.remotes.support import flights, frame


@pytest.fixture
def say(capsys):
    def run(*words):
        with pytest.raises(SystemExit) as end:
            main(list(words))
        return end.value.code, capsys.readouterr().out

    return run


@pytest.mark.sqlite
def test_versions_go_and_come_by_the_command(workspace, tmp_path, monkeypatch, say):
    flights(workspace, 2)
    (workspace.root / "mlops.toml").write_text('[remotes.team]\nurl = "../remote"\n')
    assert json.loads(say("config", "show", "--json")[1])["items"][-1]["value"] == "team: ../remote"
    code, planned = say("push", "flights@2", "--dry-run", "--json")
    assert (code, json.loads(planned)["done"]) == (0, False)
    assert not (tmp_path / "remote").exists()
    code, sent = say("push", "flights@2", "--json")
    assert json.loads(sent) == {**json.loads(planned), "done": True}
    assert say("push", "--all", "--to", "team", "-q") == (0, "flights@1 flights@2\n")
    (tmp_path / "third").mkdir()
    monkeypatch.setenv("MLOPS_WORKSPACE", str(tmp_path / "third"))
    code, come = say("pull", "flights", "--from", str(tmp_path / "remote"), "--as", "theirs")
    assert (code, "theirs@2" in come, "new" in come) == (0, True, True)
    assert load("theirs@1", workspace=Workspace(tmp_path / "third")).equals(frame())


@pytest.mark.sqlite
def test_what_cannot_be_meant_ends_with_2(workspace, tmp_path, say):
    flights(workspace)
    for words in (
        ("push", "flights"),
        ("push", "--to", str(tmp_path / "remote")),
        ("push", "flights", "--all", "--to", str(tmp_path / "remote")),
        ("push", "flights", "--to", "nowhere"),
        ("pull", "flights", "--from", str(tmp_path / "remote")),
        ("pull", "flights", "--from", "nosuch://there"),
    ):
        code, out = say(*words, "--json")
        assert (code, set(json.loads(out))) == (2, {"code", "message", "hint"}), words
    assert not (tmp_path / "remote").exists()
