"""A check as JUnit: one case a rule, so that a CI shows which one is not met."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from mlops_ext.datasets.expectations.types import CheckedDataset, ColumnExpectations, Failure
from mlops_ext.junit import clean, count, document

__all__ = ["junit"]


def junit(result: CheckedDataset, seconds: float) -> bytes:
    """Write what a check found as JUnit XML.

    Parameters
    ----------
    seconds : float
        How long it took.
    """
    root = ET.Element("testsuites", name="mlops datasets check")
    suite = ET.SubElement(root, "testsuite", name=clean(f"expectations of {result.checked}"))
    broken = {(each.column, _asked(each)): each for each in result.failures}
    unread = {column for column, rule in broken if rule == "is there" or rule.startswith("type = ")}
    others = [(each.column, each.rule) for each in result.failures if each.rule == "no_others"]
    for column, rule in [*_rules(result), *others]:
        name = clean(f"{column}: {rule}" if column else rule)
        case = ET.SubElement(suite, "testcase", classname=clean(result.checked), name=name, time="0.000")
        failure = broken.get((column, rule))
        if failure is not None:
            said = clean(f"{failure.rule}: {failure.count} rows ({failure.share:.1%})")
            text = clean("\n".join([said, *failure.rows]))
            ET.SubElement(case, "failure", type="expectation", message=said).text = text
        elif column in unread and rule != "is there":
            ET.SubElement(case, "skipped", message="the column is missing or of another type")
    count(suite)
    suite.set("time", f"{seconds:.3f}")
    return document(root, seconds)


def _rules(result: CheckedDataset) -> Iterator[tuple[str, str]]:
    """Name every rule as its failure would."""
    held = result.expectations
    for rule in ("min_rows", "max_rows"):
        if getattr(held, rule) is not None:
            yield "", f"{rule} = {getattr(held, rule)}"
    for name, column in held.columns.items():
        yield name, "is there"
        yield from ((name, rule) for rule in _of_column(column))


def _asked(failure: Failure) -> str:
    """Give a failure's rule without what was found instead."""
    return failure.rule.partition(", not ")[0] if failure.rule.startswith("type = ") else failure.rule


def _of_column(column: ColumnExpectations) -> Iterator[str]:
    if column.type:
        yield f"type = {column.type}"
    if not column.nullable:
        yield "nullable = false"
    if column.unique:
        yield "unique = true"
    for rule, bound in column.checks.items():
        yield f"{rule} = {bound!r}"
