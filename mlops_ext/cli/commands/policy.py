"""Puts the policy of a file in force, or says what that would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue, NotFound

if TYPE_CHECKING:
    from mlops_ext.models.promotion.types import Policy

__all__ = ["apply", "check"]


@click.command(cls=Leaf)
@click.argument("file", default="mlops.toml")
@click.pass_obj
def apply(session: Session, file: str) -> Any:
    """Put the section [policy] of FILE in force; promotion asks this one only."""
    from mlops_ext.models.promotion import policy
    from mlops_ext.models.promotion.types import ApplyPolicy

    return session.workspace.call(policy.apply, ApplyPolicy(policy=_read(session, file)))


@click.command(cls=Leaf)
@click.argument("file", default="mlops.toml")
@click.pass_obj
def check(session: Session, file: str) -> Any:
    """Read the section [policy] of FILE, refuse what is wrong in it, and say what applying it would change."""
    from mlops_ext.models.promotion import policy
    from mlops_ext.models.promotion.types import PolicyCheck
    from mlops_ext.models.types import NoRequest

    local = _read(session, file)
    applied = session.workspace.call(policy.show, NoRequest())
    changes = policy.changes(local, applied.policy)
    digest = policy.policy_digest(local, session.workspace.algorithm)
    return PolicyCheck(file=file, digest=digest, in_force=not changes, changes=changes)


def _read(session: Session, file: str) -> Policy:
    from pydantic import ValidationError

    from mlops_ext.models.promotion import policy
    from mlops_ext.settings import Settings, explain, parse_toml

    path = session.path(file)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"cannot read {file!r}: {error.strerror}", hint="Name the file with the policy") from error
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{file!r} is no text in UTF-8", hint="Save it as UTF-8") from error
    data = parse_toml(text, str(path))
    if "policy" not in data:
        raise InvalidValue(f"{file!r} has no section [policy]", hint="See docs/settings.md")
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        raise explain(error, str(path), text, Settings) from error
    return policy.read_policy(settings, text, file)
