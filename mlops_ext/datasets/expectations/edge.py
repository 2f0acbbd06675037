"""What a notebook calls: propose, expect and check; rows are read here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_ext.datasets.expectations import service
from mlops_ext.datasets.expectations.types import (
    CheckedDataset,
    Expect,
    Expectations,
    NoteCheck,
    Propose,
    ShowExpectations,
)
from mlops_ext.errors import InvalidValue
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.datasets.types import DatasetVersion

__all__ = ["check_dataset", "check_file", "check_new", "expect", "propose_expectations", "read"]


def propose_expectations(dataset: str, *, workspace: Workspace | None = None) -> Expectations:
    """Infer what a version meets, as a proposal to edit.

    Parameters
    ----------
    dataset : str
        `name` or `name@3`.

    Returns
    -------
    Expectations

    Examples
    --------
    >>> proposal = propose_expectations("flights")  # doctest: +SKIP
    >>> expect("flights", proposal)  # doctest: +SKIP
    """
    return (workspace or Workspace.find()).call(service.propose, Propose(dataset=dataset))


def expect(
    dataset: str, expectations: Expectations | str | Path | Mapping[str, Any], *, workspace: Workspace | None = None
) -> Expectations:
    """Hold all later versions of a dataset to expectations.

    Parameters
    ----------
    dataset : str
        Its name.
    expectations : Expectations, dict, str or Path
        A text is the path of a TOML file.

    Raises
    ------
    InvalidValue
        A rule or column is not known; the nearest is named.
    """
    ws = workspace or Workspace.find()
    return ws.call(service.expect, Expect(dataset=dataset, expectations=read(expectations)))


def check_dataset(
    dataset: str,
    expectations: Expectations | str | Path | Mapping[str, Any] | None = None,
    *,
    workspace: Workspace | None = None,
) -> CheckedDataset:
    """Check a version; against its dataset's own expectations, the version is marked with the answer.

    Parameters
    ----------
    dataset : str
        `name` or `name@3`.
    expectations : Expectations, dict, str or Path, optional
        Others than the dataset's; nothing is marked then.
    """
    from mlops_ext.datasets.classes.service import hidden_columns
    from mlops_ext.datasets.expectations.checking import Rows, checked
    from mlops_ext.datasets.loading.versions import open_version

    ws = workspace or Workspace.find()
    held = open_version(ws, dataset)
    name = held.version.name
    own = expectations is None
    stored = ws.call(service.expectations, ShowExpectations(dataset=name))
    rules = stored if expectations is None else read(expectations)
    if rules == Expectations():
        raise InvalidValue(f"{name} has no expectations", hint=f"Start with: mlops datasets propose {name}")
    rows = Rows(
        held.version.ref,
        held.version.rows,
        held.representation.schema,
        lambda column: held.read([column])[column],
    )
    result = checked(rows, rules, hidden_columns(ws, name))
    return ws.call(service.note_check, NoteCheck(dataset=held.version.ref, result=result)) if own else result


def check_file(
    path: str,
    expectations: Expectations | str | Path | Mapping[str, Any] | None = None,
    *,
    like: str = "",
    workspace: Workspace | None = None,
) -> CheckedDataset:
    """Check files that are no version yet; nothing is kept.

    Parameters
    ----------
    like : str
        A dataset whose expectations hold unless others are given, and whose classes hide values.
    """
    from mlops_ext.datasets.classes.service import hidden_columns
    from mlops_ext.datasets.expectations.checking import Rows, checked
    from mlops_ext.datasets.sources.opening import opened

    ws = workspace or Workspace.find()
    if expectations is None and not like:
        raise InvalidValue(f"no expectations for {path}", hint="Give --expectations FILE or --like DATASET")
    held = ws.call(service.expectations, ShowExpectations(dataset=like)) if expectations is None else read(expectations)
    with opened(path, ws) as found:
        table = found.table
        rows = Rows(path, table.num_rows, table.schema, lambda column: table[column])
        return checked(rows, held, hidden_columns(ws, like) if like else {})


def check_new(ws: Workspace, version: DatasetVersion, expectations: Any = None) -> DatasetVersion:
    """Check a version that a snapshot just made or found; new expectations are stored first."""
    from mlops_ext.datasets.service import show
    from mlops_ext.datasets.types import ShowDataset

    if expectations is not None:
        expect(version.name, expectations, workspace=ws)
    held = ws.call(service.expectations, ShowExpectations(dataset=version.name))
    if held == Expectations() or (version.checked and expectations is None):
        return version
    check_dataset(version.ref, workspace=ws)
    return ws.call(show, ShowDataset(dataset=version.ref))


def read(given: Expectations | str | Path | Mapping[str, Any]) -> Expectations:
    """Take expectations as they are given: a record, a mapping, or the path of a TOML file."""
    from mlops_ext.datasets.expectations.files import from_toml, read_expectations

    if isinstance(given, Expectations):
        return given
    if isinstance(given, Mapping):
        import tomlkit

        return from_toml(tomlkit.dumps(given), "the mapping")
    return read_expectations(Path(given).expanduser())
