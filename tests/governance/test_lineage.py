"""Lineage equals a graph drawn by hand from the same story."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert

from mlops_ext.errors import MlopsError, NotFound
from mlops_ext.governance import service
from mlops_ext.governance.lineage import walked
from mlops_ext.governance.types import Lineage, ShowLineage
from mlops_ext.records import now
from mlops_ext.store import trail
from mlops_ext.store.schema import chain_head, metadata
from mlops_ext.workspace import Workspace

R1, R2, REPORT, ALERT, JOB = (
    f"{kind}:{n * 32}" for n, kind in zip("12345", ["run", "run", "report", "alert", "job"], strict=True)
)


def tell(ws: Workspace, action: str, subject: str, **data: Any) -> None:
    ws.catalog.write(lambda change: change.event(action, subject, data))


@pytest.fixture
def story(workspace: Workspace) -> Workspace:
    """Flights and weather train a model, a report on it raises an alert, which queues a retraining."""
    tell(workspace, "policy.applied", "policy", digest="x")
    tell(workspace, "run.started", R1)
    tell(workspace, "dataset.committed", "dataset:flights@1", inputs=[R1], outputs=["dataset:flights@1"])
    tell(workspace, "dataset.committed", "dataset:weather@1", inputs=[])
    tell(workspace, "model.registered", "model:delay@1", inputs=["dataset:flights@1", "dataset:weather@1", R1])
    tell(workspace, "run.finished", R1, inputs=["dataset:flights@1"], outputs=["model:delay@1"])
    tell(workspace, "model.promotion_refused", "model:delay@1", environment="production")
    tell(workspace, "model.promoted", "model:delay@1", outputs=["model:delay@production"])
    tell(workspace, "report.saved", REPORT, inputs=["model:delay@1", "dataset:flights@1"], outputs=[REPORT])
    tell(workspace, "alert.raised", ALERT, inputs=["model:delay@1", REPORT], outputs=[ALERT])
    tell(workspace, "job.submitted", JOB, trigger=ALERT, inputs=[ALERT])
    tell(workspace, "run.started", R2, job=JOB.partition(":")[2])
    tell(workspace, "model.registered", "model:delay@2", inputs=["dataset:weather@1", R2])
    tell(workspace, "model.promoted", "model:delay@2", outputs=["model:delay@production"])
    tell(workspace, "dataset.committed", "dataset:unrelated@1", inputs=[])
    return workspace


HAND = {
    (R1, "dataset:flights@1"),  # R1 read it as well, but what a run made is no origin of the run
    ("dataset:flights@1", "model:delay@1"),
    ("dataset:weather@1", "model:delay@1"),
    (R1, "model:delay@1"),
    ("model:delay@1", "model:delay@production"),
    ("model:delay@1", REPORT),
    ("dataset:flights@1", REPORT),
    ("model:delay@1", ALERT),
    (REPORT, ALERT),
    (ALERT, JOB),
    (JOB, R2),
    ("dataset:weather@1", "model:delay@2"),
    (R2, "model:delay@2"),
    ("model:delay@2", "model:delay@production"),
}


def closure(root: str, forward: bool, depth: int, graph: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The edges within some steps of a node, by repeated joining."""
    reached, found = {root}, set()
    for _ in range(depth):
        step = {pair for pair in graph if pair[0 if forward else 1] in reached}
        found |= step
        reached |= {pair[1 if forward else 0] for pair in step}
    return found


def pairs(lineage: Lineage) -> set[tuple[str, str]]:
    found = {(edge.source, edge.target) for edge in lineage.edges}
    assert {node.id for node in lineage.nodes} == {lineage.root, *(end for pair in found for end in pair)}
    assert len(found) == len(lineage.edges)
    return found


NODES = sorted({end for pair in HAND for end in pair} - {"model:delay@production"})


@pytest.mark.parametrize("depth", [1, 2, 10])
def test_lineage_equals_the_hand_made_graph_from_every_node(story: Workspace, depth: int) -> None:
    for root in NODES:
        for direction, forward in (("up", False), ("down", True)):
            asked = ShowLineage(ref=root, direction=direction, depth=depth)
            # An environment's origin is what it serves now; nothing but itself lies below it.
            assert pairs(story.call(service.show_lineage, asked)) == closure(root, forward, depth, HAND), (
                root,
                direction,
            )
        both = pairs(story.call(service.show_lineage, ShowLineage(ref=root, depth=depth)))
        assert both == closure(root, False, depth, HAND) | closure(root, True, depth, HAND)


