"""Any sequence of promotions and rollbacks against a plain list: what an environment serves is its top."""

from __future__ import annotations

import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mlops_ext.errors import Conflict, NotFound
from mlops_ext.models import service
from mlops_ext.models.promotion.types import ListDeployments
from mlops_ext.models.types import ShowModel
from mlops_ext.workspace import Workspace
from tests.models.support import actions, promoted, registered, rolled_back

VERSIONS = st.integers(1, 4)


class History(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.ws = Workspace(self.folder, overrides={"catalog": ""})
        for number in range(4):
            registered(self.ws, content=bytes([number]))
        self.stack: list[int] = []
        self.served: set[int] = set()
        self.moves = 0

    @rule(version=VERSIONS)
    def promote(self, version: int) -> None:
        assert promoted(self.ws, f"delay@{version}").version == version
        if not self.stack or self.stack[-1] != version:
            self.stack.append(version)
            self.moves += 1
        self.served.add(version)

    @rule()
    def roll_back(self) -> None:
        if len(self.stack) < 2:
            self.refused(None)
            return
        self.stack.pop()
        self.moves += 1
        assert rolled_back(self.ws).version == self.stack[-1]

    @rule(version=VERSIONS)
    def roll_to(self, version: int) -> None:
        if version not in self.served:
            self.refused(version)
            return
        if version != self.stack[-1]:
            self.moves += 1
            if version in self.stack[:-1]:
                while True:
                    self.stack.pop()
                    if self.stack[-1] == version:
                        break
            else:
                self.stack.append(version)
        assert rolled_back(self.ws, version=version).version == version

    @invariant()
    def serves_the_top(self) -> None:
        serving = self.ws.call(service.show, ShowModel(model="delay")).environments
        assert serving == ({"production": self.stack[-1]} if self.stack else {})
        history = self.ws.call(service.deployments, ListDeployments(model="delay")).items
        assert len(history) == self.moves == len(actions(self.ws)) - 4
        for newer, older in pairwise(history):
            assert newer.previous == older.version

    def refused(self, version: int | None) -> None:
        try:
            rolled_back(self.ws, version=version)
        except (Conflict, NotFound):
            return
        raise AssertionError("a rollback to nothing was done")

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.ws.database.close()
            shutil.rmtree(self.folder)


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
