"""Signs of personal data: patterns that values fit, and names that columns have."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlops_ext.datasets.profile.types import Finding

__all__ = ["findings"]

LEAST = 0.01
"""A pattern that fits fewer values is not named."""
_EMAIL = r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"
_DIGITS = r"^(\+|\(|[A-Z]{2})?\d[A-Z\d ()./-]*$"
"""What all patterns below need; most columns of text have none of it."""
_FIRST = 1000
_PATTERNS = {
    "ssn": r"^\d{3}-\d{2}-\d{4}$",
    "ip": r"^((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)$",
    "iban": r"^[A-Z]{2}\d{2} ?([A-Z0-9]{4} ?){2,7}[A-Z0-9]{1,4}$",
    "card": r"^\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}$",
    "phone": r"^(\+\d{1,3}[ .-]?)?(\(\d{1,5}\)|\d{2,5})([ ./-]?\d{2,5}){1,4}$",
}
_DATE = r"^\d{4}[-./]\d{1,2}[-./]\d{1,2}|^\d{1,2}[-./]\d{1,2}[-./]\d{4}|^\d+$|^\d+\.\d+$"
"""What the pattern of phone numbers would take too: dates and plain numbers."""
_PERSON = re.compile(
    r"(^|_)(first|last|middle|given|family|full|user|customer|client|patient|employee|contact|person|maiden)_?name"
    r"|(^|_)(surname|forename|fullname|lastname|firstname|vorname|nachname)($|_)|^name$"
)
_ID = re.compile(
    r"(^|_)(ssn|passport|tax_?id|national_?id|social_?security|licen[cs]e|driver_?id|patient_?id|customer_?id|user_?id"
    r"|person_?id|employee_?id|account(_?(no|number|id))?|vin|tailnum|imei|device_?id)($|_)"
)
_CAPITAL = r"^\p{Lu}[\p{L}'’.-]+([ -]\p{Lu}[\p{L}'’.-]*)*$"
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


def findings(name: str, counted: pa.StructArray) -> tuple[Finding, ...]:
    """Name the patterns that a text column fits, the most frequent first.

    Parameters
    ----------
    name : str
        The column's name: `name` and `id` are told by it.
    counted : pyarrow.StructArray
        The sampled texts, each once, and how often they stand there.
    """
    texts, counts = pc.utf8_trim_whitespace(counted.field("values")), counted.field("counts").to_numpy()
    present = int(counts.sum())
    if not present:
        return ()

    def share(fits: np.ndarray) -> float:
        return round(float(counts[fits].sum()) / present, 6)

    found = {}
    if pc.any(pc.match_substring(texts, "@")).as_py():
        found["email"] = share(_fits(texts, _EMAIL))
    if pc.any(pc.match_substring_regex(texts.slice(0, _FIRST), _DIGITS)).as_py():
        fits = {pattern: _fits(texts, rule) for pattern, rule in _PATTERNS.items()}
        fits["card"] = _checked(texts, fits["card"])
        fits["phone"] &= ~_fits(texts, _DATE) & ~fits["card"] & ~fits["ssn"] & ~fits["ip"]
        found |= {pattern: share(each) for pattern, each in fits.items()}
    spoken = _WORDS.sub("_", name).lower()
    if _PERSON.search(spoken):
        found["name"] = share(_fits(texts, _CAPITAL))
    if _ID.search(spoken):
        found["id"] = 1.0
    ranked = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return tuple(Finding(pattern=pattern, share=part) for pattern, part in ranked if part >= LEAST)


def _fits(texts: pa.Array, rule: str) -> np.ndarray:
    found: np.ndarray = pc.match_substring_regex(texts, rule).to_numpy(zero_copy_only=False)
    return found.astype(bool)


def _checked(texts: pa.Array, fits: np.ndarray) -> np.ndarray:
    """Keep the numbers of cards, whose last digit is a check of the others (Luhn)."""
    kept = fits.copy()
    for place in np.flatnonzero(fits):
        kept[place] = _luhn(re.sub(r"\D", "", texts[int(place)].as_py()))
    return kept


def _luhn(digits: str) -> bool:
    doubled = [int(each) * (1 + place % 2) for place, each in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0
