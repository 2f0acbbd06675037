"""What all JUnit reports share: text that XML can hold, counts, and the document; as Jenkins' schema has it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

__all__ = ["clean", "count", "document"]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def clean(text: str) -> str:
    """Leave out what XML cannot hold, and the colours of tracebacks."""
    return _NOT_XML.sub("\ufffd", _ANSI.sub("", text))


def count(suite: ET.Element) -> None:
    """Write how many cases a suite has, and how many of them went wrong."""
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in cases)))


def document(root: ET.Element, seconds: float) -> bytes:
    """Add the counts of all suites up and write the document."""
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", f"{seconds:.3f}")
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()
