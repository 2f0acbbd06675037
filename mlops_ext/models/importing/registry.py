"""Registered models of MLflow on their way: versions with their numbers, then descriptions, tags and aliases."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mlops_ext.errors import Conflict, DamagedBlob, InvalidValue, NotFound, StoreUnavailable
from mlops_ext.models import service as registry
from mlops_ext.models.flavors import flavor_named
from mlops_ext.models.importing import service
from mlops_ext.models.importing.artifacts import download
from mlops_ext.models.importing.ledger import Ledger, fitting
from mlops_ext.models.importing.mlflow import moment
from mlops_ext.models.importing.natives import flavor_of, read_mlmodel, signature_of
from mlops_ext.models.importing.types import Brought, EnterModel, EnterVersion
from mlops_ext.models.loading import sha256_of
from mlops_ext.models.scanning import scan_folder
from mlops_ext.models.types import ModelFile, ModelVersion, Register, ShowModel, ShowVersion
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import ShowRun

__all__ = ["import_models"]


def import_models(ledger: Ledger, models: Sequence[Any], versions: Mapping[str, Sequence[Any]]) -> None:
    """Bring over all models, the versions of each by their numbers."""
    names: dict[str, str] = {}
    for model in models:
        name = _name(ledger, model.name, names)
        names[model.name] = name
        for version in versions[model.name]:
            _import_version(ledger, name, model.name, version)
            ledger.step()
        try:
            _import_model(ledger, name, model)
        except NotFound as gone:  # it was renamed or deleted here since it came over
            ledger.leave("model", f"model {model.name}", gone.message)


def _name(ledger: Ledger, there: str, names: Mapping[str, str]) -> str:
    held = ledger.held("model", there).removeprefix("model:")
    name = held or fitting(there)
    number = 2
    while name in names.values():
        name, number = f"{fitting(there)[:240]}-{number}", number + 1
    if name != there:
        ledger.renamed.append(Brought(there=f"model {there}", here=f"model {name}"))
    return name


def _import_version(ledger: Ledger, name: str, there: str, version: Any) -> None:
    """Bring one version over, unless it is here; what stands in its way is told and the others go on."""
    number = int(version.version)
    here = ledger.held("version", f"{there}@{number}")
    ledger.count("version", known=1 if here else 0)
    if here and not ledger.dry_run:
        _compare_again(ledger, here, there, version)
    if here or ledger.dry_run:
        return
    try:
        made = _register(ledger, name, there, version)
    except (Conflict, DamagedBlob, InvalidValue, StoreUnavailable) as refusal:
        ledger.leave("version", f"model version {there}@{number}", refusal.message)
        return
    ledger.remember("version", f"{there}@{number}", f"model:{made.ref}")
    ledger.new["version"] += 1
    if made.version != number:
        ledger.renamed.append(Brought(there=f"model version {there}@{number}", here=f"model version {made.ref}"))
    _compare(ledger, made)


def _register(ledger: Ledger, name: str, there: str, version: Any) -> ModelVersion:
    with tempfile.TemporaryDirectory(prefix="mlops-") as scratch:
        folder = Path(scratch)
        location = ledger.store.location(there, int(version.version))
        for file in ledger.store.files(location):
            ledger.arrived(download(ledger, location, file, folder).stat().st_size)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        if not paths:
            raise InvalidValue(f"no files lie at {location}", hint="Log the model again")
        ledger.count("file", len(paths), new=len(paths))
        mlmodel = read_mlmodel(folder)
        flavor = flavor_of(folder, mlmodel)
        trust = tuple(flavor_named(flavor).untrusted(folder))
        request = Register(
            name=name,
            flavor=flavor,
            files=_stored(ledger, folder),
            signature=signature_of(mlmodel),
            trust=trust,
            scan=scan_folder(folder, trust),
            tags=_tags(version, mlmodel),
            description=version.description or "",
            **_measured(ledger, version, mlmodel),
        )
    made = ledger.ws.call(
        service.enter_version,
        EnterVersion(
            source=ledger.store.name,
            number=int(version.version),
            name=there,
            model=request,
            created_at=moment(version.creation_timestamp) or datetime(1970, 1, 1, tzinfo=timezone.utc),
        ),
    )
    _tell(ledger, made, mlmodel)
    return made


def _stored(ledger: Ledger, folder: Path) -> tuple[ModelFile, ...]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = ledger.ws.put_blobs(paths)
    files = tuple(
        ModelFile(
            path=path.relative_to(folder).as_posix(), digest=digest, sha256=sha256_of(path), size=path.stat().st_size
        )
        for path, digest in zip(paths, digests, strict=True)
    )
    ledger.bytes += sum(file.size for file in files)
    return files


def _measured(ledger: Ledger, version: Any, mlmodel: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the run of a version measured, as `register` takes it; of several models of a run, each its own."""
    model = ledger.logged.get(str(mlmodel.get("model_id") or ""))
    given = {} if model is None else dict(model.params or {})
    parameters = {key: json.dumps(value, ensure_ascii=False) for key, value in given.items()}
    run = ledger.held("open", version.run_id or "").removeprefix("run:")
    if not run:
        return {"metrics": {} if model is None else _newest(model), "parameters": parameters}
    logged = ledger.ws.call(tracking.show, ShowRun(run=run))
    metrics = logged.metrics if model is None else _own(ledger, model, logged.metrics)
    return {"run": run, "metrics": metrics, "parameters": {**logged.parameters, **parameters}}


