"""`mlops.step` and `mlops.pipeline`: steps from notebooks and functions, run here or by workers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.runs import service as jobs
from mlops_ext.runs.attempts.attempt import handed_down
from mlops_ext.runs.attempts.requirements import check_requirements
from mlops_ext.runs.edge import run_job
from mlops_ext.runs.kernels.warm import Parents
from mlops_ext.runs.notebooks.conversion import jsonable
from mlops_ext.runs.pipelines import service
from mlops_ext.runs.pipelines.advancing import advance
from mlops_ext.runs.pipelines.definition import StepSettings
from mlops_ext.runs.pipelines.functions import of_object
from mlops_ext.runs.pipelines.graph import Graph, graph_of
from mlops_ext.runs.pipelines.planning import plan_function, plan_step
from mlops_ext.runs.pipelines.types import PipelineRun, ShowPipeline, ShowPipelineRun, StartPipeline, StepPlan
from mlops_ext.runs.queue.worker import Place
from mlops_ext.runs.remote.cluster import cluster_at
from mlops_ext.runs.types import Job, ShowJob
from mlops_ext.workspace import Workspace

__all__ = ["Pipeline", "Step", "pipeline", "run_here", "step"]

Progress = Callable[[PipelineRun], None]
_LOOK_SECONDS = 0.2


class Step:
    """A notebook or a function as a step; a function can be called as before.

    Parameters
    ----------
    what : str, Path or callable
        Path of a notebook, or a function.
    name : str
        Its name; that of the function, or the notebook's without its ending, when left out.
    settings : mapping
        As in mlops.toml: parameters, reads, writes, after, kernel, timeout_seconds, max_attempts, cache, memory, tags,
        secrets.
    """

    def __init__(self, what: str | Path | Callable[..., Any], name: str, settings: Mapping[str, Any]) -> None:
        self.what = what
        self.name = name or (what.__name__ if callable(what) else Path(what).stem)
        self.settings = dict(settings)
        if callable(what):
            functools.update_wrapper(self, what)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function."""
        if not callable(self.what):
            raise InvalidValue(f"the step {self.name!r} is a notebook", hint="Run the pipeline")
        return self.what(*arguments, **named)

    def plan(self, ws: Workspace) -> StepPlan:
        """Read what will run."""
        given = {name: jsonable(value) for name, value in self.settings.get("parameters", {}).items()}
        settings = StepSettings(**{**self.settings, "parameters": given})
        if callable(self.what):
            return plan_function(ws, self.name, of_object(self.what), settings)
        return plan_step(ws, self.name, settings.model_copy(update={"notebook": str(self.what)}))


def step(what: str | Path | Callable[..., Any] | None = None, *, name: str = "", **settings: Any) -> Any:
    """Make a step of a notebook, or of the function that this decorates.

    Parameters
    ----------
    what : str, Path or callable, optional
        Path of a notebook; as a decorator, the function.
    name : str
        Its name.
    **settings
        `parameters`, `reads` and `writes` (names of datasets, or `model:NAME`; those that stand in the code are found),
        `after` (names of steps), `kernel`, `timeout_seconds`, `max_attempts`, `cache`,
        `memory`, `tags`, `secrets`.

    Returns
    -------
    Step

    Examples
    --------
    >>> @step(writes=["flights"])
    ... def prepare(month: int = 1): ...
    >>> prepare.name
    'prepare'
    """
    _check(settings)
    if what is None:
        return lambda function: Step(function, name, settings)
    return Step(what, name, settings)


