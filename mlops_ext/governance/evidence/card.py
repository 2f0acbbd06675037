"""Model cards: what should be known of a version, gathered from its record; people's part is never made up.

What only a person can say stands in tags of the version, else of its model: `card.intended_use`, `card.limitations` …
"""

from __future__ import annotations

from collections.abc import Mapping

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import ShowDataset
from mlops_ext.errors import NotFound
from mlops_ext.governance.evidence.signatures import newest_signature
from mlops_ext.governance.evidence.types import CardData, CardField, CardReport, ModelCard, ShowCard
from mlops_ext.models import service as models
from mlops_ext.models.promotion import service as promotion
from mlops_ext.models.promotion.types import ListPromotions, Promotion
from mlops_ext.models.reproductions import NotedReproduction, ShowReproduction
from mlops_ext.models.types import ModelVersion, ShowModel, ShowVersion
from mlops_ext.monitoring import service as monitoring
from mlops_ext.monitoring.groups.types import BiasReport
from mlops_ext.monitoring.types import ListReports, ShowReport
from mlops_ext.operations import every, operation
from mlops_ext.workspace import Workspace

__all__ = ["FIELDS", "PREFIX", "newest_bias", "newest_promotion", "show", "told"]

PREFIX = "card."
FIELDS = {
    "intended_use": "Intended use",
    "out_of_scope": "Uses that are out of scope",
    "limitations": "Limitations",
    "risks": "Risks and how they are managed",
    "training_data": "Where the data comes from, how it was labelled and cleaned",
    "human_oversight": "Human oversight",
    "ethical_considerations": "Ethical considerations",
    "owners": "Owners and contact",
    "license": "License",
    "task": "Task",
}
"""What only a person can say, by name, with its title."""
OPTIONAL = ("out_of_scope", "ethical_considerations", "task")
"""Those without which a card still counts as filled in."""
_DECIDED = ("promoted", "awaiting_approval", "refused")


@operation("governance.card", "GET /model-versions/{model}/card", command="card")
def show(ws: Workspace, request: ShowCard) -> ModelCard:
    """Show what should be known of a model version: its use, data, tests, decisions, and what nobody wrote down."""
    version = ws.call(models.version, ShowVersion(model=request.model))
    said = told(ws, version)
    fields = tuple(CardField(name=name, title=title, text=said.get(name, "")) for name, title in FIELDS.items())
    decided = newest_promotion(ws, version)
    reports = ws.call(monitoring.reports, ListReports(model=version.ref, limit=20))
    return ModelCard(
        model=version.name,
        fields=fields,
        data=tuple(_data(ws, ref) for ref in version.inputs),
        commit=version.git.commit if version.git else "",
        uncommitted=version.git.dirty if version.git else False,
        notebook=version.notebook or "",
        scan=version.scan.verdict if version.scan else "",
        signed=newest_signature(ws, version) is not None,
        gates=decided.gates if decided else (),
        approvals=decided.approvals if decided else (),
        decided_at=decided.requested_at if decided else None,
        reports=tuple(
            CardReport(id=each.id, kind=each.kind, window=each.window, status=each.status, at=each.created_at)
            for each in reports
        ),
        bias=newest_bias(ws, version),
        reproduction=_reproduction(ws, version),
        missing=tuple(each.name for each in fields if not each.text),
        **{name: getattr(version, name) for name in _SAME},
    )


_SAME = (
    "version", "digest", "flavor", "state", "description", "created_at", "created_by", "environments", "aliases",
    "tags", "metrics", "parameters", "importance", "signature", "files", "run", "lock",
)  # fmt: skip


def told(ws: Workspace, version: ModelVersion) -> dict[str, str]:
    """Give what people wrote into the card, by the field's name; the version's word goes over its model's."""
    model = ws.call(models.show, ShowModel(model=version.name))
    tags: Mapping[str, str] = {**model.tags, **version.tags}
    said = {key.removeprefix(PREFIX): text.strip() for key, text in tags.items() if key.startswith(PREFIX)}
    return {name: said[name] for name in FIELDS if said.get(name)}


def newest_promotion(ws: Workspace, version: ModelVersion) -> Promotion | None:
    """Give the newest decision about a version for which its gates were asked."""
    found = every(ws, promotion.list_promotions, ListPromotions(model=version.name, limit=1000))
    return next((each for each in found if each.version == version.version and each.state in _DECIDED), None)


def _reproduction(ws: Workspace, version: ModelVersion) -> NotedReproduction | None:
    try:
        return ws.call(models.reproduction, ShowReproduction(model=version.ref))
    except NotFound:
        return None


def newest_bias(ws: Workspace, version: ModelVersion) -> BiasReport | None:
    """Give the newest stored report on how a version treats groups."""
    found = ws.call(monitoring.reports, ListReports(model=version.ref, kind="bias", limit=1)).items
    if not found:
        return None
    whole = ws.call(monitoring.show, ShowReport(report=found[0].id))
    about = {"model": whole.model, "window": whole.window, "report": whole.ref}
    return BiasReport.model_validate({**whole.details, **about})


def _data(ws: Workspace, ref: str) -> CardData:
    if not ref.startswith("dataset:"):
        return CardData(ref=ref)
    try:
        found = ws.call(datasets.show, ShowDataset(dataset=ref))
    except NotFound:
        return CardData(ref=ref)
    return CardData(ref=ref, digest=found.digest, rows=found.rows, columns=len(found.schema_))
