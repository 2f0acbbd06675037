"""Gates on evidence: the card is filled in, the files are signed."""

from __future__ import annotations

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.governance.evidence.card import FIELDS, OPTIONAL, told
from mlops_ext.governance.evidence.signatures import newest_signature
from mlops_ext.models.promotion.gates import GateContext, gate
from mlops_ext.models.promotion.types import GateResult
from mlops_ext.workspace import Workspace

__all__ = ["card_complete", "signed"]


@gate("require")
def card_complete(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when people filled in the card: the fields in `require`, or all but those that not every model needs."""
    required = context.options.get("require", [name for name in FIELDS if name not in OPTIONAL])
    if not isinstance(required, list | tuple) or not required:
        raise InvalidValue(f"require = {required!r}", hint=f"Write a list of {', '.join(FIELDS)}")
    for name in required:
        if name not in FIELDS:
            raise InvalidValue(f"a card has no field {name!r}", hint=did_you_mean(str(name), FIELDS))
    said = told(ws, context.version)
    missing = [name for name in required if name not in said]
    message = f"not provided: {', '.join(missing)}; set tags such as card.{missing[0]}" if missing else "filled in"
    return GateResult(
        gate="card_complete",
        passed=not missing,
        value=f"{len(required) - len(missing)} of {len(required)} fields",
        bound=f"{len(required)} of {len(required)} fields",
        message=message,
    )


@gate()
def signed(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when there is a signature over the files that the version holds; loading checks it against a trusted key."""
    found = newest_signature(ws, context.version)
    message = (
        f"signed by {found.signed_by} at {found.signed_at:%Y-%m-%d}"
        if found
        else f"no signature over {context.version.ref}; sign it: mlops sign {context.version.ref} --key FILE"
    )
    value = "signed" if found else "not signed"
    return GateResult(gate="signed", passed=found is not None, value=value, bound="signed", message=message)
