"""Sets the tags of a model or a version, written one after the other as KEY=VALUE."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue

__all__ = ["tag"]


@click.command(cls=Leaf)
@click.argument("model")
@click.argument("tags", nargs=-1, required=True, metavar="KEY=VALUE…")
@click.pass_obj
def tag(session: Session, model: str, tags: tuple[str, ...]) -> Any:
    """Set tags of MODEL, or of a version when one is named (MODEL@3); the others stay."""
    from mlops_ext.models import service
    from mlops_ext.models.types import SetTags

    return session.workspace.call(service.tag, SetTags(model=model, tags=dict(map(_pair, tags))))


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InvalidValue(f"{text!r} is no KEY=VALUE", hint="Write team=weather, in quotes when it has spaces")
    return key, value
