"""What code names, which edges follow, and what is said of circles and unknown names."""

from __future__ import annotations

import pytest

from mlops_ext.errors import InvalidValue, NotFound
from mlops_ext.runs.notebooks.references import references_of_source
from mlops_ext.runs.pipelines.functions import of_object
from mlops_ext.runs.pipelines.graph import edges_of, graph_of, order_of
from mlops_ext.runs.pipelines.types import StepPlan

pytestmark = pytest.mark.fast
DIGEST = "b3:" + "0" * 64


def plan(name: str, reads: str = "", writes: str = "", after: str = "") -> StepPlan:
    told = {"reads": reads.split(), "writes": writes.split(), "after": after.split()}
    return StepPlan(name=name, notebook=f"{name}.ipynb", source=DIGEST, code=DIGEST, **told)


def test_names_are_found_wherever_code_says_them_plainly() -> None:
    cells = [
        "import mlops_ext as m\nfrom mlops_ext import snapshot as keep, load\nNAME = 'flights'",
        "%matplotlib inline\nraw = m.load(NAME)\nold = load('weather@2')\n!ls",
        "champion = m.load_model('delay@production')",
        "keep(raw, 'clean')\nload('clean')\nm.register(model, name='delay')",
        "%%bash\nload('never')",
        "load(f'{NAME}2'); json.load('x'); load(",
    ]
    found = references_of_source(cells)
    assert found.bare == ("dataset:flights",)
    assert found.loose == ("dataset:flights", "model:delay")
    assert found.fixed == ("dataset:weather",)
    assert found.made == ("dataset:clean", "model:delay")


def test_a_parameter_that_is_given_counts_and_not_its_default() -> None:
    cells = ["source: str = 'flights'", "import mlops_ext as mlops\nmlops.load(source)"]
    assert references_of_source(cells).bare == ("dataset:flights",)
    assert references_of_source(cells, {"source": "weather"}).bare == ("dataset:weather",)


def test_who_reads_waits_for_all_who_write() -> None:
    steps = [
        plan("train", "d:x d:y", "m:z"),
        plan("a", "", "d:x"),
        plan("b", "d:x", "d:y"),
        plan("last", after="train"),
    ]
    edges = edges_of(steps)
    assert {(e.before, e.after, e.through) for e in edges} == {
        ("a", "train", ("d:x",)),
        ("b", "train", ("d:y",)),
        ("a", "b", ("d:x",)),
        ("train", "last", ()),
    }
    assert [step.name for step in order_of(steps, edges)] == ["a", "b", "train", "last"]


def test_a_circle_is_named_with_what_closes_it() -> None:
    steps = [plan("a", "d:y", "d:x"), plan("b", "d:x", "d:y")]
    with pytest.raises(InvalidValue) as caught:
        order_of(steps, edges_of(steps))
    assert "waits for" in str(caught.value)
    assert "d:x" in str(caught.value)


def test_a_step_that_is_not_there_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="'prepare'"):
        edges_of([plan("prepare"), plan("train", after="prepaer")])


def test_a_step_that_reads_what_it_writes_does_not_wait_for_itself() -> None:
    steps = [plan("a", "d:x", "d:x")]
    assert edges_of(steps) == ()


def test_a_graph_is_mermaid_and_a_tree() -> None:
    from rich.console import Console

    steps = [plan('a "quoted"', "", "d:x"), plan("b", "d:x")]
    graph = graph_of("p", steps, edges_of(steps), {"b": "failed"})
    assert graph.mermaid.splitlines() == [
        "graph LR",
        "  s0[\"a 'quoted'\"]",
        '  s1["b"]',
        "  style s1 fill:#ffcdd2,color:#000",
        '  s0 -->|"d:x"| s1',
    ]
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(graph)
    text = console.export_text()
    assert text.index('a "quoted"') < text.index("└── b") < text.index("← d:x")
    assert graph._repr_mimebundle_()["text/vnd.mermaid"] == graph.mermaid


def sample(month: int, *, kind: str = "all") -> int:
    return month


def test_a_function_becomes_a_notebook_that_declares_its_parameters() -> None:
    import json

    cells = json.loads(of_object(sample).notebook())["cells"]
    assert cells[0]["source"].splitlines() == ["month: int", "kind: str = 'all'"]
    assert cells[0]["metadata"]["tags"] == ["parameters"]
    lines = cells[1]["source"].splitlines()
    assert lines[0].endswith("import sample")
    assert lines[-1] == "sample(month=month, kind=kind)"
