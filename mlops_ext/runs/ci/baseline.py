"""The baseline: the run of the same notebook at a branch, found by git commit in the workspace."""

from __future__ import annotations

import subprocess
from pathlib import Path

from mlops_ext.errors import InvalidValue
from mlops_ext.runs.ci.types import Baseline
from mlops_ext.tracking.rows import standing
from mlops_ext.tracking.tables import runs
from mlops_ext.workspace import Workspace

__all__ = ["Commits", "baseline_of", "commits_of", "git"]

_DEPTH = 500
_SECONDS = 20


class Commits:
    """A branch's commits, the newest first.

    Parameters
    ----------
    asked : str
        As the user named it.
    ids : tuple of str
        At most some hundred.
    """

    def __init__(self, asked: str, ids: tuple[str, ...]) -> None:
        self.asked = asked
        self.ids = ids


def commits_of(name: str, folder: Path) -> Commits:
    """Read the commits of a branch, tag or commit; `origin/NAME` where a checkout has only that.

    Raises
    ------
    InvalidValue
        Git knows no such name here.
    """
    for candidate in (name, f"origin/{name}"):
        listed = git(folder, "rev-list", f"--max-count={_DEPTH}", candidate, "--")
        if listed:
            return Commits(name, tuple(listed.split()))
    raise InvalidValue(
        f"git knows no {name!r} in {folder}", hint="Fetch it; in GitHub Actions: actions/checkout with fetch-depth: 0"
    )


def baseline_of(ws: Workspace, commits: Commits, notebook: str) -> Baseline:
    """Find the newest whole run of a notebook at the nearest commit that has one."""
    with ws.catalog.read() as connection:
        mine = standing(runs.c.id, runs.c.git_commit).where(runs.c.notebook == notebook, runs.c.status == "succeeded")
        rows = connection.execute(mine.where(runs.c.git_commit.in_(commits.ids)).order_by(runs.c.id)).all()
    newest = {row.git_commit: row.id for row in rows}
    for behind, commit in enumerate(commits.ids):
        if commit in newest:
            return Baseline(run=newest[commit], commit=commit, behind=behind)
    before = len(commits.ids) - 1
    more = f" or the {before} commits before it" if before > 1 else " or the commit before it" if before else ""
    looked = f"{commits.asked} ({commits.ids[0][:9]}){more}"
    return Baseline(message=f"this workspace has no whole run of {notebook} at {looked}")


def git(folder: Path, *words: str) -> str:
    """Run git and give what it wrote; empty when it failed or is not there."""
    try:
        ended = subprocess.run(  # noqa: S603
            ["git", *words],  # noqa: S607
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.strip() if ended.returncode == 0 else ""
