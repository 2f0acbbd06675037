"""The trail's head and its verification against what is kept outside the workspace."""

from __future__ import annotations

from typing import Any

import click

from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue, NotFound

__all__ = ["head", "key", "verify"]


@click.command(cls=Leaf)
@click.option("--key", "key_file", metavar="FILE", help="Private key to sign with, kept outside the workspace.")
@click.pass_obj
def head(session: Session, key_file: str | None) -> Any:
    """Show the head of the trail, signed when a key is given.

    Keep it outside the workspace: mlops audit head --json > head.json
    """
    from mlops_ext.governance import audit, signing
    from mlops_ext.models.types import NoRequest

    found = session.workspace.call(audit.head, NoRequest())
    return signing.sign(session.workspace, found, session.path(key_file)) if key_file else found


@click.command(cls=Leaf)
@click.option(
    "--head", "head_file", metavar="FILE", help="Head that was kept outside, as `audit head --json` wrote it."
)
@click.option(
    "--key", "public_key", metavar="KEY", help="Public key that must have signed that head: base64 or a file."
)
@click.pass_obj
def verify(session: Session, head_file: str | None, public_key: str | None) -> Any:
    """Check the whole trail; exit code 6 when it does not hold.

    Alone it finds every change that was not followed by rehashing the rest; with --head also a
    trail that was rewritten as a whole, or cut.
    """
    from mlops_ext.governance import audit, signing
    from mlops_ext.governance.types import Head
    from mlops_ext.models.types import NoRequest

    if public_key and not head_file:
        raise InvalidValue("--key without --head", hint="The key checks the signature of the head in --head FILE")
    if head_file:
        kept = _read(session, head_file, Head)
        if public_key:
            signing.check(kept, _key(session, public_key))
        result = audit.verify_against(session.workspace, kept)
    else:
        result = session.workspace.call(audit.verify, NoRequest())
    session.exit_code = 0 if result.ok else REFUSED
    return result


@click.command(cls=Leaf)
@click.argument("file")
@click.pass_obj
def key(session: Session, file: str) -> dict[str, Any]:
    """Make a signing key in a new FILE outside the workspace, and show its public half."""
    from mlops_ext.governance import signing

    public = signing.make_key(session.workspace, session.path(file))
    return {"public_key": public, "file": str(session.path(file))}


def _read(session: Session, file: str, kind: Any) -> Any:
    from pydantic import ValidationError

    path = session.path(file)
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise NotFound(f"cannot read {file!r}: {error.strerror}", hint="Check the path") from error
    except ValidationError as error:
        raise InvalidValue(f"{file!r} holds no head", hint="Write one: mlops audit head --json > FILE") from error


def _key(session: Session, text: str) -> str:
    path = session.path(text)
    return path.read_text(encoding="utf-8").strip() if path.is_file() else text
