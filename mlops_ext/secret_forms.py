"""How secrets look: tokens of known form, keys, URLs with credentials, and literals given to a name that says so."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase
from typing import NamedTuple

__all__ = ["Span", "is_secret", "kind_of_value", "secret_spans"]


class Span(NamedTuple):
    """Where a secret stands in a text, and what kind it is."""

    start: int
    end: int
    kind: str


def is_secret(name: str) -> bool:
    """Tell by its name whether a parameter or a variable is secret.

    Examples
    --------
    >>> is_secret("API_KEY"), is_secret("dbPassword"), is_secret("tokens"), is_secret("token_count")
    (True, True, False, False)
    """
    return bool(_kind_of(name))


def kind_of_value(name: str, value: str) -> str:
    """Give what kind of secret a value is under its name; empty for none.

    Examples
    --------
    >>> kind_of_value("api_key", "x4-77b"), kind_of_value("pad_token", "[PAD]")
    ('api-key', '')
    """
    kind = _kind_of(name)
    if not kind and name.lower().replace("-", "_").rpartition("_")[2] in _WEAK and _is_random(value):
        kind = "high-entropy"
    return kind if kind and _is_literal(kind, value) else ""


def secret_spans(text: str, known: Mapping[str, str] | None = None) -> list[Span]:
    """Find what looks like a secret.

    Parameters
    ----------
    text : str
        Source code, a diff, a log.
    known : mapping of str to str, optional
        Secrets found elsewhere with their kinds; they are found here however they stand.

    Returns
    -------
    list of Span
        In order, none touching another.

    Examples
    --------
    >>> secret_spans("db = 'postgresql://me:hunter22@host/db'")
    [Span(start=19, end=30, kind='url-credentials')]
    """
    found = [*_of_known_form(text), *_assigned(text)]
    for value, kind in (known or {}).items():
        found += [Span(match.start(), match.end(), kind) for match in re.finditer(re.escape(value), text)]
    merged: list[Span] = []
    for span in sorted(found, key=lambda each: (each.start, -each.end)):
        if merged and span.start < merged[-1].end:
            merged[-1] = merged[-1]._replace(end=max(span.end, merged[-1].end))
        else:
            merged.append(span)
    return merged


# Names

_PASSWORDS = ("password", "passwd", "passphrase", "passcode", "pwd", "pgpassword")
_WORDS = {
    **dict.fromkeys(_PASSWORDS, "password"),
    **{word: word for word in ("secret", "token", "credential")},
    "credentials": "credential",
    "apikey": "api-key",
}
_KEYS = frozenset({"api", "access", "private", "secret", "signing", "encryption", "account", "subscription"})
_WEAK = frozenset({"key", "auth", "authorization", "bearer", "cookie", "pat"})
# What is told of a secret, such as its length or where it lies, is none itself.
_HARMLESS = re.compile(
    "cols?|columns?|counts?|dim|dtype|embedding|env|error|fields?|file|format|ids|idx|index|labels?|len|length|level|"
    "limit|list|map|mask|max|min|mode|names?|path|pattern|policy|prefix|scope|size|strategy|text|types?|uri|url|"
    "vocab|vocabulary|width"
)
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _kind_of(name: str) -> str:
    """Give what kind of secret a name promises; empty for none."""
    words = [part.lower() for part in _PARTS.findall(name)]
    if not words or _HARMLESS.fullmatch(words[-1]):
        return ""
    if any(second == "key" and first in _KEYS for first, second in pairwise(words)):
        return "api-key"
    return next((_WORDS[word] for word in words if word in _WORDS), "")


# Values

_PLACEHOLDER = re.compile(
    r"\{[^{}]*\}|\$\{[^{}]*\}|\$\([^()]*\)|\$[A-Z_]+|</?[^<>]*>|%\(\w+\)s|%s|[*.xX•_-]*|\[[^\[\]]*\]|\?+|"
    r"(?i:string|str|text|none|null|true|false|object|changeme!?)"
)
_NUMBER = re.compile(r"-?\d*\.?\d*(?:[eE][-+]?\d+)?")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_DTYPE = re.compile(r"(?:u?int|float|complex|str|bool|datetime|timedelta|object|category)\w*")


def _is_literal(kind: str, value: str) -> bool:
    """Tell a secret from a placeholder, the name of one, a word of a language model, or a path."""
    if len(value) < 4 or _PLACEHOLDER.fullmatch(value.strip("\"'")) or "[masked" in value:
        return False
    if re.fullmatch(r"[A-Za-z_\-]+", value) and _kind_of(value):
        return False
    if kind == "password":
        return True
    if re.search(r"\s", value) or (kind == "credential" and re.search(r"^[~.]*/|\.(?:json|pem|ya?ml|toml)$", value)):
        return False
    return kind != "token" or not ((value.isalpha() and len(value) < 16) or _NUMBER.fullmatch(value))


def _is_expression(value: str) -> bool:
    return bool(_DOTTED.fullmatch(value) or _DTYPE.fullmatch(value) or "://" in value)


def _is_random(value: str) -> bool:
    """Tell a random text from words, and from digests and UUIDs, which are written in hexadecimal digits."""
    if not re.fullmatch(r"[A-Za-z0-9+/_\-.~]{20,}={0,2}", value) or re.fullmatch(r"[0-9a-fA-F\-]+", value):
        return False
    several = re.search("[a-z]", value) and re.search("[A-Z]", value) and len(re.findall(r"\d+", value)) > 1
    return bool(several) and _entropy(value) >= 3.5


def _entropy(text: str) -> float:
    """Give Shannon's entropy in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def _has_alg(text: str) -> bool:
    """Tell whether the first part of a dotted text is the header of a JSON web token."""
    header = text.partition(".")[0]
    try:
        told = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except ValueError:
        return False
    return isinstance(told, dict) and "alg" in told


