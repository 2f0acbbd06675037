"""The trail's head, kept outside or sent there; the verification against it; the trail as a file."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from mlops_ext.cli.files import write_whole
from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import InvalidValue, NotFound

__all__ = ["anchor", "export", "head", "key", "verify"]


_KEY = "Key to sign with: a file outside the workspace, or plugin:NAME; else MLOPS_AUDIT_KEY."


@click.command(cls=Leaf)
@click.option("--key", metavar="FILE", default="", help=_KEY)
@click.pass_obj
def head(session: Session, key: str) -> Any:
    """Show the head of the trail, signed when there is a key.

    Keep it outside the workspace: mlops audit head --json > head.json
    """
    return _head(session, key)


@click.command(cls=Leaf)
@click.option("--key", metavar="FILE", default="", help=_KEY)
@click.pass_obj
def anchor(session: Session, key: str) -> dict[str, Any]:
    """Send the head of the trail to the anchor that mlops.toml names, signed when there is a key."""
    from mlops_ext.governance import anchor as anchoring

    found = _head(session, key)
    status = anchoring.keep(session.workspace, found, session.workspace.settings.audit)
    return {"seq": found.seq, "root": found.root, "signed": bool(found.signature), "status": status}


@click.command(cls=Leaf)
@click.option("-o", "--output", metavar="FILE", help="Where to; stdout when left out.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--filter", "filter_", metavar="TEXT", default="", help="As `audit log` takes it.")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Only events after this number.")
@click.pass_obj
def export(session: Session, output: str | None, form: str, filter_: str, after: int) -> Any:
    """Write events with their data, one a line; what is written first stands first in the trail."""
    from mlops_ext.governance import audit
    from mlops_ext.governance.export import lines_of
    from mlops_ext.governance.types import ListEvents
    from mlops_ext.operations import every

    found = every(session.workspace, audit.log, ListEvents(filter=filter_, after=after, limit=1000))
    lines = lines_of(found, form)
    if output is None:
        for line in lines:
            sys.stdout.write(line.decode())
        return None
    size = write_whole(session.path(output), lines)
    return {"file": output, "bytes": size}


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
    from mlops_ext.cli.progress import Bar
    from mlops_ext.governance import audit, signing
    from mlops_ext.governance.types import Head, ShowHead

    if public_key and not head_file:
        raise InvalidValue("--key without --head", hint="The key checks the signature of the head in --head FILE")
    kept = _read(session, head_file, Head) if head_file else None
    if kept is not None and public_key:
        signing.check(kept, _key(session, public_key))
    total = session.workspace.call(audit.head, ShowHead()).seq
    with Bar(session, "events", total) as bar:
        result = audit.verify_trail(session.workspace, kept, bar.update)
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


def _head(session: Session, key: str) -> Any:
    from mlops_ext.governance import audit, signing
    from mlops_ext.governance.types import ShowHead

    found = session.workspace.call(audit.head, ShowHead(root=True))
    wanted = key if not key or key.startswith(signing.PLUGIN) else session.path(key)
    return signing.sign(session.workspace, found, wanted) if wanted or signing.VARIABLE in os.environ else found


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
