"""References: the one way to point at a dataset, a model, a version or a run.

`name`, `name@3`, `name@latest`, `name@champion`, `name@production`, `name@b3:ab12cd34`,
and, where kinds mix, `model:delay@3`, `dataset:flights`, `run:ID`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

from mlops_ext.errors import InvalidValue

__all__ = ["DigestPrefix", "Kind", "Label", "Latest", "Number", "Ref", "Selector", "check_label", "check_name"]

Kind = Literal[
    "model",
    "dataset",
    "run",
    "feature_view",
    "job",
    "report",
    "alert",
    "experiment",
    "pipeline",
    "schedule",
    "webhook",
    "monitor",
]
KINDS: tuple[str, ...] = get_args(Kind)
MAX_NAME = 250
_FORBIDDEN = set("/:@\\")
_DIGEST = re.compile(r"(b3|sha256):([0-9a-f]{8,64})")


@dataclass(frozen=True)
class Latest:
    """The newest version; what a bare name means."""

    def __str__(self) -> str:
        return "latest"


@dataclass(frozen=True)
class Number:
    """One version by its number."""

    number: int

    def __str__(self) -> str:
        return str(self.number)


@dataclass(frozen=True)
class DigestPrefix:
    """A version by the first hex digits of its digest."""

    algorithm: str
    digits: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.digits}"


@dataclass(frozen=True)
class Label:
    """A version by an alias or by the environment it is deployed to."""

    label: str

    def __str__(self) -> str:
        return self.label


Selector = Latest | Number | DigestPrefix | Label


@dataclass(frozen=True)
class Ref:
    """A parsed reference.

    Examples
    --------
    >>> Ref.parse("model:delay@production")
    Ref(name='delay', selector=Label(label='production'), kind='model')
    >>> str(Ref.parse("delay@3"))
    'delay@3'
    """

    name: str
    selector: Selector = Latest()
    kind: str | None = None

    @classmethod
    def parse(cls, text: str, kind: Kind | None = None) -> Ref:
        """Read a reference.

        Parameters
        ----------
        text : str
            The reference as written.
        kind : str, optional
            The kind that is expected; another one written in `text` is an error.

        Raises
        ------
        InvalidValue
            The text is no reference, or of another kind.
        """
        if not isinstance(text, str) or not text.strip():
            raise InvalidValue(f"not a reference: {text!r}", hint="Write a name, or name@version")
        head, _, tail = text.strip().partition("@")
        written, separator, name = head.rpartition(":")
        if separator and written not in KINDS:
            raise InvalidValue(f"unknown kind {written!r} in {text!r}", hint=f"Known: {', '.join(KINDS)}")
        if kind is not None and separator and written != kind:
            raise InvalidValue(
                f"{text!r} is a {written}, not a {kind}", hint=f"Write {kind}:{name}, or leave the kind out"
            )
        if "@" in text and not tail:
            raise InvalidValue(f"nothing after '@' in {text!r}", hint="Write name@3, name@latest or name@alias")
        return cls(check_name(name), _selector(tail), written or kind)

    def __str__(self) -> str:
        selector = "" if isinstance(self.selector, Latest) else f"@{self.selector}"
        return f"{self.name}{selector}"


def check_name(name: str) -> str:
    """Normalise a name to NFC, or refuse it.

    Raises
    ------
    InvalidValue
        Empty, longer than 250 characters, with `/ : @ \\`, a control or unprintable character.
    """
    normal = unicodedata.normalize("NFC", name)
    if not normal.strip():
        raise InvalidValue("a name is empty", hint="Give it at least one printable character")
    if normal != normal.strip():
        raise InvalidValue(f"the name {name!r} begins or ends with a space", hint=f"Write {normal.strip()!r}")
    if len(normal) > MAX_NAME:
        raise InvalidValue(f"the name {normal[:40]!r}… has {len(normal)} characters", hint=f"At most {MAX_NAME} fit")
    wrong = sorted({each for each in normal if each in _FORBIDDEN or not each.isprintable()})
    if wrong:
        raise InvalidValue(
            f"the name {name!r} has {', '.join(map(repr, wrong))}", hint="Leave out / : @ \\ and control characters"
        )
    return normal


def check_label(label: str, environments: tuple[str, ...] = ()) -> str:
    """Accept an alias: a name that is no number, not `latest` and no environment."""
    normal = check_name(label)
    if normal == "latest" or normal.isdecimal() or re.fullmatch(r"v\d+", normal):
        raise InvalidValue(
            f"{label!r} cannot be an alias", hint="It would read as a version; choose a word such as 'champion'"
        )
    if normal in environments:
        raise InvalidValue(f"{label!r} is an environment", hint=f"Move it with: mlops promote MODEL --to {label}")
    return normal


def _selector(text: str) -> Selector:
    if text in ("", "latest"):
        return Latest()
    if text.isdecimal() and text.isascii():
        return _number(text)
    if ":" in text:
        return _digest(text)
    return Label(check_name(text))


def _number(text: str) -> Number:
    number = int(text) if len(text) < 20 else 0
    if not 0 < number < 2**31:
        raise InvalidValue(f"no version can have the number {text[:40]}", hint="Versions count from 1")
    return Number(number)


def _digest(text: str) -> DigestPrefix:
    match = _DIGEST.fullmatch(text)
    if not match:
        raise InvalidValue(f"not a digest: {text!r}", hint="Write b3: or sha256: and at least 8 hex digits")
    return DigestPrefix(match[1], match[2])
