"""What verifying the trail costs, and a graph of lineage, and how both grow: python -m benchmarks.verify

The yardstick of verification hashes the same bytes, read from a list in memory: what is left is reading, following the
chain, and checking the index of references. The goal: 100,000 events under 2 s. Lineage asks for the same small
subgraph in a trail of 1,000 and of 100,000 events.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from blake3 import blake3

from benchmarks.frame import Report, Size, compare, run
from mlops_ext.governance import audit, lineage
from mlops_ext.governance.types import ListEvents, ProveEvent, ShowHead, ShowLineage
from mlops_ext.records import now
from mlops_ext.store import trail
from mlops_ext.workspace import Workspace

SIZES = (1_000, 10_000, 100_000)
GOAL = 2.0


def tell(ws: Workspace, count: int) -> None:
    """Write a trail like that of a registry: each model is made of a run and a dataset, every tenth is promoted."""
    with ws.database.writing(serial=True) as (connection, algorithm):
        for number in range(count):
            subject, data = f"model:delay@{number}", {"inputs": [f"dataset:flights@{number}", f"run:{number:032x}"]}
            if number % 10 == 9:
                subject, data = f"model:delay@{number - 1}", {"outputs": ["model:delay@production"], "gates": ["auc"]}
            about = {**data, "digest": f"b3:{number:064x}", "metrics": {"auc": number / count}}
            trail.append(
                connection, trail.Draft(now(), "ana", "os_user", "model.registered", subject, about), algorithm
            )


def hashed(ws: Workspace) -> list[bytes]:
    """Give what is hashed of every event, and of its data."""
    with ws.catalog.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT format, e.seq, time, actor, auth, action, subject, data_digest, previous, data"
            " FROM events e JOIN event_data d ON d.seq = e.seq ORDER BY e.seq"
        ).all()
    return [each for *fields, data in rows for each in (trail.canonical_event(*fields), data.encode())]


def hash_all(texts: list[bytes]) -> Callable[[], object]:
    """Do the least that verifying can be: one hash for each event and one for its data."""
    return lambda: [blake3(text).hexdigest() for text in texts]


def measure(report: Report, rounds: int) -> None:
    """Verify, prove and draw at each size."""
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            ws = Workspace(Path(folder))
            ws.ensure()
            tell(ws, size)
            pair = compare(f"verify {size} events", lambda: audit.verify_trail(ws), hash_all(hashed(ws)), rounds=rounds)  # noqa: B023
            report.add(pair)
            bound = GOAL if size == SIZES[-1] else 0.0
            report.add(Size(f"verify {size} events", pair.seconds, "s", bound))
            _time(report, f"head with root, {size} events", lambda: ws.call(audit.head, ShowHead(root=True)), rounds)  # noqa: B023
            _time(report, f"prove an event of {size}", lambda: ws.call(audit.prove, ProveEvent(seq=size // 2)), rounds)  # noqa: B023
            graph = ShowLineage(ref=f"model:delay@{size // 2}")
            _time(report, f"lineage of a model among {size} events", lambda: ws.call(lineage.show, graph), rounds)  # noqa: B023
            named = ListEvents(filter=f"ref = 'run:{size // 2:032x}'")
            _time(report, f"events that name a run among {size}", lambda: ws.call(audit.log, named), rounds)  # noqa: B023
            ws.database.close()


def _time(report: Report, name: str, work: Callable[[], object], rounds: int) -> None:
    pair = compare(name, work, lambda: None, rounds=rounds)
    report.add(Size(name, pair.seconds * 1e3, "ms"))


if __name__ == "__main__":
    sys.stderr.write(f"trails of {', '.join(map(str, SIZES))} events on SQLite\n")
    run("verify", measure, rounds=5)
