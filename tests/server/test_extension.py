"""What the extension costs a server that starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_ext.server.host import VARIABLE, Host
from tests.server.live_server import ROOT

START = """
import json, os, sys, time
from jupyter_server.serverapp import ServerApp
server = ServerApp(token='x', open_browser=False, allow_root=True, port=0, root_dir=sys.argv[1], port_retries=0)
server.initialize(argv=[], find_extensions=False)
began = time.process_time()
server.extension_manager.add_extension('mlops_ext', enabled=True)
server.extension_manager.link_extension('mlops_ext')
server.extension_manager.load_extension('mlops_ext')
seconds = time.process_time() - began
heavy = sorted({'pydantic', 'sqlalchemy', 'pandas', 'numpy', 'alembic', 'rich', 'click'} & set(sys.modules))
patterns = [rule.matcher.regex.pattern for group in server.web_app.default_router.rules for rule in group.target.rules]
print(json.dumps({'seconds': seconds, 'heavy': heavy, 'ours': sum('mlops-ext' in each for each in patterns),
                  'workspace': os.environ.get('MLOPS_WORKSPACE')}))
"""


def test_the_start_stays_light_and_hands_the_workspace_over(tmp_path: Path) -> None:
    (tmp_path / "project" / "deep").mkdir(parents=True)
    (tmp_path / "project" / "mlops.toml").write_text("version = 1\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLOPS_")}
    environment |= {"PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_DIR": str(tmp_path / "config"), "HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path / "project" / "deep")],
        capture_output=True, text=True, env=environment, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-3000:]
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["ours"] >= 4
    assert found["heavy"] == []
    assert found["workspace"] == str(tmp_path / "project")
    assert found["seconds"] < 0.15


def test_a_host_that_was_closed_takes_the_workspace_back_and_hands_it_over_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    host = Host(tmp_path, threads=1, max_body=1, max_blob=1)
    host.hand_over()
    assert os.environ[VARIABLE] == str(tmp_path)
    host.close()
    host.hand_over()
    assert VARIABLE not in os.environ
