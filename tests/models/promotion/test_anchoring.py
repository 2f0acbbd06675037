"""The trail's head goes to the anchor after each promotion and rollback, and no failure of it stands in the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from mlops_ext.governance import service as governance
from mlops_ext.governance.anchor import AnchorFailed, send_due
from mlops_ext.governance.types import Head, ListEvents, ShowHead
from mlops_ext.models.promotion import edge as promoting
from mlops_ext.models.promotion.types import GateRule
from mlops_ext.store.catalog import Actor
from mlops_ext.workspace import Workspace
from tests.models.support import actions, applied, promoted, registered, rolled_back
from tests.support.listener import Listener, listening


@pytest.fixture
def keeper() -> Iterator[Listener]:
    with listening() as server:
        yield server


def anchored_at(ws: Workspace, url: str) -> Workspace:
    (ws.root / "mlops.toml").write_text(f'[audit]\nanchor = "{url}"\nplain_http = ["127.0.0.1"]\n')
    return Workspace(ws.root)


def settled() -> None:
    for thread in threading.enumerate():
        if thread.name == "mlops-anchor":
            thread.join()


def test_each_promotion_and_rollback_gives_the_anchor_a_head_that_covers_it(
    workspace: Workspace, keeper: Listener
) -> None:
    ws = anchored_at(workspace, f"{keeper.url}/heads")
    registered(ws)
    registered(ws, content=b"two")
    applied(ws, production=(GateRule(gate="approvals"),))
    promoting.approve(promoted(ws.acting_as(Actor("bob")), "delay@1"), workspace=ws.acting_as(Actor("carol")))
    settled()
    promoting.promote("delay@2", "production", break_glass=True, comment="outage", workspace=ws)
    settled()
    rolled_back(ws)
    settled()
    heads = [Head.model_validate_json(body) for _, body in keeper.kept]
    decided = [
        each.seq
        for each in ws.call(governance.log, ListEvents())
        if each.action in ("model.promoted", "model.glass_broken", "model.rolled_back")
    ]
    assert [head.seq for head in heads] == decided
    assert actions(ws).count("audit.head_anchored") == 3
    assert all(head.root and head.hash for head in heads)
    assert ws.call(governance.head, ShowHead()).seq == heads[-1].seq + 1
    assert send_due(ws) == 0
    assert ws.call(governance.verify, governance.verify.request()).ok


def test_an_anchor_that_fails_blocks_nothing_and_gets_the_head_later(
    workspace: Workspace, keeper: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    ws = anchored_at(workspace, f"{keeper.url}/broken")
    registered(ws)
    with caplog.at_level(logging.WARNING):
        assert promoted(ws, "delay").state == "promoted"
        settled()
    assert "the anchor did not take the head" in caplog.text
    assert "mlops audit anchor" in caplog.text
    assert "audit.head_anchored" not in actions(ws)
    with pytest.raises(AnchorFailed):
        send_due(ws)
    ws = anchored_at(workspace, f"{keeper.url}/heads")
    assert (send_due(ws), send_due(ws)) == (1, 0)
    assert actions(ws)[-2:] == ["model.promoted", "audit.head_anchored"]


def test_without_an_anchor_nothing_is_sent_or_noted(workspace: Workspace) -> None:
    registered(workspace)
    promoted(workspace, "delay")
    assert not [thread for thread in threading.enumerate() if thread.name == "mlops-anchor"]
    assert send_due(workspace) == 0
    assert actions(workspace)[-1] == "model.promoted"
