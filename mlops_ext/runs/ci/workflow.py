"""A minimal workflow for GitHub Actions: run the notebooks, keep the workspace between runs, comment on the request."""

from __future__ import annotations

import shlex
from pathlib import Path

from mlops_ext.errors import Conflict
from mlops_ext.runs.ci.report import Decision
from mlops_ext.store.filesystem import write_whole

__all__ = ["WORKFLOW", "write_workflow"]

WORKFLOW = Path(".github/workflows/mlops.yml")
_TEXT = """\
# Written by: mlops ci init github
name: notebooks
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
  pull-requests: write
jobs:
  notebooks:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
          cache: pip
      - run: pip install 'mlops-ext[all]'
      # Runs of the main branch are the baseline; a workspace on PostgreSQL (MLOPS_CATALOG) needs no cache.
      - uses: actions/cache@v4
        with:
          path: .mlops
          key: mlops-${{ github.ref_name }}-${{ github.run_id }}
          restore-keys: |
            mlops-${{ github.ref_name }}-
            mlops-main-
      - run: >-
          mlops ci run '@PATTERN@' --jobs auto --compare origin/main
          --junit mlops-junit.xml --report mlops-report.md --artifacts mlops-artifacts
      - if: always()
        run: test ! -f mlops-report.md || cat mlops-report.md >> "$GITHUB_STEP_SUMMARY"
      - if: always()
        uses: actions/upload-artifact@v4
        with:
          name: notebooks
          path: |
            mlops-junit.xml
            mlops-report.md
            mlops-artifacts
      - if: github.event_name == 'pull_request' && !cancelled()
        run: mlops ci report --base origin/main@DECISION@ --out mlops-comment.md
      - if: github.event_name == 'pull_request' && !cancelled()
        # The marker in the comment's first line finds the comment of the run before.
        run: |
          id=$(gh api "repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments" --paginate \\
            --jq '[.[] | select(.body | startswith("<!-- mlops-ci-report -->"))][0].id // empty' | head -n 1)
          if [ -n "$id" ]; then
            gh api -X PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F body=@mlops-comment.md
          else
            gh api "repos/$GITHUB_REPOSITORY/issues/$NUMBER/comments" -F body=@mlops-comment.md
          fi
        env:
          GH_TOKEN: ${{ github.token }}
          NUMBER: ${{ github.event.pull_request.number }}
"""


def write_workflow(root: Path, pattern: str = "**/*.ipynb", decision: Decision | None = None) -> Path:
    """Write the workflow into a checkout.

    Parameters
    ----------
    pattern : str
        Which notebooks it runs.
    decision : Decision, optional
        What its report is about; cells and data alone when left out.

    Raises
    ------
    Conflict
        There is another one already.
    InvalidValue
        The decision names a column without a dataset, or a dataset without a model.
    """
    path = root / WORKFLOW
    asked = _options(decision) if decision else ""
    content = _TEXT.replace("'@PATTERN@'", shlex.quote(pattern)).replace("@DECISION@", asked)
    if path.exists() and path.read_text(encoding="utf-8") != content:
        raise Conflict(f"{WORKFLOW} is there already and differs", hint="Move it away to have it written anew")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.encode())
    return path


def _options(decision: Decision) -> str:
    decision.check()
    if not decision.model:
        return ""
    given = {
        "model": decision.model,
        "to": decision.environment,
        "holdout": decision.holdout,
        "target": decision.target,
        "at": decision.at,
    }
    return "".join(f" --{name} {shlex.quote(value)}" for name, value in given.items() if value)
