"""Gates that load models or run notebooks are asked in a child process, which holds a lease on the promotion."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import or_, select, update

from mlops_ext.errors import Conflict, NotFound, RunFailed
from mlops_ext.models.promotion.apart import ask_apart
from mlops_ext.models.promotion.cases import Case, case_in
from mlops_ext.models.promotion.gates import evaluate
from mlops_ext.models.promotion.settlement import Ask, end_without, settle
from mlops_ext.models.promotion.standing import find_promotion, promotion_record
from mlops_ext.models.promotion.types import GateResults, Promotion
from mlops_ext.models.tables import promotions
from mlops_ext.records import new_id, now
from mlops_ext.store.catalog import Actor, Change
from mlops_ext.workspace import Workspace

__all__ = ["ask_all", "check_apart", "main", "take_up"]

LEASE = timedelta(seconds=60)
TRIES = 5
MOST_ATTEMPTS = 3
_TAIL = 600


def take_up(ws: Workspace, promotion: Promotion) -> Promotion:
    """See to it that a process evaluates a promotion; one that broke several of them has failed.

    Parameters
    ----------
    promotion : Promotion
        In the state `evaluating`.
    """
    token = new_id()
    attempt = _claim(ws, promotion.id, token)
    if attempt > MOST_ATTEMPTS:
        error = f"{MOST_ATTEMPTS} processes died while they asked the gates; see {_log(ws)}"
        return end_without(ws, promotion, "failed", error)
    if attempt:
        child = _start(ws, [promotion.id, token], _log(ws))
        threading.Thread(target=_watch, args=(ws, child, promotion.id, token), daemon=True).start()
    with ws.catalog.read() as connection:
        return promotion_record(connection, find_promotion(connection, promotion.id))


def check_apart(ws: Workspace, model: str, goal: str) -> GateResults:
    """Ask all gates in a child process and record nothing.

    Raises
    ------
    RunFailed
        The process died; the last that it wrote is shown.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-") as scratch:
        answer, log = Path(scratch, "answer.json"), Path(scratch, "log")
        child = _start(ws, ["--check", model, goal, str(answer)], log)
        try:
            code = child.wait()
        finally:
            child.kill()
        if code:
            tail = log.read_text(errors="replace")[-_TAIL:].strip() or f"their process ended with {code}"
            raise RunFailed(f"the gates could not be asked: {tail}", hint="Mend the gate, or take it out of the policy")
        return GateResults.model_validate_json(answer.read_bytes())


def ask_all(ws: Workspace, model: str, goal: str, *, heavy: bool) -> GateResults:
    """Ask the gates: here, where the heavy ones stay pending, or all of them in a process under this one."""
    with ws.catalog.read() as connection:
        case = case_in(connection, model, goal)
    if heavy:
        gates = ask_apart(ws, case, lambda: None)
    else:
        gates = evaluate(ws, case.version, case.champion, case.goal, case.rules, heavy=False)
    return GateResults(
        model=case.version.ref, environment=case.goal, passed=all(gate.passed for gate in gates), gates=gates
    )


def main(arguments: Sequence[str]) -> None:
    """Do what `take_up` or `check_apart` started this process for."""
    ws = Workspace.find()
    if arguments[0] == "--check":
        model, goal, answer = arguments[1:]
        Path(answer).write_text(ask_all(ws, model, goal, heavy=True).model_dump_json(), encoding="utf-8")
        return
    promotion, token = arguments
    with ws.catalog.read() as connection:
        row = find_promotion(connection, promotion)
        asked = promotion_record(connection, row)
    _evaluate(ws.acting_as(Actor(asked.requested_by, asked.auth)), asked, token)


def _evaluate(ws: Workspace, asked: Promotion, token: str) -> None:
    """Ask until what was asked about still holds when the answer is in."""
    for _ in range(TRIES):
        case = _case(ws, asked)
        if case is None:
            return
        gates = ask_apart(ws, case, lambda: _lease(ws, asked.id, token, keep=True))
        if settle(ws, case, gates, Ask(asked.comment, asked.id, token)) is not None:
            return
    end_without(ws, asked, "failed", f"{asked.environment} keeps changing while its gates are asked")


def _case(ws: Workspace, asked: Promotion) -> Case | None:
    """Read what is asked about; when it cannot be promoted any more, the promotion ends."""
    try:
        with ws.catalog.read() as connection:
            case = case_in(connection, f"{asked.model}@{asked.version}", asked.environment)
    except (NotFound, Conflict) as error:
        end_without(ws, asked, "voided", error.message)
        return None
    if case.served:
        end_without(ws, asked, "voided", f"{asked.environment} serves version {asked.version} already")
        return None
    return case


def _claim(ws: Workspace, promotion: str, token: str) -> int:
    """Take the lease when nobody holds it; give which attempt this is, 0 when somebody does."""

    def write(change: Change) -> int:
        free = or_(promotions.c.lease_until.is_(None), promotions.c.lease_until < change.now)
        key = (promotions.c.id == promotion) & (promotions.c.state == "evaluating") & free
        taken = {"evaluator": token, "lease_until": change.now + LEASE, "attempts": promotions.c.attempts + 1}
        if not change.execute(update(promotions).where(key).values(**taken)).rowcount:
            return 0
        return int(change.execute(select(promotions.c.attempts).where(promotions.c.id == promotion)).scalar_one())

    return ws.catalog.measure(write, serial=True)


def _lease(ws: Workspace, promotion: str, token: str, *, keep: bool) -> None:
    key = (promotions.c.id == promotion) & (promotions.c.evaluator == token) & (promotions.c.state == "evaluating")
    until = now() + LEASE if keep else None
    ws.catalog.measure(lambda change: change.execute(update(promotions).where(key).values(lease_until=until)))


def _watch(ws: Workspace, child: subprocess.Popen[bytes], promotion: str, token: str) -> None:
    """Give the lease back at once when the child dies; without this it runs out."""
    if child.wait():
        _lease(ws, promotion, token, keep=False)


def _log(ws: Workspace) -> Path:
    return ws.home / "evaluation.log"


def _start(ws: Workspace, arguments: list[str], log: Path) -> subprocess.Popen[bytes]:
    section: Any = ws.settings.workspace
    environment = dict(os.environ) | {"MLOPS_WORKSPACE": str(ws.root)}
    # A run of its own would be opened for what a gate logs; none of the caller's is meant.
    environment.pop("MLOPS_RUN", None)
    environment |= {
        f"MLOPS_{key.upper()}": getattr(section, key) for key in ("catalog", "blobs") if getattr(section, key)
    }
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "mlops_ext.models.promotion.evaluation", *arguments],
            cwd=ws.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RunFailed as died:
        sys.exit(died.message)
