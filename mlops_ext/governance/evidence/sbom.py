"""What a version consists of, as a CycloneDX 1.6 bill of materials with the model's card (an ML-BOM).

The library of CycloneDX has no model cards yet, so the document is written here and checked against its schema in the
tests. It holds what the record says and nothing else: no licenses or suppliers are guessed.
"""

from __future__ import annotations

import math
import uuid
from typing import Any

from mlops_ext._version import __version__
from mlops_ext.governance.evidence.card import show as show_card
from mlops_ext.governance.evidence.types import CardData, MaterialsBill, ModelCard, ShowCard
from mlops_ext.operations import operation
from mlops_ext.store.schema import utc_text
from mlops_ext.workspace import Workspace

__all__ = ["show"]

_ALGORITHMS = {"b3": "BLAKE3", "sha256": "SHA-256"}
_CONSIDERATIONS = {"intended_use": "useCases", "limitations": "technicalLimitations"}


@operation("governance.sbom", "GET /model-versions/{model}/sbom", command="sbom")
def show(ws: Workspace, request: ShowCard) -> MaterialsBill:
    """Show what a version consists of, as a CycloneDX 1.6 document: its files, data, packages and card."""
    return MaterialsBill(document=document(ws.call(show_card, request)))


def document(card: ModelCard) -> dict[str, Any]:
    """Write the document; the same version gives the same one, but for what happened since."""
    model = f"model:{card.ref}"
    data = [_data(each) for each in card.data]
    packages = [_package(name, version) for name, version in sorted((card.lock.packages if card.lock else {}).items())]
    files = [_file(model, file.path, file.digest, file.sha256) for file in card.files]
    component = {
        "type": "machine-learning-model",
        "bom-ref": model,
        "name": card.model,
        "version": str(card.version),
        "modelCard": _model_card(card),
        "properties": _properties(card),
        "components": files,
    }
    if card.description:
        component["description"] = card.description
    needs = [each["bom-ref"] for each in (*data, *packages)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{model} {card.digest}')}",
        "version": 1,
        "metadata": {
            "timestamp": utc_text(card.created_at),
            "tools": {"components": [{"type": "application", "name": "mlops-ext", "version": __version__}]},
            "component": component,
        },
        "components": [*data, *packages],
        "dependencies": [{"ref": model, "dependsOn": needs}, *({"ref": each} for each in needs)],
    }


def _model_card(card: ModelCard) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        "inputs": [{"format": f"{each.name}: {each.type}"} for each in card.signature.inputs],
        "outputs": [{"format": f"{each.name}: {each.type}"} for each in card.signature.outputs],
        "datasets": [{"ref": each.ref} for each in card.data if each.ref.startswith("dataset:")],
    }
    said = {each.name: each.text for each in card.fields if each.text}
    if "task" in said:
        parameters["task"] = said["task"]
    found: dict[str, Any] = {"bom-ref": f"card:{card.ref}", "modelParameters": parameters}
    measured = [{"type": name, "value": _number(value)} for name, value in sorted(card.metrics.items())]
    if measured:
        found["quantitativeAnalysis"] = {"performanceMetrics": measured}
    considerations: dict[str, Any] = {key: [said[name]] for name, key in _CONSIDERATIONS.items() if name in said}
    for name in ("risks", "ethical_considerations"):
        if name in said:
            considerations.setdefault("ethicalConsiderations", []).append({"name": said[name]})
    if considerations:
        found["considerations"] = considerations
    return found


def _properties(card: ModelCard) -> list[dict[str, str]]:
    """Say the rest of the record under names of our own."""
    pairs = {
        "digest": card.digest,
        "flavor": card.flavor,
        "run": card.run,
        "git:commit": card.commit,
        "git:uncommitted": "true" if card.uncommitted else "",
        "notebook": card.notebook,
        "python": card.lock.python if card.lock else "",
        "platform": card.lock.platform if card.lock else "",
        "scan": card.scan,
        "signed": "true" if card.signed else "",
        "license": next((each.text for each in card.fields if each.name == "license"), ""),
    }
    pairs |= {f"parameter:{name}": value for name, value in sorted(card.parameters.items())}
    return [{"name": f"mlops-ext:{name}", "value": value} for name, value in pairs.items() if value]


def _data(data: CardData) -> dict[str, Any]:
    kind, _, ref = data.ref.partition(":")
    name, _, version = ref.rpartition("@")
    found: dict[str, Any] = {"type": "data", "bom-ref": data.ref, "name": name or ref, "version": version}
    # A digest of logical content is no hash of bytes, so it stands among the properties.
    pairs = {"kind": kind, "digest": data.digest, "rows": "" if data.rows is None else str(data.rows)}
    found["properties"] = [{"name": f"mlops-ext:{key}", "value": value} for key, value in pairs.items() if value]
    return found


def _package(name: str, version: str) -> dict[str, Any]:
    from urllib.parse import quote

    normal = name.lower().replace("_", "-").replace(".", "-")
    purl = f"pkg:pypi/{quote(normal, safe='')}@{quote(version, safe='')}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _file(model: str, path: str, digest: str, sha256: str) -> dict[str, Any]:
    hashes = [{"alg": "SHA-256", "content": sha256}]
    hashes += [] if digest.startswith("sha256:") else [_hash(digest)]
    return {"type": "file", "bom-ref": f"{model}#{path}", "name": path, "hashes": hashes}


def _hash(digest: str) -> dict[str, str]:
    algorithm, _, content = digest.partition(":")
    return {"alg": _ALGORITHMS[algorithm], "content": content}


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else str(value)