def _mixed(text: str) -> bool:
    """Tell a random token from a CSS class such as sk-toggleable__content."""
    return any(each.isdigit() for each in text) and any(each.isupper() for each in text)


def _user_and_password(text: str) -> bool:
    try:
        return b":" in base64.b64decode(text, validate=True).strip(b":")
    except (binascii.Error, ValueError):
        return False


def _filled(text: str) -> bool:
    """Tell whether the password of `user:password` is more than a placeholder."""
    return not _PLACEHOLDER.fullmatch(text.partition(":")[2])


# Known forms

_ALONE, _END = r"(?<![A-Za-z0-9_\-])", r"(?![A-Za-z0-9_\-/+=])"
# In base64 every short pattern turns up by chance, so these must not stand inside of it.
_DELIMITED = r"(?<![A-Za-z0-9_\-/+])"


class _Form(NamedTuple):
    """One known form; its match begins with a needle, which is found many times faster than the pattern."""

    kind: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    holds: Callable[[str], bool]


def _form(kind: str, needles: str, pattern: str, holds: Callable[[str], bool] = bool) -> _Form:
    return _Form(kind, tuple(needles.split("|")), re.compile(pattern), holds)


_BLOCK = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\s\S]{0,20000}?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\\\s,:-]*)"
)
_FORMS = (
    _form("private-key", "-----BEGIN ", _BLOCK),
    _form("aws-key", "AKIA|ASIA|ABIA|ACCA", _DELIMITED + "(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}" + _END),
    _form("github-token", "ghp_|gho_|ghu_|ghs_|ghr_", _ALONE + "gh[pousr]_[A-Za-z0-9]{30,}"),
    _form("github-token", "github_pat_", _ALONE + "github_pat_[A-Za-z0-9_]{22,}"),
    _form(
        "gitlab-token",
        "glpat-|gldt-|gloas-|glcbt-|glptt-|glft-|glimt-|glagent-|glrt-|glsoat-",
        _ALONE + r"gl(?:pat|dt|oas|cbt|ptt|ft|imt|agent|rt|soat)-[A-Za-z0-9_\-.]{20,}",
    ),
    _form("slack-token", "xox|xapp-", _ALONE + "(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}"),
    _form(
        "slack-webhook", "hooks.slack.com/", r"hooks\.slack\.com/(?P<secret>(?:services|workflows)/[A-Za-z0-9_/+]{20,})"
    ),
    _form("google-key", "AIza", _DELIMITED + r"AIza[0-9A-Za-z_\-]{35}" + _END),
    _form("google-key", "ya29.|GOCSPX-", _ALONE + r"(?:ya29\.|GOCSPX-)[0-9A-Za-z_\-]{20,}"),
    _form("openai-key", "sk-", _ALONE + r"sk-(?:[a-z]{2,10}[0-9]{0,3}-){0,2}[A-Za-z0-9_\-]{20,}", _mixed),
    _form("stripe-key", "sk_live_|sk_test_|rk_live_|rk_test_", _ALONE + "[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _form("huggingface-token", "hf_", _ALONE + "hf_[A-Za-z0-9]{30,}"),
    _form("pypi-token", "pypi-", _ALONE + r"pypi-[A-Za-z0-9_\-]{50,}"),
    _form("npm-token", "npm_", _ALONE + "npm_[A-Za-z0-9]{36}" + _END),
    _form("databricks-token", "dapi", _ALONE + r"dapi[0-9a-f]{32}(?:-\d)?" + _END),
    _form("sendgrid-key", "SG.", _ALONE + r"SG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{32,}"),
    _form("azure-key", "AccountKey=|SharedAccessKey=", r"\w+Key=(?P<secret>[A-Za-z0-9+/]{30,}={0,2})"),
    _form("azure-key", "?sig=|&sig=", r"[?&]sig=(?P<secret>[A-Za-z0-9%+/=_\-]{30,})"),
    _form("jwt", "eyJ", _ALONE + r"eyJ[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+){2,4}", _has_alg),
    _form("bearer-token", "Bearer |bearer ", r"[Bb]earer (?P<secret>[A-Za-z0-9_\-.=+/~]{12,})"),
    _form(
        "basic-credentials", "Basic |basic ", r"[Bb]asic (?P<secret>[A-Za-z0-9+/]{8,}={0,2})" + _END, _user_and_password
    ),
    _form("url-credentials", "://", r"://(?P<secret>[^\s/?#@:'\"<>\\]*:[^\s/?#'\"<>\\]+)@", _filled),
    _form("api-key", "login(", r"login\(\s*(?:key\s*=\s*)?[\"'](?P<secret>[A-Za-z0-9_\-]{20,})[\"']"),
)


def _of_known_form(text: str) -> Iterator[Span]:
    for form in _FORMS:
        group = "secret" if form.pattern.groups else 0
        for place in _places(text, form.needles):
            match = form.pattern.match(text, place)
            if match and form.holds(match[group]):
                yield Span(*match.span(group), form.kind)


def _places(text: str, needles: Iterable[str]) -> Iterator[int]:
    """Find where any of several texts stands."""
    for needle in needles:
        place = text.find(needle)
        while place >= 0:
            yield place
            place = text.find(needle, place + 1)


# Literals that a name is given

_HINTS = tuple({word[:5] for word in _WORDS} | {"key", "auth", "cookie", "bearer", "pat"})
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_WORD_BEFORE, _WORD_AFTER = re.compile(r"[A-Za-z_][\w\-]*\Z"), re.compile(r"[\w\-]*")
_LONGEST_NAME = 80
# Behind a name: ` = `, `: str = `, ` == `, `": `, `"] = `.
_GIVEN = r"(?:\\?[\"']\s*\]?\s*[:=]\s*|\s*(?::\s*[\w.\[\]| ]{1,40}?)?\s*[:=!]?=\s*|\s*:\s*)(?P<prefix>[rbufRBUF]{0,2})"
_IN_QUOTES = r"(?P<quote>\"\"\"|'''|\"|')(?P<value>(?:\\[^\n]|(?!(?P=quote))[^\n\\])+)(?P=quote)"
_IN_ESCAPED = r"(?P<quote>\\[\"'])(?P<value>(?:(?!\\[\"'])[^\n])+)(?P=quote)"
_QUOTED = (re.compile(_GIVEN + _IN_QUOTES), re.compile(_GIVEN + _IN_ESCAPED))
# Behind the name of a variable: its default.
_DEFAULT = re.compile(r"[\"']\s*,\s*(?P<prefix>)" + _IN_QUOTES)
_WHOLE = re.compile(r"(?:=|:[ \t]+)(?P<value>[^\s\"'#,;(){}\[\]]{6,})[ \t]*(?:#.*)?$", re.MULTILINE)
_LEAD = re.compile(r"[+\- ]?[ \t]*(?:- |export |set |!export )?")
_PLAIN = re.compile(r"=(?P<value>[^\s\"',;(){}\[\]]{6,})(?![(\[{])")
_SPACED = re.compile(r"[ =](?P<value>[^\s\"'\-][^\s\"']{3,})")
_IN_QUERY = re.compile(r"=(?P<value>[^\s\"'&#]{6,})")


def _assigned(text: str) -> Iterator[Span]:
    """Find literals that a secret's name is given."""
    lower, end = text.lower(), 0
    if len(lower) != len(text):
        # Few letters become two in lower case; the places must hold in the text.
        lower = text.translate(_LOWER)
    for hint in sorted(_places(lower, _HINTS)):
        if hint < end:
            continue
        before = _WORD_BEFORE.search(text[max(end, hint - _LONGEST_NAME) : hint])
        start = hint - len(before[0]) if before else hint
        after = _WORD_AFTER.match(text, hint)
        end = after.end() if after else hint
        name = text[start:end]
        for pattern in (*_QUOTED, *_unquoted(text, start, name)):
            match = pattern.match(text, end)
            kind = _kind_given(name, match) if match else ""
            if match and kind:
                yield Span(*match.span("value"), kind)
                break


def _unquoted(text: str, start: int, name: str) -> Iterator[re.Pattern[str]]:
    """Give how else a value may follow, from what stands before the name."""
    former = text[max(0, start - 12) : start]
    if former[-1:] in ("'", '"') and former[-2:-1] == "(":
        yield _DEFAULT
    if former.endswith(("%env ", "%set_env ", "--")):
        yield _SPACED
    if former[-1:] in ("?", "&"):
        yield _IN_QUERY
    if _LEAD.fullmatch(text, text.rfind("\n", 0, start) + 1, start):
        yield _WHOLE
    if name.isupper():
        yield _PLAIN


def _kind_given(name: str, match: re.Match[str]) -> str:
    """Give what kind of secret a name is given; empty for none."""
    value = match["value"]
    if "quote" in match.re.groupindex:
        return kind_of_value(name, re.sub(r"\{[^{}]*\}", "", value) if "f" in match["prefix"].lower() else value)
    return "" if value.isalpha() or _is_expression(value) else kind_of_value(name, value)
