"""What `import mlops_ext` costs over bare Python, in time and modules: python -m benchmarks.import_time"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.frame import Report, Size, compare, run

IMPORTS = {
    "import mlops_ext": "import mlops_ext",
    "%load_ext mlops_ext": (
        "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance()\n"
        "s.extension_manager.load_extension('mlops_ext')"
    ),
    "from mlops_ext import Workspace": "from mlops_ext import Workspace",
    "mlops_ext.rooms (all operations)": "import mlops_ext.rooms",
}
YARDSTICKS = {
    "%load_ext mlops_ext": "from IPython.core.interactiveshell import InteractiveShell as S; s = S.instance()",
}


def modules(code: str) -> int:
    """Count the modules that a fresh process has loaded after running code."""
    script = f"{code}\nimport sys; print(len(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return int(answer.stdout.split()[-1])


def measure(report: Report, rounds: int) -> None:
    """Compare each import with a process that does without it."""
    for name, code in IMPORTS.items():
        base = YARDSTICKS.get(name, "pass")
        try:
            loaded = modules(code) - modules(base)
        except subprocess.CalledProcessError as error:
            last = error.stderr.strip().splitlines()[-1]
            sys.stderr.write(f"{name:<44} cannot run here: {last}\n")
            continue
        comparison = compare(name, [sys.executable, "-c", code], [sys.executable, "-c", base], rounds=rounds)
        report.add(comparison)
        bound = 60.0 if "mlops_ext" in name.split()[-1] and "." not in name and "from" not in name else 0.0
        report.add(Size(f"{name}: over bare Python", comparison.difference * 1e3, "ms", bound))
        report.add(Size(f"{name}: sys.modules", loaded, "modules more"))


if __name__ == "__main__":
    run("import_time", measure, rounds=21)