class Pipeline:
    """Steps that run in the order of what they read and write; displays itself as a graph.

    Parameters
    ----------
    name : str
        Its name.
    steps : sequence of Step
        Empty for a pipeline that mlops.toml declares.
    workspace : Workspace, optional
        The one that is found from here when left out.
    """

    def __init__(self, name: str, steps: Sequence[Step], workspace: Workspace | None = None) -> None:
        self.name = name
        self.steps = tuple(steps)
        self.workspace = workspace or Workspace.find()
        names = [each.name for each in self.steps]
        for number, each in enumerate(names):
            if each in names[:number]:
                raise InvalidValue(f"two steps are named {each!r}", hint="Give one of them another name=")

    @property
    def graph(self) -> Graph:
        """Which step waits for which."""
        if not self.steps:
            return self.workspace.call(service.draw, ShowPipeline(pipeline=self.name))
        steps, edges = service.ordered(self.workspace, self.name, self._plans())
        return graph_of(self.name, steps, edges, {})

    def run(
        self,
        parameters: Mapping[str, Any] | None = None,
        *,
        jobs: int = 2,
        cache: bool = True,
        memory: str = "",
        tags: Sequence[str] = (),
        secrets: Sequence[str] = (),
        wait: bool = True,
        on: str = "",
        on_progress: Progress | None = None,
    ) -> PipelineRun:
        """Run it.

        Parameters
        ----------
        parameters : mapping, optional
            For every step that declares the name; `STEP.NAME` for one step.
        jobs : int
            How many steps run at once.
        cache : bool
            Let steps whose code, parameters, inputs and environment are as before serve again.
        memory : str
            What a step may use that says nothing of its own.
        tags, secrets : sequence of str
            For every step, as for `run`.
        wait : bool
            Run it here and now; otherwise workers will.
        on : str
            A Dask cluster to run the steps on, as for `run`.
        on_progress : callable, optional
            Told of the run whenever something changed.
        """
        given = dict(parameters or {})
        plain = {name: jsonable(value) for name, value in given.items()}
        request = StartPipeline(
            pipeline=self.name,
            steps=tuple(self._plans()),
            parameters=plain,
            cache=cache,
            memory=memory,
            tags=tuple(tags),
            secrets=tuple(secrets),
        )
        with cluster_at(on) as place:
            started = self.workspace.call(service.start, request)
            return run_here(self.workspace, started, given, jobs, on_progress, place) if wait else started

    def _plans(self) -> list[StepPlan]:
        return [each.plan(self.workspace) for each in self.steps]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self.graph._repr_mimebundle_()


def pipeline(name: str, *steps: Step | str | Path | Callable[..., Any], workspace: Workspace | None = None) -> Pipeline:
    """Make a pipeline of steps, notebooks and functions; with a name alone, the one of mlops.toml.

    Examples
    --------
    >>> flow = mlops.pipeline("retrain", prepare, "train.ipynb")    # doctest: +SKIP
    >>> flow.run({"month": 2}).status                               # doctest: +SKIP
    'succeeded'
    """
    return Pipeline(name, [each if isinstance(each, Step) else step(each) for each in steps], workspace)


def run_here(
    ws: Workspace,
    started: PipelineRun,
    parameters: Mapping[str, Any] | None = None,
    at_once: int = 2,
    on_progress: Progress | None = None,
    place: Place | None = None,
) -> PipelineRun:
    """Run a started pipeline in this process's own workers and give it when it has ended; Ctrl-C cancels it."""
    check_requirements()
    try:
        return _work(ws, started.id, parameters, at_once, on_progress, place)
    except KeyboardInterrupt:
        ws.call(service.cancel, ShowPipelineRun(run=started.id))
        raise


def _work(
    ws: Workspace,
    run: str,
    parameters: Mapping[str, Any] | None,
    at_once: int,
    on_progress: Progress | None,
    place: Place | None,
) -> PipelineRun:
    asked, under_way = ShowPipelineRun(run=run), dict[str, Future[Job]]()
    told: PipelineRun | None = None
    with Parents.kept(handed_down()) as parents, ThreadPoolExecutor(at_once, thread_name_prefix="mlops-step") as pool:
        while True:
            advance(ws, run)
            found = ws.call(service.show, asked)
            if on_progress is not None and found != told:
                on_progress(found)
            told = found
            if found.status != "running":
                break
            for each in found.steps:
                if each.status in ("queued", "running") and each.job not in under_way:
                    job = ws.call(jobs.show, ShowJob(job=each.job))
                    options: Any = {"parents": parents, "place": place}
                    under_way[each.job] = pool.submit(run_job, job, parameters, None, ws, **options)
            waited = [future for future in under_way.values() if not future.done()]
            wait(waited, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
    return told


def _check(settings: Mapping[str, Any]) -> None:
    for key in settings:
        if key not in StepSettings.model_fields or key in ("notebook", "function"):
            raise InvalidValue(f"a step has no setting {key!r}", hint=did_you_mean(key, StepSettings.model_fields))
