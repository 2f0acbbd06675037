"""Cards, bills of materials, signatures and bundles as files."""

from __future__ import annotations

import json
from typing import Any

import click

from mlops_ext.cli.files import write_whole
from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Leaf

__all__ = ["bundle", "card", "sbom", "sign", "verify"]


@click.command(cls=Leaf)
@click.argument("model")
@click.option("--format", "form", type=click.Choice(["md", "html", "json"]), default="md", show_default=True)
@click.option("-o", "--output", metavar="FILE", help="Where to; stdout when left out.")
@click.pass_obj
def card(session: Session, model: str, form: str, output: str | None) -> Any:
    """Write the card of MODEL: what should be known of it, and what nobody has provided.

    What only a person can say is read from tags, such as card.intended_use.
    """
    from mlops_ext.governance.evidence import card as cards
    from mlops_ext.governance.evidence.pages import html_of, markdown_of
    from mlops_ext.governance.evidence.types import ShowCard

    found = session.workspace.call(cards.show, ShowCard(model=model))
    if output is None and (form == "json" or session.json):
        return found
    written = {"md": markdown_of, "html": html_of}.get(form, lambda each: each.model_dump_json(indent=1) + "\n")(found)
    return _to(session, output, written)


@click.command(cls=Leaf)
@click.argument("model")
@click.option("-o", "--output", metavar="FILE", help="Where to; stdout when left out.")
@click.pass_obj
def sbom(session: Session, model: str, output: str | None) -> Any:
    """Write what MODEL consists of as CycloneDX 1.6: its files, data, packages and card."""
    from mlops_ext.governance.evidence import sbom as materials
    from mlops_ext.governance.evidence.types import ShowCard

    found = session.workspace.call(materials.show, ShowCard(model=model)).document
    if session.json and output is None:
        return found
    return _to(session, output, json.dumps(found, indent=1, ensure_ascii=False) + "\n")


@click.command(cls=Leaf)
@click.argument("model")
@click.option("--key", required=True, metavar="PEM", help="Private elliptic-curve key; it is stored nowhere.")
@click.pass_obj
def sign(session: Session, model: str, key: str) -> Any:
    """Sign the files of MODEL as OpenSSF model-signing does, offline, and keep the signature with the version."""
    from mlops_ext.governance.evidence import signatures

    return signatures.sign(session.workspace, model, session.path(key))


@click.command(cls=Leaf)
@click.argument("model")
@click.option("--public-key", required=True, metavar="PEM", help="Of the signer, from a place that you trust.")
@click.pass_obj
def verify(session: Session, model: str, public_key: str) -> Any:
    """Check the signature of MODEL and its files against it, offline; exit code 6 when it does not hold."""
    from mlops_ext.governance.evidence import signatures

    return signatures.verify(session.workspace, model, session.path(public_key))


@click.command(cls=Leaf)
@click.argument("model")
@click.option("-o", "--output", required=True, metavar="FILE", help="The zip.")
@click.option("--key", default="", metavar="FILE", help="Ed25519 key outside the workspace; else MLOPS_AUDIT_KEY.")
@click.option("--profile", default="none", show_default=True, help="Whose evidence is checked, too.")
@click.pass_obj
def bundle(session: Session, model: str, output: str, key: str, profile: str) -> dict[str, Any]:
    """Put what is on record about MODEL into one signed zip.

    Whoever gets it checks it with the script in it: python check_bundle.py FILE PUBLIC_KEY
    """
    from mlops_ext.governance import signing
    from mlops_ext.governance.evidence import bundle as bundles

    wanted = key if not key or key.startswith(signing.PLUGIN) else session.path(key)
    data = bundles.bundle(session.workspace, model, wanted, profile)
    return {"file": output, "bytes": write_whole(session.path(output), [data])}


def _to(session: Session, output: str | None, text: str) -> Any:
    if output is None:
        click.echo(text, nl=False)
        return None
    return {"file": output, "bytes": write_whole(session.path(output), [text.encode()])}
