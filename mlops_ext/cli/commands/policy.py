"""Puts the policy of a file in force."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue, NotFound

__all__ = ["apply"]


@click.command(cls=Leaf)
@click.argument("file", default="mlops.toml")
@click.pass_obj
def apply(session: Session, file: str) -> Any:
    """Put the section [policy] of FILE in force; promotion asks this one only."""
    from pydantic import ValidationError

    from mlops_ext.models import policy
    from mlops_ext.models.decisions import ApplyPolicy
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
    return session.workspace.call(policy.apply, ApplyPolicy(policy=policy.read_policy(settings)))