def _own(ledger: Ledger, model: Any, measured: Mapping[str, float]) -> dict[str, float]:
    """Give what a run measured of one of its models.

    MLflow links what it is told of no model to every one, as it was at the first step. So only where the models of a
    run differ do their own numbers say more than the run's.
    """
    of_run = [_newest(each) for each in ledger.logged.values() if each.source_run_id == model.source_run_id]
    if all(each == of_run[0] for each in of_run):
        return dict(measured)
    shared = {key: value for key, value in measured.items() if not any(key in each for each in of_run)}
    return {**shared, **_newest(model)}


def _newest(model: Any) -> dict[str, float]:
    points = sorted(model.metrics or (), key=lambda each: (each.step, each.timestamp))
    return {each.key: each.value for each in points}


def _tags(version: Any, mlmodel: Mapping[str, Any]) -> dict[str, str]:
    """Give the tags of a version, and as tags what has no field here: its stage, number, source and author."""
    stage = version.current_stage if version.current_stage not in (None, "None") else ""
    said = {
        "mlflow.stage": stage,
        "mlflow.version": str(version.version),
        "mlflow.source": version.source or "",
        "mlflow.user": version.user_id or "",
        "mlflow.mlflow_version": str(mlmodel.get("mlflow_version") or ""),
    }
    return {**{key: value for key, value in said.items() if value}, **dict(version.tags or {})}


def _tell(ledger: Ledger, made: ModelVersion, mlmodel: Mapping[str, Any]) -> None:
    flavors = [each for each in mlmodel.get("flavors") or {} if each != "python_function"]
    if made.flavor == "mlflow":
        trust = ", ".join(map(repr, made.trust))
        what = f"of {', '.join(flavors)}" if flavors else "of no known flavor"
        ledger.notes.append(
            f"{made.ref} is kept as MLflow's files ({what}); "
            f"load_model({made.ref!r}, trust=[{trust}]) reads it with mlflow"
        )
    elif made.flavor in ("lightgbm", "xgboost"):
        ledger.notes.append(f"{made.ref} loads as a Booster; MLflow keeps nothing else of it that is safe to read")


def _compare(ledger: Ledger, made: ModelVersion) -> None:
    """Read every file of a version from the store and compare it with what arrived."""
    here = ledger.ws.call(registry.version, ShowVersion(model=made.ref))
    for file in here.files:
        if sha256_of(ledger.ws.blob_path(file.digest)) != file.sha256:
            ledger.differences.append(f"{file.path} of {made.ref} has another SHA-256 than what arrived")


def _compare_again(ledger: Ledger, here: str, there: str, version: Any) -> None:
    """Compare a version that came over before with the files that the source lists now."""
    try:
        made = ledger.ws.call(registry.version, ShowVersion(model=here.removeprefix("model:")))
        _compare(ledger, made)
        listed = ledger.store.files(ledger.store.location(there, int(version.version)))
    except (DamagedBlob, NotFound, StoreUnavailable) as trouble:
        ledger.differences.append(f"model version {there}@{version.version}: {trouble.message}")
        return
    held = {file.path: file.size for file in made.files}
    for file in listed:
        if file.path not in held or file.size not in (None, held[file.path]):
            ledger.differences.append(f"{file.path} of model version {there}@{version.version} is another there now")


def _import_model(ledger: Ledger, name: str, model: Any) -> None:
    """Take over what is said of the model itself; compare its aliases afterwards."""
    wanted = ledger.store.aliases(model.name)
    known = bool(ledger.held("model", model.name))
    ledger.count("model", known=int(known))
    ledger.count("alias", len(wanted))
    if ledger.dry_run:
        ledger.known["alias"] += sum(1 for alias in wanted if ledger.held("alias", f"{model.name}@{alias}"))
        return
    here = {number: _number(ledger, model.name, number) for number in wanted.values()}
    if not known and not _came(ledger, model.name):
        ledger.leave("model", f"model {model.name}", "no version of it came over")
        ledger.out["alias"] += len(wanted)
        return
    aliases = {alias: here[number] for alias, number in wanted.items() if here[number]}
    entered = ledger.ws.call(
        service.enter_model,
        EnterModel(
            model=name,
            source=ledger.store.name,
            name=model.name,
            description=model.description or "",
            tags=dict(model.tags or {}),
            aliases=aliases,
        ),
    )
    ledger.remember("model", model.name, f"model:{name}")
    ledger.new["model"] += int(not known)
    ledger.new["alias"] += len(entered.aliases)
    ledger.known["alias"] += len(aliases) - len(entered.aliases) - len(entered.refused)
    for alias, reason in entered.refused.items():
        ledger.leave("alias", f"alias {alias} of model {model.name}", reason)
    for alias in set(wanted) - set(aliases):
        ledger.leave("alias", f"alias {alias} of model {model.name}", f"version {wanted[alias]} did not come over")
    _compare_aliases(ledger, name, model.name, {each: aliases[each] for each in aliases if each not in entered.refused})


def _compare_aliases(ledger: Ledger, name: str, there: str, wanted: Mapping[str, int]) -> None:
    held = ledger.ws.call(registry.show, ShowModel(model=name)).aliases
    for alias, number in sorted(wanted.items()):
        if held.get(alias) == number:
            continue
        place = f"at {name}@{held[alias]}" if alias in held else "nowhere"
        ledger.differences.append(f"alias {alias} of model {there} points at {name}@{number} there and {place} here")


def _came(ledger: Ledger, model: str) -> bool:
    return any(kind == "version" and each.rpartition("@")[0] == model for kind, each in ledger.everything())


def _number(ledger: Ledger, model: str, number: int) -> int:
    """Give the number that a version of MLflow has here; 0 when it did not come over."""
    return int(ledger.held("version", f"{model}@{number}").rpartition("@")[2] or 0)
