"""How large what is shipped is: wheel, sdist, and what a page loads at once: python -m benchmarks.sizes

Builds nothing: looks at `dist/` and at the built front end, and says which is missing.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path

from benchmarks.frame import Report, Size, run

ROOT = Path(__file__).parents[1]
EAGER_BOUND = 60.0


def eager_files(labextension: Path) -> list[Path]:
    """Name what JupyterLab loads at start: the remote entry, the chunks of what it exposes, and the style."""
    built = json.loads((labextension / "package.json").read_text(encoding="utf-8"))["jupyterlab"]["_build"]
    entry = labextension / built["load"]
    exposed = re.findall(r'"\./\w+":\(\)=>(.*?)\.then', entry.read_text(encoding="utf-8"))
    if not exposed:
        raise SystemExit(f"{entry} exposes nothing that this script understands: has the builder changed?")
    ids = {number for loading in exposed for number in re.findall(r"\.e\((\d+)\)", loading)}
    chunks = [path for path in entry.parent.glob("*.js") if path.name.partition(".")[0] in {*ids, "style"}]
    return sorted({entry, *chunks})


def measure(report: Report, rounds: int) -> None:  # noqa: ARG001 - sizes need no rounds
    """Weigh each part that is there."""
    for name, pattern in (("wheel", "*.whl"), ("sdist", "*.tar.gz")):
        found = sorted((ROOT / "dist").glob(pattern), key=lambda path: path.stat().st_mtime)
        if found:
            report.add(Size(found[-1].name, found[-1].stat().st_size / 1000, "kB"))
        else:
            sys.stderr.write(f"no {name} in dist/: run python -m build\n")
    labextension = ROOT / "mlops_ext" / "labextension"
    if not (labextension / "package.json").exists():
        sys.stderr.write("the front end is not built: run jlpm build:prod\n")
        return
    static = list((labextension / "static").glob("*.js"))
    eager = eager_files(labextension)
    report.add(Size("all JavaScript", sum(path.stat().st_size for path in static) / 1000, "kB"))
    report.add(Size("eager JavaScript", sum(path.stat().st_size for path in eager) / 1000, "kB", EAGER_BOUND))
    packed = sum(len(gzip.compress(path.read_bytes())) for path in eager)
    report.add(Size("eager JavaScript, gzipped", packed / 1000, "kB"))


if __name__ == "__main__":
    run("sizes", measure, rounds=1)
