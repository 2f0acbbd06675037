"""A file that a script writes: put there, or only compared with `--check`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def write_or_check(target: Path, text: str, description: str | None) -> int:
    """Write `text` to `target`, or with `--check` compare them; give the exit code: 1 when the file is not current."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="exit 1 when the file is not current")
    if not parser.parse_args().check:
        target.write_text(text, encoding="utf-8")
        return 0
    if target.exists() and target.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{target} is not current. Run: python {sys.argv[0]}\n")
    return 1
