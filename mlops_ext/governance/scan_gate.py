"""The gate `scan`: nothing in a version's files could run code, or policy names what may."""

from __future__ import annotations

from mlops_ext.errors import InvalidValue
from mlops_ext.models.flavors import flavor_named
from mlops_ext.models.loading import fetched
from mlops_ext.models.promotion.gates import GateContext, gate
from mlops_ext.models.promotion.types import GateResult
from mlops_ext.models.scanning import scan_folder
from mlops_ext.workspace import Workspace

__all__ = ["scan"]

_SHOWN = 5


@gate("allow", heavy=True)
def scan(ws: Workspace, context: GateContext) -> GateResult:
    """Pass when the scan of the version's files is clean, or policy allows by name all that it finds.

    The files are scanned anew, by reading them: what the version records was told by whoever registered
    it. Option: `allow`, a list of names such as `cloudpickle.cloudpickle._make_function`.
    """
    allow = context.options.get("allow", [])
    if not isinstance(allow, list | tuple) or not all(isinstance(each, str) for each in allow):
        raise InvalidValue(f"allow = {allow!r}", hint="Write a list of the names that the scan finds")
    version = context.version
    with fetched(ws, version) as folder:
        found = scan_folder(folder, flavor_named(version.flavor).untrusted(folder))
    names = sorted({finding.name for finding in found.findings})
    refused = [name for name in names if name not in allow]
    bound = f"nothing but {', '.join(allow)}" if allow else "clean"
    if refused:
        more = f" and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
        message = f"its files refer to {', '.join(refused[:_SHOWN])}{more}, which is not reviewed"
        return GateResult(gate="scan", passed=False, value=found.verdict, bound=bound, message=message)
    message = f"policy allows {', '.join(names)}" if names else "nothing in its files could run"
    return GateResult(gate="scan", passed=True, value=found.verdict, bound=bound, message=message)
