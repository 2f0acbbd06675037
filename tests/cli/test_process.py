"""Exit codes and the purity of stdout, as a shell sees them."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import ROOT, Run


def test_json_writes_one_document_on_one_line_and_nothing_else(mlops: Run) -> None:
    made = mlops("init", "--json")
    assert made.returncode == 0
    assert made.stdout.count("\n") == 1
    assert json.loads(made.stdout)["hash"] == "b3"
    assert "made a workspace" in made.stderr
    page = mlops("--json", "models", "list")
    assert (json.loads(page.stdout), page.stderr) == ({"items": [], "next": ""}, "")


def test_an_error_is_json_with_the_same_exit_code_and_no_traceback(mlops: Run) -> None:
    plain, as_json = mlops("models", "show", "nobody"), mlops("models", "show", "nobody", "--json")
    assert plain.returncode == as_json.returncode == 2
    assert plain.stdout == ""
    assert "nobody" in plain.stderr
    assert "Traceback" not in plain.stderr + as_json.stderr
    error = json.loads(as_json.stdout)
    assert (set(error), error["code"]) == ({"code", "message", "hint"}, "not_found")
    assert "Traceback" in mlops("models", "show", "nobody", "--traceback").stderr


def test_wrong_words_are_usage_errors_with_the_nearest_word(mlops: Run) -> None:
    for words in (
        ["modles"],
        ["models", "lst"],
        ["promote"],
        ["promote", "delay", "--too", "x"],
        ["models", "list", "--limit", "x"],
    ):
        ended = mlops(*words, "--json")
        assert ended.returncode == 2, words
        assert json.loads(ended.stdout)["code"] == "usage"
    assert "'list'" in mlops("models", "lst").stderr


def test_an_option_that_validation_refuses_is_named_with_its_value(mlops: Run) -> None:
    error = json.loads(mlops("models", "list", "--limit", "0", "--json").stdout)
    assert error["code"] == "invalid_value"
    assert "--limit" in error["message"]
    assert "0" in error["message"]


def test_a_changed_trail_ends_with_code_six_and_says_where(mlops: Run, folder: Path) -> None:
    assert mlops("tracking", "start", "--json").returncode == 0
    assert mlops("audit", "verify").returncode == 0
    head = folder.parent / "head.json"
    head.write_text(mlops("audit", "head", "--json").stdout)
    assert mlops("audit", "verify", "--head", str(head)).returncode == 0
    with sqlite3.connect(folder / ".mlops" / "catalog.db") as connection:
        connection.execute("UPDATE events SET actor = 'somebody else'")
    ended = mlops("audit", "verify", "--json")
    assert ended.returncode == 6
    found = json.loads(ended.stdout)
    assert not found["ok"]
    assert found["findings"][0]["seq"] == 1


def test_a_signed_head_is_checked_against_a_public_key(mlops: Run, folder: Path) -> None:
    assert mlops("tracking", "start").returncode == 0
    key, head = folder.parent / "key.pem", folder.parent / "head.json"
    public = json.loads(mlops("audit", "key", str(key), "--json").stdout)["public_key"]
    head.write_text(mlops("audit", "head", "--key", str(key), "--json").stdout)
    assert mlops("audit", "verify", "--head", str(head), "--key", public).returncode == 0
    other = json.loads(mlops("audit", "key", str(key) + "2", "--json").stdout)["public_key"]
    assert mlops("audit", "verify", "--head", str(head), "--key", other).returncode == 6
    assert mlops("audit", "verify", "--key", public).returncode == 2


def test_ctrl_c_ends_a_worker_with_code_five(mlops: Run, folder: Path) -> None:
    assert mlops("init").returncode == 0
    command = [sys.executable, "-m", "mlops_ext.cli.main", "worker", "--json"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "working on" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 5, err
    assert json.loads(out)["code"] == "cancelled"


def test_an_idle_worker_ends_by_itself(mlops: Run) -> None:
    assert mlops("init").returncode == 0
    ended = mlops("worker", "--until-idle", "--json")
    assert (ended.returncode, json.loads(ended.stdout)) == (0, {"ran": 0})


def test_a_fault_of_ours_is_one_sentence(folder: Path) -> None:
    code = (
        "import mlops_ext.cli.main as m; from mlops_ext.workspace import Workspace\n"
        "def burst(*a): raise ZeroDivisionError('seven')\n"
        "Workspace.call = burst\n"
        "m.main(['models', 'list', '--json'])"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["code"] == "internal_error"
    assert "Traceback" not in ended.stderr


def test_a_reader_that_leaves_is_no_fault(folder: Path) -> None:
    command = f"{sys.executable} -m mlops_ext.cli.main --help | true"
    ended = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr == ""


def test_help_and_version_import_nothing_heavy(folder: Path) -> None:
    for word in ("--help", "--version"):
        code = (
            "import sys\nfrom mlops_ext.cli.main import main\n"
            f"try:\n    main([{word!r}])\nexcept SystemExit as end:\n    assert not end.code\n"
            "heavy = {'pydantic', 'sqlalchemy', 'pandas', 'numpy', 'rich', 'tornado', 'papermill'} & set(sys.modules)\n"
            "assert not heavy, heavy"
        )
        ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr


def test_backup_and_restore_bring_the_same_trail_back(mlops: Run, folder: Path) -> None:
    run = json.loads(mlops("tracking", "start", "--json").stdout)["id"]
    assert mlops("backup", "../all.tar").returncode == 0
    assert mlops("backup", "../all.tar").returncode == 2
    (folder / "other").mkdir()
    assert mlops("restore", "../all.tar", "other").returncode == 0
    assert mlops("restore", "../all.tar", "other").returncode == 2
    assert json.loads(mlops("--workspace", "other", "runs", "show", run, "--json").stdout)["id"] == run
    assert mlops("restore", "nothing.tar").returncode == 2


def test_init_writes_what_was_chosen_and_config_masks_passwords(mlops: Run, folder: Path) -> None:
    assert mlops("init", "sub", "--hash", "sha256").returncode == 0
    assert 'hash = "sha256"' in (folder / "sub" / "mlops.toml").read_text()
    assert mlops("init", "sub", "--hash", "b3").returncode == 2
    shown = mlops("config", "show", "--json", MLOPS_BLOBS="s3://me:hunter2@bucket/x?secret=abc")
    assert "hunter2" not in shown.stdout
    assert "secret=abc" not in shown.stdout
    origins = {each["key"]: each["origin"] for each in json.loads(shown.stdout)["items"]}
    assert (origins["blobs"], origins["hash"]) == ("MLOPS_BLOBS", "default")


def test_doctor_tells_a_store_that_cannot_be_read(mlops: Run, folder: Path) -> None:
    assert mlops("init").returncode == 0
    (folder / ".mlops" / "catalog.db").write_bytes(b"no database at all, really none" * 100)
    for leftover in folder.glob(".mlops/catalog.db-*"):
        leftover.unlink()
    ended = mlops("doctor", "--json")
    assert ended.returncode == 6
    bad = [each for each in json.loads(ended.stdout)["items"] if each["status"] == "bad"]
    assert any("not a catalog" in each["found"] for each in bad)


def test_completion_offers_words(mlops: Run) -> None:
    assert "_MLOPS_COMPLETE" in mlops("completion", "bash").stdout
    offered = mlops(_MLOPS_COMPLETE="bash_complete", COMP_WORDS="mlops models ver", COMP_CWORD="2").stdout
    assert "versions" in offered
