"""A writer and gc, interleaved at every step: what a record names can always be read, and what none names goes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete

from mlops_ext.store import ledger as ledger_module
from mlops_ext.store.catalog import Change, MissingBlob
from mlops_ext.store.ledger import Ledger
from mlops_ext.store.schema import blob_owners
from mlops_ext.workspace import Workspace

PAYLOAD = b"payload"
OWNER = "note:1"


class Steps:
    """A thread that stops before each of its steps until it is told to go on."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = work
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self.error: BaseException | None = None
        self.finished = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._stopped.acquire()

    @property
    def ident(self) -> int | None:
        return self._thread.ident

    def _run(self) -> None:
        self.pause()
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - handed to the test
            self.error = error
        self.finished = True
        self._stopped.release()

    def pause(self) -> None:
        self._stopped.release()
        self._go.acquire()

    def step(self) -> None:
        """Run to the next pause, or to the end."""
        self._go.release()
        self._stopped.acquire()

    def rest(self) -> None:
        while not self.finished:
            self.step()
        self._thread.join()
        if self.error is not None:
            raise self.error


def schedules(first: int, second: int) -> Iterator[str]:
    """Give every order of `first` steps of w and `second` steps of g."""
    if first == 0 or second == 0:
        yield "w" * first + "g" * second
        return
    yield from ("w" + rest for rest in schedules(first - 1, second))
    yield from ("g" + rest for rest in schedules(first, second - 1))


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> dict[int | None, Steps]:
    """Threads that stop before each transaction and each touch of the blob store."""
    running: dict[int | None, Steps] = {}

    def stopping(original: Callable) -> Callable:
        def stop_then_run(self, *args, **kwargs):
            if threading.get_ident() in running:
                running[threading.get_ident()].pause()
            return original(self, *args, **kwargs)

        return stop_then_run

    from mlops_ext.store.blobs import LocalBlobs
    from mlops_ext.store.catalog import Catalog

    for owner, names in ((Catalog, ("read", "write", "measure")), (LocalBlobs, ("put", "delete", "locations"))):
        for name in names:
            monkeypatch.setattr(owner, name, stopping(getattr(owner, name)))
    return running


def put_and_name(ws: Workspace) -> None:
    """What every writer does: put, then name; put again when gc was faster."""

    def name(change: Change) -> None:
        change.name_blobs(OWNER, [digest])
        change.event("note.written", OWNER)

    while True:
        digest = ws.put_blob(PAYLOAD)
        try:
            return ws.catalog.write(name)
        except MissingBlob:
            continue


def collect(ws: Workspace) -> None:
    ws.ledger.doom()
    ws.ledger.sweep()


def play(running: dict[int | None, Steps], works: dict[str, Callable[[], object]], schedule: str) -> None:
    threads = {name: Steps(work) for name, work in works.items()}
    running.update({thread.ident: thread for thread in threads.values()})
    for name in schedule:
        if not threads[name].finished:
            threads[name].step()
    for thread in threads.values():
        thread.rest()
    running.clear()


def settle(ws: Workspace) -> int:
    """Let the records go and the graces pass: gc must then take all."""
    ws.catalog.write(lambda change: (change.execute(delete(blob_owners)), change.event("note.deleted", OWNER)))
    ws.ledger.doom()
    ws.ledger.sweep(grace=timedelta(days=-1))
    return len(list(ws.ledger.store.locations()))


@pytest.mark.parametrize("before", ["nothing", "left", "leased"])
@pytest.mark.parametrize("lease", ["lasting", "none"])
@pytest.mark.parametrize("", [pytest.param(id="some"), pytest.param(id="all", marks=pytest.mark.deep)])
def test_writer_and_gc_at_every_step(workspace, running, monkeypatch, request, before, lease):
    """Without leases gc may strike the blob at any step; the writer then puts it again."""
    full = ledger_module.LEASE
    workspace.ensure()
    ledger = workspace.ledger
    orders = list(schedules(5, 6))
    if request.node.get_closest_marker("deep") is None:
        orders = orders[:: 5 if (before, lease) == ("left", "none") else 37]  # of the 462, spread over them
    for order in orders:
        monkeypatch.setattr(ledger_module, "LEASE", -full if before == "left" else full)
        if before != "nothing":
            workspace.put_blob(PAYLOAD)
        monkeypatch.setattr(ledger_module, "LEASE", full if lease == "lasting" else -full)
        play(running, {"w": lambda: put_and_name(workspace), "g": lambda: collect(workspace)}, order)
        digest = workspace.put_blob(PAYLOAD)
        assert ledger.get(digest) == PAYLOAD, order
        assert owners(workspace) == [(digest, OWNER)], order
        monkeypatch.setattr(ledger_module, "LEASE", -full)
        workspace.put_blob(PAYLOAD)
        assert settle(workspace) == 0, order


def owners(ws: Workspace) -> list[tuple[str, str]]:
    with ws.catalog.read() as connection:
        return [tuple(row) for row in connection.execute(blob_owners.select())]


def test_two_writers_of_one_blob_and_gc(workspace, running, monkeypatch):
    full = ledger_module.LEASE
    workspace.ensure()
    for order in list(schedules(5, 5))[::12]:
        monkeypatch.setattr(ledger_module, "LEASE", full)
        work = {"w": lambda: put_and_name(workspace), "g": lambda: (put_and_name(workspace), collect(workspace))}
        play(running, work, order)
        digest = owners(workspace)[0][0]
        assert workspace.get_blob(digest) == PAYLOAD, order
        monkeypatch.setattr(ledger_module, "LEASE", -full)
        workspace.put_blob(PAYLOAD)
        assert settle(workspace) == 0, order


@pytest.mark.parametrize("step", range(1, 5))
def test_a_writer_that_ends_at_any_step_leaves_at_worst_an_unnamed_blob(workspace, monkeypatch, step):
    """The store stays whole, and gc takes what is left once its graces have passed."""
    workspace.ensure()
    taken = iter(range(1, 100))

    class Ended(BaseException):
        """Nothing catches it, as nothing catches a kill."""

    def ending(original: Callable) -> Callable:
        def end_or_run(*args, **kwargs):
            if next(taken) == step:
                raise Ended
            return original(*args, **kwargs)

        return end_or_run

    ledger: Ledger = workspace.ledger
    with monkeypatch.context() as patched:
        patched.setattr(ledger.store, "put", ending(ledger.store.put))
        for name in ("read", "measure", "write"):
            patched.setattr(ledger.catalog, name, ending(getattr(ledger.catalog, name)))
        with pytest.raises(Ended):
            put_and_name(workspace)
    assert owners(workspace) == []
    monkeypatch.setattr(ledger_module, "LEASE", -ledger_module.LEASE)
    digest = workspace.put_blob(PAYLOAD)
    assert workspace.get_blob(digest) == PAYLOAD
    assert settle(workspace) == 0
