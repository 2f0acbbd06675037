"""The common workspace, with its store made."""

from __future__ import annotations

import pytest

from mlops_ext.workspace import Workspace
from tests.datasets.remotes.support import lay_out


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    """The common workspace, with its store made."""
    lay_out(workspace)
    return workspace
