"""Planning: what a pipeline declares becomes steps with stored bytes, checked parameters and known edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlops_ext.errors import InvalidValue, did_you_mean
from mlops_ext.refs import Ref, check_name
from mlops_ext.runs.notebooks.conversion import check, jsonable
from mlops_ext.runs.notebooks.files import locate, read_notebook, shown
from mlops_ext.runs.notebooks.parameters import parameters_of
from mlops_ext.runs.notebooks.references import references_of, references_of_source, subject
from mlops_ext.runs.notebooks.secrecy import mask_parameters
from mlops_ext.runs.pipelines.definition import StepSettings
from mlops_ext.runs.pipelines.functions import FunctionSource, of_file
from mlops_ext.runs.pipelines.types import StepPlan
from mlops_ext.runs.reuse import code_digest
from mlops_ext.workspace import Workspace

__all__ = ["given_to", "plan_function", "plan_step", "replanned"]


def plan_step(ws: Workspace, name: str, settings: StepSettings) -> StepPlan:
    """Plan a step of mlops.toml: read its notebook or function and store what will run.

    Raises
    ------
    InvalidValue, NotFound
        The notebook, the function or a reference is wrong.
    """
    if settings.function:
        return plan_function(ws, name, of_file(settings.function, ws.root), settings)
    path = locate(settings.notebook, ws.root)
    return _plan(ws, name, path, path.read_bytes(), settings)


def plan_function(ws: Workspace, name: str, function: FunctionSource, settings: StepSettings) -> StepPlan:
    """Plan a step that is a function."""
    found = references_of_source([function.source])
    named = settings.model_copy(
        update={
            "function": function.label,
            "reads": (*settings.reads, *found.loose),
            "writes": (*settings.writes, *found.made),
        }
    )
    return _plan(ws, name, ws.root / f"{name}.ipynb", function.notebook(), named)


def replanned(ws: Workspace, plan: StepPlan) -> StepPlan:
    """Plan a step again from what its notebook or function is now; as it was when that is gone."""
    settings = StepSettings(**{key: getattr(plan, key) for key in StepSettings.model_fields})
    if not plan.function:
        path = ws.root / plan.notebook
        return _plan(ws, plan.name, path, path.read_bytes(), settings) if path.is_file() else plan
    module = plan.function.partition(":")[0]
    if module == "__main__" or not ws.root.joinpath(*module.split(".")).with_suffix(".py").is_file():
        return plan
    return plan_function(ws, plan.name, of_file(plan.function, ws.root), settings)


def given_to(ws: Workspace, plans: Sequence[StepPlan], given: Mapping[str, Any]) -> tuple[StepPlan, ...]:
    """Give each step those of the pipeline's parameters that it declares, and those that name it.

    Raises
    ------
    InvalidValue
        No step declares a name, a step lacks one that it needs, or a value does not fit.
    """
    notebooks = {plan.name: read_notebook(ws.get_blob(plan.source), plan.notebook) for plan in plans}
    declared = {name: parameters_of(notebook, name) for name, notebook in notebooks.items()}
    known = {each.name for parameters in declared.values() for each in parameters}
    known |= {f"{step}.{each.name}" for step, parameters in declared.items() for each in parameters}
    for name in given:
        if name not in known:
            raise InvalidValue(f"no step declares the parameter {name!r}", hint=did_you_mean(name, known))
    made = []
    for plan in plans:
        names = [each.name for each in declared[plan.name]]
        values = {**plan.parameters, **{name: given[name] for name in names if name in given}}
        values |= {name: given[f"{plan.name}.{name}"] for name in names if f"{plan.name}.{name}" in given}
        needed = [each.name for each in declared[plan.name] if not each.default]
        lacking = [each for each in needed if each not in values and each not in plan.secrets]
        if lacking:
            raise InvalidValue(f"the step {plan.name!r} needs {', '.join(lacking)}", hint="Give it: -p NAME VALUE")
        checked = check(notebooks[plan.name], plan.notebook, values)
        stored = mask_parameters({name: jsonable(value) for name, value in checked.items()}, plan.secrets)
        made.append(plan.model_copy(update={"parameters": stored}))
    return tuple(made)


def _plan(ws: Workspace, name: str, path: Path, data: bytes, settings: StepSettings) -> StepPlan:
    notebook = read_notebook(data, path.name)
    found = references_of(notebook, settings.parameters)
    told = settings.model_dump(exclude={"notebook", "reads", "writes"})
    return StepPlan(
        **told,
        name=check_name(name),
        notebook=shown(path, ws.root),
        source=ws.put_blob(data),
        code=code_digest(ws, notebook, path.parent),
        reads=_subjects((*settings.reads, *found.loose)),
        writes=_subjects((*settings.writes, *found.made)),
    )


def _subjects(texts: Sequence[str]) -> tuple[str, ...]:
    """Write references as `dataset:NAME` or `model:NAME`; a bare name is a dataset."""
    refs = [Ref.parse(text) for text in texts]
    whole = [ref if ref.kind else Ref(ref.name, ref.selector, "dataset") for ref in refs]
    return tuple(dict.fromkeys(subject(ref) for ref in whole))
