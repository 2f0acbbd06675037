"""Refuse notebooks that keep outputs, counts or a kernel's traces: python scripts/check_notebooks.py FILE…"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def faults(path: Path) -> list[str]:
    """Name each cell that was saved after it ran."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    ran = [
        number
        for number, cell in enumerate(cells, 1)
        if cell["cell_type"] == "code" and (cell["outputs"] or cell["execution_count"] is not None)
    ]
    return [f"{path}: cell {number} keeps its output; clear all outputs and save" for number in ran]


def main(names: list[str]) -> int:
    """Check the named notebooks."""
    found = [fault for name in names for fault in faults(Path(name))]
    sys.stderr.writelines(f"{fault}\n" for fault in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
