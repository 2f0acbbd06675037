"""What is on record about a version, checked against what a profile asks for: present, missing or stale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlops_ext.errors import InvalidValue
from mlops_ext.governance.evidence.card import FIELDS, newest_promotion, told
from mlops_ext.governance.evidence.profiles import Duty, Profile, read_profile
from mlops_ext.governance.evidence.signatures import newest_signature
from mlops_ext.governance.evidence.types import CheckEvidence, Evidence, EvidenceReport, FilesSignature
from mlops_ext.governance.retention import current_retention
from mlops_ext.governance.types import Retention
from mlops_ext.models import service as models
from mlops_ext.models.promotion.types import Promotion
from mlops_ext.models.types import ModelVersion, ShowVersion
from mlops_ext.monitoring import service as monitoring
from mlops_ext.monitoring.types import ListReports, Report
from mlops_ext.operations import operation
from mlops_ext.records import now
from mlops_ext.workspace import Workspace

__all__ = ["KNOWN", "Facts", "check", "gathered"]


@dataclass(frozen=True)
class Facts:
    """All that the answers are read from."""

    version: ModelVersion
    said: Mapping[str, str]
    promotion: Promotion | None
    reports: tuple[Report, ...]
    signature: FilesSignature | None
    retention: Retention
    profile: Profile


@dataclass(frozen=True)
class Found:
    """What is on record, in a few words; of no age when it belongs to the version itself."""

    detail: str
    at: datetime | None = None


@operation("governance.evidence", "GET /model-versions/{model}/evidence", command="evidence check")
def check(ws: Workspace, request: CheckEvidence) -> EvidenceReport:
    """Check which evidence a profile asks for is on record: present, missing or stale.

    It says nothing about whether evidence suffices, nor whether anything complies: that is for people to judge.
    """
    profile = read_profile(request.profile)
    facts = gathered(ws, request.model, profile)
    items = tuple(_answer(duty, facts) for duty in profile.duties)
    counts = {status: sum(each.status == status for each in items) for status in ("present", "missing", "stale")}
    return EvidenceReport(
        model=facts.version.name,
        version=facts.version.version,
        profile=profile.name,
        title=profile.title,
        note=profile.note,
        items=items,
        **counts,
    )


def gathered(ws: Workspace, model: str, profile: Profile) -> Facts:
    """Read the facts about one version."""
    version = ws.call(models.version, ShowVersion(model=model))
    with ws.catalog.read() as connection:
        retention = current_retention(connection)
    return Facts(
        version=version,
        said=told(ws, version),
        promotion=newest_promotion(ws, version),
        reports=ws.call(monitoring.reports, ListReports(model=version.ref, limit=1000)).items,
        signature=newest_signature(ws, version),
        retention=retention,
        profile=profile,
    )


def _answer(duty: Duty, facts: Facts) -> Evidence:
    if duty.needs not in KNOWN:
        raise InvalidValue(f"profile {facts.profile.name!r} asks for {duty.needs!r}", hint="See: mlops evidence check")
    found = KNOWN[duty.needs](facts)
    about = {"needs": duty.needs, "rule": duty.rule, "about": duty.about}
    if found is None:
        return Evidence(status="missing", detail=_remedy(duty.needs, facts), **about)
    late = duty.max_age_days and found.at and found.at < now() - timedelta(days=duty.max_age_days)
    detail = f"{found.detail}; older than {duty.max_age_days} days" if late else found.detail
    return Evidence(status="stale" if late else "present", detail=detail, at=found.at, **about)


def _remedy(needs: str, facts: Facts) -> str:
    """Say what would put it on record."""
    if needs in FIELDS:
        return f"not provided: set the tag card.{needs} of {facts.version.ref} or of its model"
    if needs == "retention":
        return (
            f"events are kept {facts.retention.days} days on record: mlops audit retain --profile {facts.profile.name}"
        )
    return "nothing is on record"


def _field(name: str) -> Callable[[Facts], Found | None]:
    return lambda facts: Found(facts.said[name][:200]) if name in facts.said else None


def _of(name: str) -> Callable[[Facts], Found | None]:
    """Look at a part of the version that is there or not."""

    def look(facts: Facts) -> Found | None:
        value = getattr(facts.version, name)
        if not value:
            return None
        return Found(value if isinstance(value, str) else f"{len(value)} on record")

    return look


def _code(facts: Facts) -> Found | None:
    git = facts.version.git
    if git is None:
        return None
    return Found(f"commit {git.commit[:12]}" + (", with an uncommitted difference on record" if git.dirty else ""))


def _environment(facts: Facts) -> Found | None:
    lock = facts.version.lock
    return None if lock is None else Found(f"Python {lock.python}, {len(lock.packages)} packages with exact versions")


def _io_signature(facts: Facts) -> Found | None:
    shape = facts.version.signature
    return Found(f"{len(shape.inputs)} inputs, {len(shape.outputs)} outputs") if shape.inputs else None


def _scan(facts: Facts) -> Found | None:
    scan = facts.version.scan
    return None if scan is None else Found(f"{scan.verdict}, {len(scan.findings)} findings, rules {scan.scanner}")


def _gates(facts: Facts) -> Found | None:
    asked = facts.promotion
    if asked is None or not asked.gates:
        return None
    passed = sum(each.passed for each in asked.gates)
    return Found(f"{passed} of {len(asked.gates)} passed for {asked.environment}", asked.requested_at)


def _approval(facts: Facts) -> Found | None:
    asked = facts.promotion
    others = (each for each in (asked.approvals if asked else ()) if each.decision == "approved")
    allowed = [
        each for each in others if each.by not in (facts.version.created_by, asked.requested_by if asked else "")
    ]
    if not allowed or asked is None:
        return None
    note = ", advisory: nothing enforces it" if asked.advisory else ""
    return Found(f"by {', '.join(each.by for each in allowed)}{note}", max(each.at for each in allowed))


def _deployment(facts: Facts) -> Found | None:
    return Found(f"in {', '.join(facts.version.environments)}") if facts.version.environments else None


def _signature(facts: Facts) -> Found | None:
    signed = facts.signature
    return None if signed is None else Found(f"by {signed.signed_by}, not verified here", signed.signed_at)


def _report(*kinds: str) -> Callable[[Facts], Found | None]:
    """Look at the newest report of some kinds."""

    def look(facts: Facts) -> Found | None:
        found = [each for each in facts.reports if each.kind in kinds]
        if not found:
            return None
        newest = max(found, key=lambda each: each.created_at)
        return Found(f"{newest.kind} of {newest.window}: {newest.status}", newest.created_at)

    return look


def _fairness(facts: Facts) -> Found | None:
    """Look at the gate of the newest promotion, else at the newest report on groups."""
    asked = facts.promotion
    gate = next((each for each in (asked.gates if asked else ()) if each.gate == "fairness"), None)
    if gate is None or asked is None or gate.pending:
        return _report("bias")(facts)
    return Found(f"{gate.verdict}: {gate.message}"[:200], asked.requested_at)


def _retention(facts: Facts) -> Found | None:
    kept, asked = facts.retention, facts.profile.retention_days
    enough = kept.set_at is not None and kept.days >= asked
    return Found(f"{kept.days} days by profile {kept.profile!r}") if enough else None


KNOWN: dict[str, Callable[[Facts], Found | None]] = {
    **{name: _field(name) for name in FIELDS},
    "run": _of("run"),
    "inputs": _of("inputs"),
    "metrics": _of("metrics"),
    "parameters": _of("parameters"),
    "notebook": _of("notebook"),
    "code": _code,
    "environment": _environment,
    "io_signature": _io_signature,
    "scan": _scan,
    "gates": _gates,
    "approval": _approval,
    "deployment": _deployment,
    "signature": _signature,
    "monitoring": _report("drift", "performance"),
    "outcomes": _report("performance"),
    "fairness": _fairness,
    "retention": _retention,
}
"""Each kind of evidence by its name, and how it is found."""
