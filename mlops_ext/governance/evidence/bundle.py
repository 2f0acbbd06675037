"""Evidence bundles: one zip with what is on record about a version, which a short script checks anywhere."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from mlops_ext._version import __version__
from mlops_ext.errors import InvalidValue
from mlops_ext.governance import audit, merkle, signing
from mlops_ext.governance.evidence.card import show as show_card
from mlops_ext.governance.evidence.facts import check
from mlops_ext.governance.evidence.pages import html_of, markdown_of
from mlops_ext.governance.evidence.sbom import show as show_sbom
from mlops_ext.governance.evidence.signatures import newest_signature
from mlops_ext.governance.evidence.types import CheckEvidence, ShowCard
from mlops_ext.governance.names import during, spans
from mlops_ext.governance.types import Head, ShowHead
from mlops_ext.models import service as models
from mlops_ext.models.types import ModelVersion, ShowVersion
from mlops_ext.records import Record, now
from mlops_ext.store.schema import event_data, event_refs, events, utc_text
from mlops_ext.store.search import batches
from mlops_ext.workspace import Workspace

__all__ = ["FORMAT", "bundle"]

FORMAT = 1
MAX_EVENTS = 10_000


def bundle(ws: Workspace, ref: str, key: str | Path = "", profile: str = "none") -> bytes:
    """Gather what is on record about a version into one signed zip.

    Parameters
    ----------
    ref : str
        Reference of the version.
    key : str or Path, optional
        As `signing.signer` takes it: it signs the head and the manifest.
    profile : str
        Whose evidence is checked, too.

    Returns
    -------
    bytes
        The zip: record, card, bill of materials, events with their proofs, signed head, signature of the files when
        there is one, a manifest with the SHA-256 of each, its signature, and the script that checks it all.

    Raises
    ------
    InvalidValue
        There is no key, or more events than fit tell of the version.
    """
    by = signing.signer(ws, key)
    version = ws.call(models.version, ShowVersion(model=ref))
    card = ws.call(show_card, ShowCard(model=version.ref))
    head = signing.signed(ws.call(audit.head, ShowHead(root=True)), by)
    signature = newest_signature(ws, version)
    content = {
        "record.json": _json(version),
        "card.md": markdown_of(card).encode(),
        "card.html": html_of(card).encode(),
        "card.json": _json(card),
        "sbom.json": json.dumps(ws.call(show_sbom, ShowCard(model=version.ref)).document, indent=1).encode(),
        "evidence.json": _json(ws.call(check, CheckEvidence(model=version.ref, profile=profile))),
        "events.jsonl": b"".join(_events(ws, version, head)),
        "head.json": _json(head),
        "check_bundle.py": (files(__package__) / "check_bundle.py").read_bytes(),
    }
    if signature is not None:
        content["model.sig"] = ws.get_blob(signature.signature)
        content["model.pub"] = signature.public_key.encode()
    manifest = {
        "format": FORMAT,
        "model": f"model:{version.ref}",
        "subjects": _subjects(ws, version),
        "workspace": head.workspace,
        "made_at": utc_text(now()),
        "made_by": f"mlops-ext {__version__}",
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(content.items())},
    }
    written = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
    sealed = {"signature": _base64(by.sign(written)), "public_key": _base64(by.public_key)}
    return _zipped({**content, "manifest.json": written, "manifest.sig": json.dumps(sealed).encode()})


def _events(ws: Workspace, version: ModelVersion, head: Head) -> Iterator[bytes]:
    """Give every event that names a version, with its data as it was hashed and its proof."""
    with ws.catalog.read() as connection:
        rows = _named(connection, version, head.seq)
        ranges = {row.seq: merkle.inclusion_ranges(row.seq - 1, head.seq) for row in rows}
        wanted = sorted({each for path in ranges.values() for each in path})
        found = dict(zip(wanted, merkle.roots(audit.leaves(connection, head.seq), wanted), strict=True))
        for row in rows:
            told = {"event": audit.hashed(row), "hash": row.hash, "data": row.data}
            path = [f"sha256:{found[each].hex()}" for each in ranges[row.seq]]
            yield json.dumps({**told, "path": path}, ensure_ascii=False).encode() + b"\n"


def _named(connection: Connection, version: ModelVersion, until: int) -> list[Row[Any]]:
    wanted = during(spans(connection, version.name), version.version, event_refs.c.ref, event_refs.c.seq)
    named = select(event_refs.c.seq).where(wanted, event_refs.c.seq <= until).distinct()
    seqs = connection.execute(named.limit(MAX_EVENTS + 1)).scalars().all()
    if len(seqs) > MAX_EVENTS:
        raise InvalidValue(f"more than {MAX_EVENTS} events name {version.ref}", hint="Export them: mlops audit export")
    joined = events.join(event_data, event_data.c.seq == events.c.seq, isouter=True)
    query = select(events, event_data.c.data).select_from(joined)
    rows: list[Row[Any]] = []
    for batch in batches(map(str, seqs)):
        rows += connection.execute(query.where(events.c.seq.in_([int(each) for each in batch])))
    return sorted(rows, key=lambda row: int(row.seq))


def _subjects(ws: Workspace, version: ModelVersion) -> list[str]:
    """Give the references by which events know a version, under the names that its model had."""
    with ws.catalog.read() as connection:
        return [f"model:{each.name}@{version.version}" for each in spans(connection, version.name)]


def _zipped(content: dict[str, bytes]) -> bytes:
    """Pack files; each carries the same time, since the manifest tells when."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o644 << 16
            target.writestr(info, data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _json(record: Record) -> bytes:
    return record.model_dump_json(indent=1, by_alias=True).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
