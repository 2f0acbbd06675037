"""A model card as a page: Markdown with the front matter of the Hugging Face Hub, or HTML; nothing in it can act."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from mlops_ext.governance.evidence.types import ModelCard
from mlops_ext.records import text_of

__all__ = ["NOT_PROVIDED", "html_of", "markdown_of"]

NOT_PROVIDED = "not provided"
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~<>&$-])")

_RATES = ("base_rate", "selection_rate", "true_positive_rate", "false_positive_rate", "accuracy")

Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]


def markdown_of(card: ModelCard) -> str:
    """Write a card as Markdown.

    Parameters
    ----------
    card : ModelCard
        From the operation `governance.card`.

    Returns
    -------
    str
        A README.md for the Hub. What people wrote stands as text: markup in it is shown, not obeyed.
    """
    parts = [_front_matter(card), f"# {_plain(card.ref)}", _plain(card.description) or f"*{NOT_PROVIDED}*"]
    for field in card.fields:
        parts += [f"## {field.title}", _plain(field.text) or f"*{NOT_PROVIDED}*"]
    for title, head, rows in _tables(card):
        parts += [f"## {title}", _markdown_table(head, rows) if rows else "*nothing on record*"]
    return "\n\n".join(parts) + "\n"


def html_of(card: ModelCard) -> str:
    """Write a card as one HTML page without scripts, styles from elsewhere or links."""
    title = html.escape(card.ref)
    parts = [f"<h1>{title}</h1>", _paragraph(card.description)]
    for field in card.fields:
        parts += [f"<h2>{html.escape(field.title)}</h2>", _paragraph(field.text)]
    for name, head, rows in _tables(card):
        parts += [
            f"<h2>{html.escape(name)}</h2>",
            _html_table(head, rows) if rows else "<p><em>nothing on record</em></p>",
        ]
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


_STYLE = (
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{border:1px solid #999;padding:.3em .6em;text-align:left}"
    "p{white-space:pre-wrap}td{overflow-wrap:anywhere}"
)


def _front_matter(card: ModelCard) -> str:
    """Write the Hub's metadata; each value as JSON, which YAML reads as it stands."""
    said = {field.name: field.text for field in card.fields if field.text}
    values: dict[str, Any] = {"library_name": card.flavor}
    if "license" in said:
        values["license"] = said["license"]
    if "task" in said:
        values["pipeline_tag"] = said["task"]
    values["tags"] = [
        "mlops-ext",
        *(f"{key}:{value}" for key, value in card.tags.items() if not key.startswith("card.")),
    ]
    values["datasets"] = [each.ref.removeprefix("dataset:") for each in card.data]
    finite = {name: value for name, value in card.metrics.items() if math.isfinite(value)}
    values["metrics"] = sorted(finite)
    if finite and "task" in said:
        trained = card.data[0].ref.removeprefix("dataset:") if card.data else NOT_PROVIDED
        metrics = [{"type": name, "name": name, "value": value, "verified": False} for name, value in finite.items()]
        dataset = {"name": NOT_PROVIDED, "type": NOT_PROVIDED, "args": {"trained_on": trained}}
        values["model-index"] = [
            {"name": card.model, "results": [{"task": {"type": said["task"]}, "dataset": dataset, "metrics": metrics}]}
        ]
    return "\n".join(["---", *(f"{key}: {json.dumps(value)}" for key, value in values.items()), "---"])


def _tables(card: ModelCard) -> Iterator[Table]:
    """Give what the record says, as tables."""
    yield "Version", ("", ""), [pair for pair in _facts(card) if pair[1]]
    yield "Metrics", ("metric", "value"), [(name, text_of(value)) for name, value in sorted(card.metrics.items())]
    yield "Parameters", ("parameter", "value"), sorted(card.parameters.items())
    largest = sorted(card.importance.items(), key=lambda each: -each[1])[:20]
    yield "Feature importance", ("feature", "share"), [(name, f"{share:.3f}") for name, share in largest]
    rows = [(each.ref, each.digest, text_of(each.rows), text_of(each.columns)) for each in card.data]
    yield "Trained on", ("version", "digest", "rows", "columns"), rows
    yield "Inputs", ("name", "type"), [(each.name, each.type) for each in card.signature.inputs]
    yield "Outputs", ("name", "type"), [(each.name, each.type) for each in card.signature.outputs]
    gates = [(each.gate, each.verdict, text_of(each.value), text_of(each.bound), each.message) for each in card.gates]
    yield "Gates", ("gate", "verdict", "value", "bound", "message"), gates
    said = [(each.by, each.decision, each.auth, each.comment, text_of(each.at)) for each in card.approvals]
    yield "Approvals", ("by", "decision", "known by", "comment", "at"), said
    seen = [(each.kind, each.window, each.status, text_of(each.at)) for each in card.reports]
    yield "Observed", ("report", "window", "status", "at"), seen
    yield from _bias(card)
    yield "Files", ("path", "bytes", "SHA-256"), [(each.path, str(each.size), each.sha256) for each in card.files]


def _bias(card: ModelCard) -> Iterator[Table]:
    """Give how it treats groups, as the newest report has it; the title tells on what and by which constants."""
    found = card.bias
    head = ("between the groups of", "measure", "value", "lowest", "highest")
    if found is None:
        yield "Bias", head, []
        return
    rows = [(each.by, each.measure, each.value.summary(), each.lowest, each.highest) for each in found.disparities]
    yield f"Bias on {found.window}: {found.rows} {found.method}", head, rows
    rates = [
        (each.by, each.group, str(each.rows), *(getattr(each, name).summary() for name in _RATES))
        for each in found.groups
    ]
    rates += [("", each, *["too few rows to tell"] * (len(_RATES) + 1)) for each in found.suppressed]
    yield "Groups", ("by", "group", "rows", *(name.replace("_", " ") for name in _RATES)), rates


def _facts(card: ModelCard) -> Iterator[tuple[str, str]]:
    yield "digest", card.digest
    yield "flavor", card.flavor
    yield "registered", f"{text_of(card.created_at)} by {card.created_by}"
    yield "state", card.state
    yield "serves in", ", ".join(card.environments)
    yield "aliases", ", ".join(card.aliases)
    yield "run", card.run
    yield "notebook", card.notebook
    yield "commit", card.commit + (", with an uncommitted difference" if card.uncommitted else "")
    if card.lock is not None:
        yield "environment", f"Python {card.lock.python}, {card.lock.platform}, {len(card.lock.packages)} packages"
    yield "scan", card.scan
    if card.reproduction is not None:
        again = card.reproduction
        yield "made again", f"{again.verdict}: {again.reason} ({text_of(again.created_at)} by {again.created_by})"
    yield "signed", "yes; verify it with the signer's key" if card.signed else "no"


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(_plain(text).replace("\n", " ") for text in row) + " |" for row in rows]
    return "\n".join(lines)


def _html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = "".join(f"<th>{html.escape(text)}</th>" for text in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _paragraph(text: str) -> str:
    return f"<p>{html.escape(text)}</p>" if text else f"<p><em>{NOT_PROVIDED}</em></p>"


def _plain(text: str) -> str:
    """Escape what Markdown or HTML in it would obey."""
    return _SPECIAL.sub(r"\\\1", text.strip())