def test_an_environment_stems_from_what_it_serves_now(story: Workspace) -> None:
    asked = ShowLineage(ref="model:delay@production", direction="up")
    without_former = HAND - {("model:delay@1", "model:delay@production")}
    assert pairs(story.call(service.show_lineage, asked)) == closure(
        "model:delay@production", False, 10, without_former
    )
    tell(story, "model.rolled_back", "model:delay@1", outputs=["model:delay@production"])
    found = pairs(story.call(service.show_lineage, ShowLineage(ref="model:delay@production", direction="up", depth=1)))
    assert found == {("model:delay@1", "model:delay@production")}


def test_nodes_say_what_they_are_and_edges_which_event_says_so(story: Workspace) -> None:
    lineage = story.call(service.show_lineage, ShowLineage(ref="model:delay@1"))
    nodes = {node.id: node for node in lineage.nodes}
    assert (nodes["model:delay@1"].kind, nodes["model:delay@1"].label) == ("model", "delay@1")
    assert nodes["model:delay@production"].kind == "deployment"
    assert nodes[R1].label == "run …111111"
    assert nodes["model:delay@1"].by == story.actor.name
    seqs = {(edge.source, edge.target): edge.seq for edge in lineage.edges}
    assert seqs[("dataset:flights@1", "model:delay@1")] == 5
    relations = {(edge.source, edge.target): edge.relation for edge in lineage.edges}
    assert relations[("model:delay@1", "model:delay@production")] == "deployed"
    assert relations[(ALERT, JOB)] == "triggered"


def test_a_bare_name_is_the_newest_version(story: Workspace) -> None:
    assert story.call(service.show_lineage, ShowLineage(ref="delay")).root == "model:delay@2"
    assert story.call(service.show_lineage, ShowLineage(ref="dataset:flights")).root == "dataset:flights@1"


@pytest.mark.sqlite
@pytest.mark.parametrize("ref", ["model:dleay@1", "model:delay@9", "run:none", "nothing"])
def test_what_no_event_names_is_said(story: Workspace, ref: str) -> None:
    with pytest.raises(MlopsError):
        story.call(service.show_lineage, ShowLineage(ref=ref))


def test_data_of_any_shape_is_survived(workspace: Workspace) -> None:
    tell(workspace, "thing.done", "model:a@1", inputs="no list", outputs=[1, None, "plain"], trigger=3, run=["x"])
    assert workspace.call(service.show_lineage, ShowLineage(ref="model:a@1")).edges == ()


THINGS = ["model:m@1", "model:m@2", "dataset:d@1", "run:a", "run:b", "report:r", "job:j", "workspace"]
LISTS = st.lists(st.sampled_from([*THINGS, "model:m@production"]), max_size=3)
EVENTS = st.lists(st.tuples(st.sampled_from(THINGS), LISTS, LISTS), max_size=12)


def scanned(told: list[tuple[str, list[str], list[str]]], root: str, upward: bool, depth: int) -> set[tuple[str, str]]:
    """The graph by a scan of all events, as the module's first paragraph tells it."""
    order: dict[tuple[str, str], int] = {}
    kinds = tuple(f"{each.partition(':')[0]}:" for each in THINGS if ":" in each)
    for subject, inputs, outputs in told:
        if not subject.startswith(kinds):
            continue
        for pair in [*((each, subject) for each in sorted(inputs)), *((subject, each) for each in sorted(outputs))]:
            newer = pair[1] == "model:m@production" and pair in order
            if "workspace" in pair or pair[0] == pair[1] or pair[::-1] in order:
                continue
            if pair not in order or newer:
                order.pop(pair, None)
                order[pair] = len(order)
    serving = [pair for pair in order if pair[1] == "model:m@production"]
    graph = set(order) - (set(serving[:-1]) if upward else set())
    return closure(root, not upward, depth, graph)


