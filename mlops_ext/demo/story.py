"""The story's steps: each does one thing for real and says what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import mlops_ext as mlops
from mlops_ext.demo import flights
from mlops_ext.demo.teller import Outcome
from mlops_ext.errors import CheckRefused, RunFailed
from mlops_ext.governance import service as governance
from mlops_ext.models import service as registry
from mlops_ext.models.types import ApplyPolicy, Deployment, ModelVersion, NoRequest, ShowVersion
from mlops_ext.monitoring import edge as monitoring
from mlops_ext.monitoring import service as reports
from mlops_ext.monitoring.monitors import loss_alert
from mlops_ext.monitoring.types import MetricEstimate, Report
from mlops_ext.runs import service as jobs
from mlops_ext.runs.types import ListJobs
from mlops_ext.runs.worker import Worker

if TYPE_CHECKING:
    import pandas as pd

    from mlops_ext.workspace import Workspace

__all__ = ["Month", "Story"]

MODEL = "delay"
VIEW = "weather_at_origin"
TOLERANCE = 0.05
"""How far below its own estimate an AUC may be measured before the model counts as worse than it claims."""


@dataclass
class Month:
    """What is known of one month, as it becomes known."""

    number: int
    served_by: str
    estimate: Report
    drift: Report
    performance: Report | None = None

    @property
    def window(self) -> str:
        """The month as `2013-02`."""
        return window_of(self.number)


@dataclass
class Story:
    """The workspace of the demo and what has happened in it so far."""

    ws: Workspace
    last_month: int
    months: dict[int, Month] = field(default_factory=dict)
    comparisons: list[Report] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    challenger: ModelVersion | None = None
    _frames: dict[int, pd.DataFrame] = field(default_factory=dict)

    def snapshot(self) -> Outcome:
        """Snapshot January, the weather and the planes; the same again makes nothing."""
        tables = {
            "flights": flights.flights_through(1),
            "weather": flights.weather_observations(),
            "planes": flights.plane_register(),
        }
        first = {name: mlops.snapshot(table, name, workspace=self.ws) for name, table in tables.items()}
        again = {name: mlops.snapshot(table, name, workspace=self.ws) for name, table in tables.items()}
        made = sum(again[name].version != first[name].version for name in tables)
        rows = ", ".join(f"{version.ref} {version.rows:,} rows" for version in first.values())
        return Outcome(f"{rows}; the same again made {made} new versions", {"new_versions_of_the_same": made})

    def join(self) -> Outcome:
        """Join the weather as it was known one hour before each scheduled departure, at most three hours old."""
        mlops.feature_view(
            VIEW, dataset="weather", entity="origin", time="observed", ttl="3h", workspace=self.ws
        )
        january = self.joined(1)
        matched = float(january[flights.WEATHER].notna().any(axis=1).mean())
        return Outcome(f"{len(january):,} flights, weather known for {matched:.2%}", {"rows": len(january), "matched": matched})

    def train(self) -> Outcome:
        """Train on January through papermill."""
        version = self._train({"month": 1})
        return Outcome(
            f"{version.ref}: AUC {version.metrics['auc']:.3f} on the last week, Brier {version.metrics['brier']:.3f}; "
            f"from {', '.join(version.inputs)}",
            {"model": version.ref, "metrics": dict(version.metrics), "run": version.run},
        )

    def promote(self) -> Outcome:
        """Put the policy into force, then promote to staging and to production."""
        policy = registry.read_policy(self.ws.settings)
        self.ws.call(registry.apply_policy, ApplyPolicy(policy=policy))
        for environment in ("staging", "production"):
            self.deployments.append(mlops.promote(f"{MODEL}@latest", to=environment, workspace=self.ws))
        gates = [gate.gate for deployment in self.deployments for gate in deployment.gates]
        return Outcome(f"{MODEL}@1 passed {', '.join(gates)} and serves production", {"gates": gates})

    def score(self, number: int) -> Outcome:
        """Score a month with the model that serves production, before any label is known."""
        version = self._serving()
        frame = self.joined(number)
        self._predict(version, number)
        estimate = monitoring.estimate(version.ref, window_of(number), workspace=self.ws)
        drift = self._drift(version, number)
        self.months[number] = Month(number, version.ref, estimate, drift)
        auc = value_of(estimate, "auc")
        drifted = drift.verdict.columns if drift.verdict else ()
        return Outcome(
            f"{len(frame):,} flights by {version.ref}; AUC estimated without labels {auc.value:.3f}; "
            f"{len(drifted)} of {len(flights.FEATURES)} columns drifted, most {', '.join(drifted[:2]) or 'none'}",
            {"model": version.ref, "estimated_auc": auc.value, "drifted": list(drifted)},
        )

    def learn(self, number: int) -> Outcome:
        """Let the labels of a month arrive, a month late, and measure the model that served it."""
        month, frame = self.months[number], self.joined(number)
        labels = flights.label_of(frame)
        known = labels.notna()
        mlops.log_labels(
            month.served_by, frame.loc[known, "id"], labels[known], at=frame.loc[known, "scheduled"],
            window=month.window, workspace=self.ws,
        )  # fmt: skip
        month.performance = mlops.performance(
            month.served_by, month.window, threshold=self._threshold(month.served_by), workspace=self.ws
        )
        metrics = {each.name: each for each in month.performance.metrics}
        shown = ", ".join(f"{name} {interval(metrics[key])}" for name, key in METRICS.items())
        coverage = month.performance.label_coverage or 0.0
        numbers = {key: metrics[key].model_dump() for key in METRICS.values()}
        return Outcome(f"{shown}; labels for {coverage:.1%}", {"label_coverage": coverage, **numbers})

    def watch(self, number: int) -> Outcome:
        """Compare a challenger on the month just learnt, or raise an alert when the model did worse than it claims."""
        if self.challenger is not None:
            return self._decide(self.challenger, number)
        month = self.months[number]
        assert month.performance is not None
        if month.served_by != self._serving().ref:
            return Outcome(f"{month.served_by} no longer serves: nothing to do")
        request = loss_alert(month.performance, month.estimate, metric="auc", tolerance=TOLERANCE, details={"month": number})
        if request is None:
            return Outcome("within the band: no alert", {"alert": False})
        alert = self.ws.call(reports.raise_alert, request)
        self.challenger = self._work_off()
        return Outcome(
            f"{alert.message}; it queued a retraining: {self.challenger.ref}",
            {"alert": alert.id, "challenger": self.challenger.ref},
        )

    def refuse_a_bad_one(self) -> Outcome:
        """Train a challenger on shuffled labels, on purpose, and see the gates refuse it."""
        last = self.last_month
        bad = self._train({"month": last - 1, "shuffle_labels": True})
        comparison = self._compare(bad, last)
        try:
            mlops.promote(bad.ref, to="production", comment="shuffled labels, on purpose", workspace=self.ws)
        except CheckRefused as refusal:
            self.refusals.append(refusal.message)
            gain = value_of(comparison, "auc")
            return Outcome(
                f"{bad.ref}, trained on shuffled labels on purpose, gains {interval(gain)} AUC on {window_of(last)}: refused",
                {"challenger": bad.ref, "gain": gain.model_dump(), "refused": refusal.message},
            )
        raise RunFailed(f"{bad.ref} was promoted although its labels were shuffled", hint="The gates do not guard")

    def roll_back(self) -> Outcome:
        """Roll production back by one call, and forward again."""
        now = self._serving()
        if now.version == 1:
            self.deployments.append(mlops.promote(self._forward().ref, to="staging", workspace=self.ws))
            back = mlops.rollback(f"{MODEL}@staging", comment="drill", workspace=self.ws)
        else:
            back = mlops.rollback(f"{MODEL}@production", comment="drill", workspace=self.ws)
        forward = mlops.rollback(back.ref, version=back.previous, comment="drill over", workspace=self.ws)
        self.deployments += [back, forward]
        return Outcome(
            f"{back.environment}: {MODEL}@{back.previous} → {MODEL}@{back.version} → {MODEL}@{forward.version}",
            {"back_to": back.version, "forward_to": forward.version},
        )

    def verify(self) -> Outcome:
        """Check the whole trail."""
        verification = self.ws.call(governance.verify, NoRequest())
        if not verification.ok:
            raise CheckRefused(f"the trail does not hold: {verification.findings[0].problem}")
        return Outcome(f"{verification.events} events in one unbroken chain", {"events": verification.events})

    def joined(self, number: int) -> pd.DataFrame:
        """Give one month's flights with the weather as it was known."""
        if number not in self._frames:
            month = flights.flights_through(number, first=number)
            self._frames[number] = mlops.join(month, VIEW, at="scheduled", offset="-1h", workspace=self.ws)
        return self._frames[number]

    def _train(self, parameters: dict[str, Any]) -> ModelVersion:
        run = mlops.run("train.ipynb", parameters=parameters, experiment="flights", workspace=self.ws)
        return self._version_of(run.outputs)

    def _work_off(self) -> ModelVersion:
        """Do the queued jobs and give the model version that the newest of them registered."""
        Worker(self.ws).run(until_idle=True)
        newest = self.ws.call(jobs.list_jobs, ListJobs(limit=1)).items[0]
        jobs.raise_for_status(newest)
        run = mlops.active_run  # placeholder
        return self._version_of(run)

    def _version_of(self, outputs: tuple[str, ...]) -> ModelVersion:
        made = [output for output in outputs if output.startswith("model:")]
        if not made:
            raise RunFailed("the notebook registered no model", hint="Look at its output notebook")
        return self._version(made[-1].removeprefix("model:"))

    def _version(self, ref: str) -> ModelVersion:
        return self.ws.call(registry.version, ShowVersion(model=ref))

    def _serving(self) -> ModelVersion:
        return self._version(f"{MODEL}@production")
