"""Promotion from a notebook or a script: ask, wait for the gates, approve, roll back."""

from __future__ import annotations

import time
from collections.abc import Callable

from mlops_ext.errors import RunFailed
from mlops_ext.models import service
from mlops_ext.models.promotion import evaluation
from mlops_ext.models.promotion.service import refusal
from mlops_ext.models.promotion.types import (
    Approve,
    BreakGlass,
    CheckGates,
    Deployment,
    GateResults,
    ListDeployments,
    Promote,
    Promotion,
    Reject,
    Rollback,
    ShowPromotion,
)
from mlops_ext.models.promotion.why import ShowWhy, Why
from mlops_ext.models.types import ModelVersion
from mlops_ext.records import Page
from mlops_ext.workspace import Workspace

__all__ = ["approve", "check", "deployments", "promote", "reject", "rollback", "settled", "why"]

_POLL_SECONDS = 0.1


def promote(
    ref: str | ModelVersion,
    to: str,
    *,
    comment: str = "",
    break_glass: bool = False,
    workspace: Workspace | None = None,
) -> Promotion:
    """Let an environment serve a version, when all gates of the applied policy pass.

    Parameters
    ----------
    ref : str or ModelVersion
        The version.
    to : str
        The environment, or an alias that policy guards.
    comment : str
        Why.
    break_glass : bool
        Go past the gates; the comment must say why, and somebody else owes it a review.

    Returns
    -------
    Promotion
        Its `state` is `promoted`, or `awaiting_approval` when policy asks for approvals.

    Raises
    ------
    CheckRefused
        A gate says no; the message names it with its reason, the hint what would make it pass.
    RunFailed
        The gates could not be asked.

    Examples
    --------
    >>> mlops.promote("delay@latest", to="production")  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    if break_glass:
        return ws.call(service.break_glass, BreakGlass(model=_text(ref), to=to, comment=comment))
    promotion = settled(ws, Promote(model=_text(ref), to=to, comment=comment))
    if promotion.state == "refused":
        raise refusal(promotion)
    if promotion.state not in ("promoted", "awaiting_approval"):
        raise RunFailed(f"the promotion is {promotion.state}: {promotion.error}", hint="Promote again")
    return promotion


def settled(ws: Workspace, request: Promote, on_wait: Callable[[Promotion], None] | None = None) -> Promotion:
    """Ask for a promotion and wait until its gates have answered; take it over when nobody asks them any more.

    Parameters
    ----------
    request : Promote
        What is asked for.
    on_wait : callable, optional
        Told of the record while it is being evaluated.
    """
    promotion = first = ws.call(service.promote, request)
    while promotion.state == "evaluating":
        if on_wait is not None:
            on_wait(promotion)
        time.sleep(_POLL_SECONDS)
        promotion = ws.call(service.show_promotion, ShowPromotion(promotion=promotion.id))
        if promotion.stalled:
            promotion = ws.call(service.promote, request)
    return promotion.model_copy(update={"note": first.note})


def check(ref: str | ModelVersion, to: str, *, workspace: Workspace | None = None) -> GateResults:
    """Ask all gates of an environment about a version and record nothing.

    Gates that load a model or run a notebook are asked in a child process; over HTTP they stay pending.

    Parameters
    ----------
    ref : str or ModelVersion
        The version.
    to : str
        The environment, or an alias that policy guards.

    Examples
    --------
    >>> mlops.check("delay@latest", to="production").passed  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    results = ws.call(service.check, CheckGates(model=_text(ref), to=to))
    unasked = any(gate.pending and gate.gate != "approvals" for gate in results.gates)
    if unasked and isinstance(ws, Workspace):
        return evaluation.check_apart(ws, results.model, to)
    return results


def approve(promotion: str | Promotion, *, comment: str = "", workspace: Workspace | None = None) -> Promotion:
    """Say yes to a promotion that waits; the last approval that policy asks for promotes.

    Parameters
    ----------
    promotion : str or Promotion
        Its id, the id's first digits, or `delay@production` for the one that waits there.
    comment : str
        Why.

    Raises
    ------
    Forbidden
        Who asks for a promotion or made the version cannot approve it.
    Conflict
        It waits no more: it is over, expired or voided.
    """
    ws = workspace or Workspace.find()
    return ws.call(service.approve, Approve(promotion=_id(promotion), comment=comment))


def reject(promotion: str | Promotion, *, comment: str, workspace: Workspace | None = None) -> Promotion:
    """Say no to a promotion that waits, and why.

    Parameters
    ----------
    promotion : str or Promotion
        As for `approve`.
    comment : str
        Why not.
    """
    ws = workspace or Workspace.find()
    return ws.call(service.reject, Reject(promotion=_id(promotion), comment=comment))


def rollback(
    ref: str | Deployment | Promotion,
    *,
    version: int | None = None,
    comment: str = "",
    workspace: Workspace | None = None,
) -> Deployment:
    """Let an environment serve again what it served before.

    Parameters
    ----------
    ref : str, Deployment or Promotion
        `delay@production`.
    version : int, optional
        One that it served at some time; the one before the current when left out.
    comment : str
        Why.

    Examples
    --------
    >>> mlops.rollback("delay@production", comment="late night")  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    return ws.call(service.rollback, Rollback(model=_text(ref), version=version, comment=comment))


def why(ref: str | Deployment | Promotion, *, workspace: Workspace | None = None) -> Why:
    """Say why an environment serves what it serves: gates, approvers, run, data, and what changed.

    Parameters
    ----------
    ref : str, Deployment or Promotion
        `delay@production`.

    Examples
    --------
    >>> mlops.why("delay@production").approvals  # doctest: +SKIP
    """
    ws = workspace or Workspace.find()
    return ws.call(service.explain, ShowWhy(model=_text(ref)))


def deployments(
    model: str, environment: str = "", *, limit: int = 100, cursor: str = "", workspace: Workspace | None = None
) -> Page[Deployment]:
    """List what the environments served of a model, newest first."""
    ws = workspace or Workspace.find()
    request = ListDeployments(model=model, environment=environment, limit=limit, cursor=cursor)
    return ws.call(service.deployments, request)


def _text(ref: str | ModelVersion | Deployment | Promotion) -> str:
    return ref if isinstance(ref, str) else ref.ref


def _id(promotion: str | Promotion) -> str:
    return promotion if isinstance(promotion, str) else promotion.id
