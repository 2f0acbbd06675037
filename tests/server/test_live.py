"""Live notices: complete, in order, on the loop's thread, and from whichever process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mlops_ext.server.live import MOST, SCHEMA_ID, notices
from mlops_ext.workspace import Workspace
from tests.server.conftest import Ask
from tests.server.live_server import ROOT

pytestmark = pytest.mark.sqlite


def write(ws: Workspace, subject: str, times: int = 1) -> None:
    for _ in range(times):
        ws.catalog.write(lambda change: change.event("thing.changed", subject))


def test_notices_follow_the_trail(workspace: Workspace) -> None:
    assert notices(workspace, None) == (0, [])
    write(workspace, "model:delay@3")
    head, new = notices(workspace, 0)
    assert (head, new) == (1, [{"kind": "model", "subject": "model:delay@3", "action": "thing.changed", "seq": 1}])
    assert notices(workspace, 1) == (1, [])
    assert notices(workspace, None) == (1, [])


def test_a_burst_is_told_as_anything_then_the_newest_in_order(workspace: Workspace) -> None:
    write(workspace, "run:1", MOST + 5)
    head, new = notices(workspace, 0)
    assert len(new) == MOST
    assert new[0] == {"kind": "", "subject": "", "action": "", "seq": 6}
    assert [each["seq"] for each in new] == list(range(6, MOST + 6))
    assert new[-1]["seq"] == head


def test_a_trail_that_went_back_means_anything_may_have_changed(workspace: Workspace) -> None:
    write(workspace, "run:1", 2)
    assert notices(workspace, 9) == (2, [{"kind": "", "subject": "", "action": "", "seq": 2}])


@pytest.fixture
def heard(jp_serverapp: Any) -> list[dict[str, Any]]:
    """What a subscriber of the event stream hears."""
    found: list[dict[str, Any]] = []

    async def listen(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
        assert threading.current_thread() is threading.main_thread()
        found.append(data)

    jp_serverapp.event_logger.add_listener(schema_id=SCHEMA_ID, listener=listen)
    return found


def turn(loop: asyncio.AbstractEventLoop, until: Any, seconds: float) -> float:
    """Turn the server's loop until something holds; give how long it took."""

    async def wait() -> None:
        while not until():
            await asyncio.sleep(0.01)

    began = time.monotonic()
    loop.run_until_complete(asyncio.wait_for(wait(), seconds))
    return time.monotonic() - began


def test_a_change_by_another_process_is_heard_within_a_second(
    ask: Ask, heard: list[dict[str, Any]], folder: Path, jp_asyncio_loop: Any
) -> None:
    ask("POST", "runs", {})
    turn(jp_asyncio_loop, lambda: heard or True, 1)
    jp_asyncio_loop.run_until_complete(asyncio.sleep(1.0))
    heard.clear()
    code = (
        "import sys, time; from mlops_ext.workspace import Workspace; ws = Workspace.find()\n"
        "ws.catalog.write(lambda change: change.event('model.promoted', 'model:delay@3'))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=folder)
    assert turn(jp_asyncio_loop, lambda: heard, 10) < 1.0
    assert [(each["kind"], each["subject"], each["action"], each["seq"]) for each in heard] == [
        ("model", "model:delay@3", "model.promoted", 2)
    ]


def test_looking_is_no_activity_and_starts_with_the_first_request(
    ask: Ask, jp_serverapp: Any, jp_asyncio_loop: Any
) -> None:
    watch = next(iter(jp_serverapp.extension_manager.extension_apps["mlops_ext"])).watch
    assert watch._task is None
    ask("GET", "models")
    assert watch._task is not None
    jp_serverapp.web_app.settings.pop("api_last_activity", None)
    jp_asyncio_loop.run_until_complete(asyncio.sleep(0.8))
    assert "api_last_activity" not in jp_serverapp.web_app.settings
    assert not watch._task.done()


def test_a_store_that_cannot_be_read_only_pauses_the_notices(
    ask: Ask, heard: list[dict[str, Any]], folder: Path, jp_asyncio_loop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlops_ext.server.live.PAUSE", 0.2)
    ask("POST", "runs", {})
    toml = folder / "mlops.toml"
    jp_asyncio_loop.run_until_complete(asyncio.sleep(0.5))
    catalog = folder / ".mlops" / "catalog.db"
    catalog.rename(catalog.with_name("away.db"))
    catalog.write_bytes(b"nonsense " * 1000)
    jp_asyncio_loop.run_until_complete(asyncio.sleep(0.8))
    catalog.unlink()
    catalog.with_name("away.db").rename(catalog)
    heard.clear()
    ask("POST", "runs", {})
    turn(jp_asyncio_loop, lambda: any(each["action"] == "run.started" for each in heard), 10)
    assert not toml.exists()


def test_kernels_are_told_the_servers_workspace(jp_serverapp: Any, folder: Path) -> None:
    assert os.environ["MLOPS_WORKSPACE"] == str(folder)
