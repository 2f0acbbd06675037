"""The story's steps: each does one thing for real and says what it found."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import mlops_ext as mlops
from mlops_ext.demo import flights
from mlops_ext.demo.teller import Outcome
from mlops_ext.errors import CheckRefused, RunFailed
from mlops_ext.governance import service as governance
from mlops_ext.models import service as registry
from mlops_ext.models.promotion.types import ApplyPolicy, Deployment, ListDeployments
from mlops_ext.models.types import ModelVersion, NoRequest, ShowVersion
from mlops_ext.monitoring.alerts import service as alerting
from mlops_ext.monitoring.alerts.bands import impact_alert, loss_alert
from mlops_ext.monitoring.alerts.types import AcknowledgeAlert, ListAlerts, ResolveAlert
from mlops_ext.monitoring.types import MetricEstimate, Report
from mlops_ext.operations import every
from mlops_ext.runs import service as jobs
from mlops_ext.runs.edge import run_job
from mlops_ext.runs.queue.worker import Worker
from mlops_ext.runs.types import Job, ListJobs, SubmitJob
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun

if TYPE_CHECKING:
    import pandas as pd

    from mlops_ext.workspace import Workspace

__all__ = ["Month", "Story", "window_of"]

MODEL = "delay"
METRICS = {"AUC": "auc", "F1": "f1", "Brier": "brier", "ECE": "ece"}
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
    refusals: list[str] = field(default_factory=list)
    challenger: ModelVersion | None = None
    _frames: dict[int, pd.DataFrame] = field(default_factory=dict)
    _tables: dict[int, pd.DataFrame] = field(default_factory=dict)
    _models: dict[int, Any] = field(default_factory=dict)

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
        mlops.feature_view(VIEW, dataset="weather", entity="origin", time="observed", ttl="3h", workspace=self.ws)
        january = self.joined(1)
        matched = float(january[flights.WEATHER].notna().any(axis=1).mean())
        return Outcome(
            f"{len(january):,} flights, weather known for {matched:.2%}", {"rows": len(january), "matched": matched}
        )

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
        gates: list[str] = []
        for environment in ("staging", "production"):
            promotion = mlops.promote(f"{MODEL}@latest", to=environment, workspace=self.ws)
            gates += [gate.gate for gate in promotion.gates]
        return Outcome(f"{MODEL}@1 passed {', '.join(gates)} and serves production", {"gates": gates})

    def score(self, number: int) -> Outcome:
        """Score a month with the model that serves production, before any label is known."""
        version = self._serving()
        frame = self.joined(number)
        self._predict(version, number)
        estimate = mlops.estimate(version.ref, window_of(number), workspace=self.ws)
        drift = self._drift(version, number)
        self.months[number] = Month(number, version.ref, estimate, drift)
        auc = value_of(estimate, "auc").value
        impact = impact_alert(estimate, self._promise(version.ref), tolerance=TOLERANCE, details={"month": number})
        if impact is not None:
            self.ws.call(alerting.raise_alert, impact)
        drifted = drift.verdict.columns if drift.verdict else ()
        return Outcome(
            f"{len(frame):,} flights by {version.ref}; {len(drifted)} of {len(flights.FEATURES)} columns drifted; "
            f"AUC estimated without labels {auc:.3f}: {'an alert' if impact else 'no impact expected'}",
            {"model": version.ref, "estimated_auc": auc, "drifted": list(drifted), "alert": impact is not None},
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
            month.served_by, month.window, threshold=self._threshold(month.served_by), slices=["origin"],
            workspace=self.ws,
        )  # fmt: skip
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
        if month.served_by != self._serving().ref:
            return Outcome(f"{month.served_by} serves no more: nothing to do", {"alert": False})
        request = loss_alert(self._measured(number), month.estimate, tolerance=TOLERANCE, details={"month": number})
        if request is None:
            return Outcome("within the band: no alert", {"alert": False})
        alert = self.ws.call(alerting.raise_alert, request)
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
                f"{bad.ref}, its labels shuffled on purpose, gains {interval(gain)} AUC on {window_of(last)}: refused",
                {"challenger": bad.ref, "gain": gain.model_dump(), "refused": refusal.message},
            )
        raise RunFailed(f"{bad.ref} was promoted although its labels were shuffled", hint="The gates do not guard")

    def roll_back(self) -> Outcome:
        """Roll back by one call and forward again: production, or development while that has served one version."""
        environment = "production" if self._serving().version > 1 else "development"
        if environment == "development":
            for ref in (f"{MODEL}@1", f"{MODEL}@latest"):
                mlops.promote(ref, to=environment, workspace=self.ws)
        back = mlops.rollback(f"{MODEL}@{environment}", comment="drill", workspace=self.ws)
        forward = mlops.rollback(
            f"{MODEL}@{environment}", version=back.previous, comment="drill over", workspace=self.ws
        )
        return Outcome(
            f"{environment}: {MODEL}@{back.previous} → {MODEL}@{back.version} → {MODEL}@{forward.version}",
            {"environment": environment, "back_to": back.version, "forward_to": forward.version},
        )

    def verify(self) -> Outcome:
        """Check the whole trail."""
        verification = self.ws.call(governance.verify, NoRequest())
        if not verification.ok:
            raise CheckRefused(f"the trail does not hold: {verification.findings[0].problem}")
        return Outcome(f"{verification.events} events in one unbroken chain", {"events": verification.events})

    def deployments(self) -> list[Deployment]:
        """Give what every environment served, oldest first."""
        entries = list(every(self.ws, registry.deployments, ListDeployments(model=MODEL)))
        return entries[::-1]

    def joined(self, number: int) -> pd.DataFrame:
        """Give one month's flights with the weather as it was known."""
        if number not in self._frames:
            month = flights.flights_through(number, first=number)
            self._frames[number] = mlops.join(month, VIEW, at="scheduled", offset="-1h", workspace=self.ws)
        return self._frames[number]

    def decisive_numbers(self) -> list[tuple[str, str]]:
        """Give the numbers that decided, each with its name."""
        rows = [
            (f"AUC of {month.served_by} in {month.window}", interval(value_of(month.performance, "auc")))
            for month in self.months.values()
            if month.performance is not None
        ]
        for report in self.comparisons:
            gain = value_of(report, "auc")
            champion = report.reference.removeprefix("model:")
            rows.append((f"gain in AUC of {report.model} over {champion} in {report.window}", interval(gain)))
        rows.append(("serving production now", self._serving().ref))
        return rows

    def _decide(self, challenger: ModelVersion, number: int) -> Outcome:
        """Compare a challenger with the champion on a month later than both were trained on, and try to promote it."""
        champion = self._serving()
        comparison = self._compare(challenger, number)
        gain = value_of(comparison, "auc")
        self.challenger = None
        numbers = {"challenger": challenger.ref, "champion": champion.ref, "gain": gain.model_dump()}
        told = f"{challenger.ref} gains {interval(gain)} AUC over {champion.ref}"
        try:
            for environment in ("staging", "production"):
                mlops.promote(
                    challenger.ref, to=environment, comment=f"better in {window_of(number)}", workspace=self.ws
                )
        except CheckRefused as refusal:
            self.refusals.append(refusal.message)
            self._answer_alerts(alerting.acknowledge, AcknowledgeAlert, f"{challenger.ref} was refused")
            return Outcome(f"{told}: refused", {**numbers, "promoted": False})
        self._answer_alerts(alerting.resolve, ResolveAlert, f"{challenger.ref} serves now")
        return Outcome(f"{told}: promoted", {**numbers, "promoted": True})

    def _answer_alerts(self, operation: Any, request: Any, comment: str) -> None:
        for alert in every(self.ws, alerting.alerts, ListAlerts(model=MODEL, state="open")):
            self.ws.call(operation, request(alert=alert.id, comment=comment))

    def _compare(self, challenger: ModelVersion, number: int) -> Report:
        champion = self._serving()
        for version in (champion, challenger):
            self._predict(version, number)
        report = mlops.compare_window(champion.ref, challenger.ref, window_of(number), workspace=self.ws)
        self.comparisons.append(report)
        return report

    def _predict(self, version: ModelVersion, number: int) -> None:
        """Log a version's predictions of a month; the same again is stored once."""
        frame, features = self.joined(number), self._features(number)
        probability = self._model(version).predict_proba(features)[:, 1]
        mlops.log_predictions(
            version.ref, features, probability >= self._threshold(version.ref), frame["id"],
            at=frame["scheduled"], probability=probability, window=window_of(number), workspace=self.ws,
        )  # fmt: skip

    def _drift(self, version: ModelVersion, number: int) -> Report:
        report = mlops.drift(
            self._features(1), self._features(number), window=window_of(number),
            model=version.ref, save=True, workspace=self.ws,
        )  # fmt: skip
        if report.saved is None:
            raise RunFailed("the drift report was not saved")
        return report.saved

    def _measured(self, number: int) -> Report:
        found = self.months[number].performance
        if found is None:
            raise RunFailed(f"no labels of {window_of(number)} have come", hint="Learn the month first")
        return found

    def _promise(self, ref: str) -> Report:
        """Give the first estimate of a version: what it claimed when it began to serve."""
        return next(month.estimate for month in self.months.values() if month.served_by == ref)

    def _features(self, number: int) -> pd.DataFrame:
        if number not in self._tables:
            self._tables[number] = flights.features_of(self.joined(number), flights.plane_register())
        return self._tables[number]

    def _model(self, version: ModelVersion) -> Any:
        if version.version not in self._models:
            self._models[version.version] = mlops.load_model(version.ref, workspace=self.ws)
        return self._models[version.version]

    def _threshold(self, ref: str) -> float:
        return float(json.loads(self._version(ref).parameters["threshold"]))

    def _train(self, parameters: dict[str, Any]) -> ModelVersion:
        """Run the notebook as a job, here and now, and give the model that it registered."""
        job = self.ws.call(jobs.submit, SubmitJob(notebook="train.ipynb", parameters=parameters, experiment="flights"))
        return self._model_of(run_job(job, workspace=self.ws))

    def _work_off(self) -> ModelVersion:
        """Let a worker do what the alert has queued, and give the model that came of it."""
        Worker(self.ws).run(until_idle=True)
        return self._model_of(self.ws.call(jobs.list_jobs, ListJobs(limit=1)).items[0])

    def _model_of(self, job: Job) -> ModelVersion:
        jobs.raise_for_status(job)
        run = self.ws.call(tracking.show, ShowRun(run=job.run))
        made = [output for output in run.outputs if output.startswith("model:")]
        if not made:
            raise RunFailed(f"{job.notebook} registered no model", hint=f"Look at {job.output}")
        return self._version(made[-1].removeprefix("model:"))

    def _version(self, ref: str) -> ModelVersion:
        return self.ws.call(registry.version, ShowVersion(model=ref))

    def _serving(self) -> ModelVersion:
        return self._version(f"{MODEL}@production")


def window_of(number: int) -> str:
    """Write a month of 2013 as `2013-02`."""
    return f"2013-{number:02d}"


def value_of(report: Report, name: str) -> MetricEstimate:
    """Find one metric of a report."""
    return next(each for each in report.metrics if each.name == name)


def interval(metric: MetricEstimate) -> str:
    """Write a metric with its interval."""
    sign = "+" if metric.kind == "difference" else ""
    return f"{metric.value:{sign}.3f} [{metric.low:{sign}.3f}, {metric.high:{sign}.3f}]"