@given(EVENTS, st.sampled_from(THINGS[:-1]), st.booleans(), st.integers(1, 4))
def test_what_the_index_gives_is_what_a_scan_of_all_events_gives(told, root, upward, depth):
    asked = ShowLineage(ref=root, direction="up" if upward else "down", depth=depth)
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.execute(insert(chain_head).values(id=1, seq=0, hash=""))
        for subject, inputs, outputs in told:
            data = {"inputs": inputs, "outputs": outputs}
            trail.append(connection, trail.Draft(now(), "ana", "os_user", "thing.done", subject, data), "b3")
        try:
            found = pairs(walked(connection, asked))
        except NotFound:
            found = set()
    assert found == scanned(told, root, upward, depth)


def test_a_graph_that_is_cut_says_so(workspace: Workspace) -> None:
    for number in range(8):
        tell(workspace, "model.registered", f"model:m@{number + 1}", inputs=["dataset:hub@1"])
    few = workspace.call(service.show_lineage, ShowLineage(ref="dataset:hub@1", direction="down", limit=4))
    assert (len(few.nodes), few.cut) == (4, "stopped at 4 nodes")
    whole = workspace.call(service.show_lineage, ShowLineage(ref="dataset:hub@1", direction="down", limit=9))
    assert (len(whole.nodes), whole.cut) == (9, "")
    shallow = workspace.call(service.show_lineage, ShowLineage(ref="model:m@1", direction="up", depth=1))
    assert "more may lie beyond" in shallow.cut


def test_a_renamed_model_is_one_model_and_who_takes_its_old_name_is_another(workspace: Workspace) -> None:
    tell(workspace, "model.registered", "model:delay@1", inputs=["dataset:flights@1"])
    tell(workspace, "model.promoted", "model:delay@1", outputs=["model:delay@production"])
    tell(workspace, "report.saved", REPORT, inputs=["model:delay@1"])
    tell(workspace, "model.renamed", "model:late", **{"from": "delay", "to": "late"}, inputs=["model:delay"])
    tell(workspace, "model.registered", "model:late@2", inputs=["model:late@1", "dataset:flights@2"])
    tell(workspace, "model.promoted", "model:late@2", outputs=["model:late@production"])
    tell(workspace, "model.registered", "model:delay@1", inputs=["dataset:other@1"])
    tell(workspace, "alert.raised", ALERT, inputs=["model:late@1"])
    tell(workspace, "model.renamed", "model:later", **{"from": "late", "to": "later"}, inputs=["model:late"])

    def drawn(ref: str) -> set[tuple[str, str]]:
        return pairs(workspace.call(service.show_lineage, ShowLineage(ref=ref)))

    made = {
        ("dataset:flights@1", "model:later@1"),
        ("model:later@1", "model:later@2"),
        ("model:later@1", REPORT),
        ("model:later@1", ALERT),
    }
    assert drawn("model:later@1") >= made
    assert drawn("model:late@1") == drawn("model:later@1")
    assert drawn("model:delay@1") == {("dataset:other@1", "model:delay@1")}
    assert drawn("dataset:flights@1") >= {("dataset:flights@1", "model:later@1"), ("model:later@1", REPORT)}
    assert drawn("later") >= {("dataset:flights@2", "model:later@2"), ("model:later@2", "model:later@production")}
    up = workspace.call(service.show_lineage, ShowLineage(ref="model:later@production", direction="up"))
    assert ("model:later@2", "model:later@production") in pairs(up)
    assert ("model:later@1", "model:later@production") not in pairs(up)
    made_at = {node.id: node.at for node in up.nodes}
    assert made_at["model:later@1"]
    other = workspace.call(service.show_lineage, ShowLineage(ref="model:delay@1"))
    assert {node.id: node.at for node in other.nodes}["model:delay@1"] > made_at["model:later@2"]


def test_what_was_tagged_is_still_drawn_by_its_bare_name(workspace: Workspace) -> None:
    tell(workspace, "model.registered", "model:delay@1", inputs=["dataset:flights@1"])
    tell(workspace, "model.tagged", "model:delay", tags={"a": "1"})
    assert workspace.call(service.show_lineage, ShowLineage(ref="delay")).root == "model:delay@1"
