"""Promotes, and asks gates: every gate is shown with value, bound and verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.tree import Leaf

if TYPE_CHECKING:
    from mlops_ext.models.promotion.types import GateResults

__all__ = ["check", "promote"]


@click.command(cls=Leaf)
@click.argument("model")
@click.option("--to", required=True, help="Environment that shall serve it, or guarded alias that shall point at it.")
@click.option("--comment", default="", help="Why.")
@click.option("--dry-run", is_flag=True, help="Ask all gates and record nothing.")
@click.option("--break-glass", is_flag=True, help="Go past the gates; --comment says why, and a review is owed.")
@click.pass_obj
def promote(session: Session, model: str, to: str, comment: str, dry_run: bool, break_glass: bool) -> Any:
    """Let an environment serve MODEL, when all gates of the applied policy pass."""
    from mlops_ext.errors import InvalidValue
    from mlops_ext.models.promotion import edge as promoting
    from mlops_ext.models.promotion.service import refusal
    from mlops_ext.models.promotion.types import Promote

    if dry_run:
        return _checked(session, model, to)
    if break_glass:
        if not comment:
            raise InvalidValue("--break-glass without --comment", hint="Say why it cannot wait: --comment REASON")
        return promoting.promote(model, to, comment=comment, break_glass=True, workspace=session.workspace)
    with session.messages.status("asking the gates …"):
        promotion = promoting.settled(session.workspace, Promote(model=model, to=to, comment=comment))
    if promotion.state in ("refused", "failed", "voided"):
        session.exit_code = REFUSED if promotion.state == "refused" else 1
    if promotion.state == "refused":
        error = refusal(promotion)
        session.messages.print(f"{error.message}\n{error.hint}", markup=False, highlight=False)
    elif promotion.note:
        session.messages.print(promotion.note, markup=False, highlight=False)
    return promotion


@click.command(cls=Leaf)
@click.argument("model")
@click.option("--to", required=True, help="Environment or guarded alias whose gates to ask.")
@click.pass_obj
def check(session: Session, model: str, to: str) -> Any:
    """Ask all gates of an environment about MODEL and record nothing."""
    return _checked(session, model, to)


def _checked(session: Session, model: str, to: str) -> GateResults:
    from mlops_ext.models.promotion import edge as promoting

    with session.messages.status("asking the gates …"):
        results = promoting.check(model, to, workspace=session.workspace)
    if not results.passed:
        session.exit_code = REFUSED
    return results
