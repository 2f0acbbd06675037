"""What cells put out, on its way to who follows a job: masked whole, in bounded memory, nothing lost before its time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.runs.execution import live
from mlops_ext.runs.execution.live import LARGEST, Live
from mlops_ext.runs.following import HEAD, TAIL, Lines, View
from mlops_ext.runs.types import OutputPiece

pytestmark = pytest.mark.fast
TEXTS = st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["stdout", "stderr"]), st.text("ab\n", max_size=9)))


@given(TEXTS, st.sets(st.integers(0, 20)))
def test_whenever_it_is_asked_all_comes_once_and_in_order(parts: list[tuple[int, str, str]], asked: set[int]) -> None:
    flow, found = Live({}), []
    for number, part in enumerate(parts):
        flow.add(*part)
        found += flow.drain() if number in asked else []
    found += flow.drain(last=True)
    for cell in (1, 2, 3):
        printed = "".join(text for number, _stream, text in parts if number == cell)
        assert "".join(each.text for each in found if each.cell == cell) == printed


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_secret_that_comes_in_two_halves_is_masked(cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_QUIET_SECONDS", 0.0)
    flow = Live({"key": "hunter-22"})
    flow.add(1, "stdout", "it is " + "hunter-22"[:cut])
    found = flow.drain()
    flow.add(1, "stdout", "hunter-22"[cut:] + " indeed\n")
    found += flow.drain(last=True)
    assert "".join(each.text for each in found) == "it is *** indeed\n"


def test_a_key_of_several_lines_is_masked_though_its_lines_come_one_by_one() -> None:
    flow, found = Live({}), []
    lines = ["-----BEGIN PRIVATE KEY-----", *["MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ" + "x" * 14] * 3]
    for line in [*lines, "-----END PRIVATE KEY-----", "done"]:
        flow.add(1, "stdout", line + "\n")
        found += flow.drain()
    told = "".join(each.text for each in [*found, *flow.drain(last=True)])
    assert "MIIE" not in told
    assert told.endswith("done\n")


def test_a_flood_keeps_its_head_and_its_tail() -> None:
    flow = Live({})
    for number in range(40_000):
        flow.add(1, "stdout", f"line {number}\n")
    [head, tail] = flow.drain(last=True)
    assert head.text.startswith("line 0\nline 1\n")
    assert "characters are left out" in head.text
    assert tail.text.endswith("line 39999\n")
    assert len(head.text) + len(tail.text) < 2 * LARGEST + 100
    for number in range(1000):
        flow.add(number, "stdout", "x")
    assert len(flow.drain(last=True)) <= 64


def test_a_terminal_gets_the_first_and_the_last_lines_of_each_cell() -> None:
    shown: list[tuple[int, str, str]] = []
    lines = Lines(lambda *what: shown.append(what))
    whole = "".join(f"{number}\n" for number in range(1000))
    for seq, start in enumerate(range(0, len(whole), 100)):
        lines.take([OutputPiece(seq=seq, cell=1, stream="stdout", text=whole[start : start + 100])])
    lines.take([OutputPiece(seq=99, cell=2, stream="stderr", text="5 %\r\x1b[31m10 %\r")])
    lines.end()
    one = [line for cell, _stream, line in shown if cell == 1]
    assert one[:HEAD] == [str(number) for number in range(HEAD)]
    assert one[-TAIL:] == [str(number) for number in range(1000 - TAIL, 1000)]
    assert f"{1000 - HEAD - TAIL} lines are left out" in one[HEAD]
    assert shown[-1] == (2, "stderr", "10 %")


def test_a_notebook_shows_how_far_a_run_is_and_the_end_of_what_it_printed() -> None:
    class Handle:
        def __init__(self) -> None:
            self.seen: list[dict[str, str]] = []

        def display(self, bundle: dict[str, str], raw: bool) -> None:
            self.seen.append(bundle)

        update = display

    handle = Handle()
    view = View("nb/it.ipynb", handle)
    view.output([OutputPiece(seq=1, cell=1, stream="stdout", text="<b>\n" * 500)])
    view.progress(2, 2, 3.0)
    last = handle.seen[-1]
    assert last["text/plain"].splitlines() == ["nb/it.ipynb: 2 of 2 cells, 3 s", *["<b>"] * TAIL]
    assert last["text/html"].count("&lt;b&gt;") == TAIL
