"""What a program is told of a run: warnings that cells wrote to stderr are counted, by their class."""

from __future__ import annotations

import pytest

from mlops_ext.runs import edge
from mlops_ext.runs.result import result_of
from mlops_ext.workspace import Workspace
from tests.runs.writing import write_notebook


@pytest.mark.usefixtures("shared_parents")
def test_warnings_on_stderr_are_counted_and_turn_nothing_red(ws: Workspace) -> None:
    code = "import sys, warnings\nwarnings.warn('old', FutureWarning)\nfor n in range(2): warnings.warn(str(n))"
    write_notebook(ws.root / "nb" / "warn.ipynb", ("a: int = 1", "parameters"), code, "print('Warning: none')")
    job = edge.run_job(edge.queue("nb/warn.ipynb", parameters={"a": 2}, workspace=ws), workspace=ws)
    told = result_of(ws, job)
    assert (told.status, told.exit_code) == ("succeeded", 0)
    assert told.warnings == ("cell 2 wrote 3 warnings to stderr: UserWarning (2), FutureWarning",)
