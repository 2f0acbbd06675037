"""Comparing a run that came over with what the source says of it, and what is kept of it with its digests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlops_ext.errors import DamagedBlob, NotFound, StoreUnavailable
from mlops_ext.models.importing.artifacts import folders_of
from mlops_ext.models.importing.ledger import Ledger
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun

__all__ = ["compare_run", "verify_run"]


def verify_run(ledger: Ledger, here: str, run: Any, models: Sequence[Any]) -> None:
    """Compare a run that came over before: its numbers, its files' sizes, and every file here with its digest."""
    try:
        held = {each.path: each for each in ledger.ws.call(tracking.show, ShowRun(run=here)).artifacts}
        listed = [(prefix, each) for folder, prefix in folders_of(run, models) for each in ledger.store.files(folder)]
    except (NotFound, StoreUnavailable) as trouble:
        ledger.differences.append(f"run {run.info.run_id}: {trouble.message}")
        return
    ledger.count("artifact", len(listed))
    ledger.count("logged_model", len(models), known=sum(f"models/{each.model_id}.json" in held for each in models))
    compare_run(ledger, here, run)
    for prefix, file in listed:
        mine = held.get(prefix + file.path)
        if mine is None or file.size not in (None, mine.size):
            ledger.differences.append(f"artifact {prefix + file.path!r} of run {run.info.run_id} is another there now")
            continue
        try:
            ledger.ws.blob_path(mine.digest)
        except (DamagedBlob, NotFound) as damage:
            ledger.differences.append(f"artifact {mine.path!r} of run {run.info.run_id}: {damage.message}")
        else:
            ledger.known["artifact"] += 1


def compare_run(ledger: Ledger, run: str, there: Any) -> None:
    """Compare the parameters and the latest metrics of a run with what the source says now."""
    here = ledger.ws.call(tracking.show, ShowRun(run=run))
    pairs = {
        "parameters": (len(there.data.params), len(here.parameters)),
        "metrics": (len(there.data.metrics), len(here.metrics)),
    }
    for kind, (asked, got) in pairs.items():
        if asked != got:
            ledger.differences.append(f"run {there.info.run_id} has {asked} {kind} there and {got} here")
    for key, value in there.data.metrics.items():
        if key in here.metrics and str(here.metrics[key] + 0.0) != str(value + 0.0):
            told = f"is {value} there, {here.metrics[key]} here"
            ledger.differences.append(f"metric {key!r} of run {there.info.run_id} {told}")
