"""`pytest --mlops-notebooks`: notebooks are collected, one case a code cell, each notebook run once as a job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mlops_ext.runs.ci.types import CheckedNotebook

__all__ = ["pytest_addoption", "pytest_collect_file", "pytest_collection_finish"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the setting."""
    group = parser.getgroup("mlops", "notebooks as checks")
    group.addoption("--mlops-notebooks", action="store_true", help="Collect notebooks: each code cell is a case.")
    group.addoption(
        "--mlops-parameter",
        action="append",
        nargs=2,
        default=[],
        metavar=("NAME", "VALUE"),
        help="A parameter for every notebook that declares it (again).",
    )
    group.addoption("--mlops-locked", action="store_true", help="Load what mlops.lock says.")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a notebook where that was asked for."""
    if file_path.suffix != ".ipynb" or ".ipynb_checkpoints" in file_path.parts:
        return None
    if not parent.config.getoption("--mlops-notebooks") or _is_left_out(file_path, parent.session):
        return None
    file: NotebookFile = NotebookFile.from_parent(parent, path=file_path)
    return file


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse a parameter that no collected notebook declares: it would change nothing."""
    notebooks = dict.fromkeys(item.parent for item in session.items if isinstance(item.parent, NotebookFile))
    if not notebooks or not session.config.getoption("--mlops-parameter"):
        return
    from mlops_ext.errors import InvalidValue

    known: set[str] = set()
    for each in notebooks:
        try:
            known |= each.declared()
        except InvalidValue:
            # It is told as this notebook's own end.
            continue
    for name, _ in session.config.getoption("--mlops-parameter"):
        if name not in known:
            raise pytest.UsageError(f"no notebook declares the parameter {name!r}. Known: {', '.join(sorted(known))}")


def _is_left_out(path: Path, session: pytest.Session) -> bool:
    """Tell whether a notebook is an output, or a part of an environment, that nobody named."""
    from mlops_ext.runs.ci.lock import is_skipped

    folders = []
    for folder in (path, *path.parents):
        if session.isinitpath(folder) or folder == session.config.rootpath:
            break
        folders.append(folder)
    return any(is_skipped(folder.name) for folder in folders[1:])


class NotebookFile(pytest.File):
    """One notebook; it runs when its first case is asked for."""

    _checked: CheckedNotebook | None = None

    def collect(self) -> Iterator[pytest.Item]:
        """Give a case for each code cell, and one for what no cell is to blame for."""
        from mlops_ext.errors import InvalidValue
        from mlops_ext.runs.notebooks.files import read_notebook

        try:
            cells = read_notebook(self.path.read_bytes(), self.path.name).code
        except InvalidValue as error:
            raise self.CollectError(str(error)) from error
        for number, _ in enumerate(cells, 1):
            yield CellItem.from_parent(self, name=f"cell {number}", number=number)
        yield CellItem.from_parent(self, name="notebook", number=0)

    def declared(self) -> set[str]:
        """Give the names of the parameters that the notebook declares."""
        from mlops_ext.runs.notebooks.files import read_notebook
        from mlops_ext.runs.notebooks.parameters import parameters_of

        notebook = read_notebook(self.path.read_bytes(), self.path.name)
        return {each.name for each in parameters_of(notebook, self.path.name)}

    def checked(self) -> CheckedNotebook:
        """Run the notebook, once."""
        if self._checked is None:
            from mlops_ext.runs.ci.running import CiOptions, check_notebooks
            from mlops_ext.workspace import Workspace

            option, declared = self.config.getoption, self.declared()
            given = {name: value for name, value in option("--mlops-parameter") if name in declared}
            settings = {"locked": option("--mlops-locked")}
            options = CiOptions(parameters=given, jobs=1, settings=settings)
            self._checked = check_notebooks(Workspace.find(), [self.path], options).notebooks[0]
        return self._checked


class CellFailed(Exception):
    """A cell, or the notebook as a whole, did not succeed."""


class CellItem(pytest.Item):
    """One code cell; number 0 stands for the notebook as a whole."""

    def __init__(self, *, number: int, **options: Any) -> None:
        super().__init__(**options)
        self.number = number

    def runtest(self) -> None:
        """Tell what became of the cell."""
        parent = self.parent
        if not isinstance(parent, NotebookFile):
            raise TypeError(f"{self.name} is a cell of no notebook")
        done = parent.checked()
        fault = done.error
        if self.number == 0:
            if done.exit_code and not (fault and fault.cell):
                raise CellFailed(f"{done.status}: {fault.message if fault else ''}")
            return
        state = next((each.status for each in done.cells if each.cell == self.number), "not_run")
        if state == "not_run":
            pytest.skip("not run")
        if state != "ok":
            said = f"{fault.type}: {fault.message}" if fault and fault.cell == self.number else state
            line = f", line {fault.line}" if fault and fault.cell == self.number and fault.line else ""
            raise CellFailed(f"{said}\n\ncell {self.number}{line}:\n{done.sources[self.number - 1]}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show what the cell said, not how this plug-in got there."""
        if isinstance(excinfo.value, CellFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the case."""
        return self.path, None, f"{self.path.name}: {self.name}"
