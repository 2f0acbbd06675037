"""Models as objects: register and load estimators, from a notebook or a script."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlops_ext.datasets.again import first_time
from mlops_ext.datasets.used import note
from mlops_ext.errors import InvalidValue
from mlops_ext.models import service
from mlops_ext.models.candidates import capture
from mlops_ext.models.flavors import save_model
from mlops_ext.models.loading import load_model, sha256_of
from mlops_ext.models.provenance.capture import provenance
from mlops_ext.models.scanning import scan_folder
from mlops_ext.models.signatures.importance import importance_of
from mlops_ext.models.signatures.inference import infer
from mlops_ext.models.types import (
    ListModels,
    Model,
    ModelFile,
    ModelVersion,
    Register,
    Signature,
)
from mlops_ext.records import Page
from mlops_ext.refs import Number, Ref
from mlops_ext.store.schema import finite_json
from mlops_ext.workspace import Workspace

__all__ = ["load_model", "models", "register"]


def register(  # noqa: PLR0913 - keywords that a notebook gives as it needs them
    model: Any,
    name: str,
    *,
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, Any] | None = None,
    inputs: Sequence[Any] | None = None,
    example: Any = None,
    signature: Signature | None = None,
    importance: Mapping[str, float] | None = None,
    tags: Mapping[str, str] | None = None,
    description: str = "",
    new: bool = False,
    workspace: Workspace | None = None,
) -> ModelVersion:
    """Register a fitted model as the next version of a name; the same model again is the version there is.

    Parameters
    ----------
    model : object
        A model of scikit-learn, XGBoost, LightGBM, PyTorch or ONNX, or anything that can be pickled (loading
        must then trust the names in the version's `trust`).
    name : str
        Name of the model.
    metrics : mapping of str to float, optional
        On top of the active run's; one that is not finite is kept, and fails every gate.
    params : mapping, optional
        Parameters, JSON values; on top of the active run's.
    inputs : sequence of str or DatasetVersion, optional
        What it was trained on; every dataset version that this process loaded or snapshotted when left out.
    example : DataFrame, Table or ndarray of shape (n_rows, …), optional
        Inputs, of which the first rows give the signature.
    signature : Signature, optional
        Instead of an example.
    importance : mapping of str to float, optional
        How much each feature matters, by which drift is ranked; what trees, or weights behind a scaler, tell of
        themselves when left out.
    tags : mapping of str to str, optional
    description : str
        Markdown.
    new : bool
        Make a version even when it equals the latest.

    Returns
    -------
    ModelVersion
        With its number, digest, inputs, git state, environment and run.

    Raises
    ------
    InvalidValue
        No flavor can save it, or it cannot predict the example.

    Examples
    --------
    >>> mlops.register(model, "delay", example=X.head(), metrics={"auc": 0.71})  # doctest: +SKIP
    """
    from mlops_ext.tracking import active

    ws = workspace or Workspace.find()
    shape = signature or (infer(model, example) if example is not None else Signature())
    run = active.ensure(ws)
    logged = run.record
    with tempfile.TemporaryDirectory(prefix="mlops-") as scratch:
        folder = Path(scratch)
        flavor = save_model(model, folder)
        trust = tuple(flavor.untrusted(folder))
        scan = scan_folder(folder, trust)
        files = _stored(ws, folder)
    measured = {key: float(value) for key, value in (metrics or {}).items()}
    given = {key: _json_text(key, value) for key, value in (params or {}).items()}
    parameters = {**logged.parameters, **given}
    request = Register(
        name=name,
        flavor=flavor.name,
        files=files,
        signature=shape,
        inputs=_inputs(ws, inputs),
        metrics={**logged.metrics, **measured},
        parameters=parameters,
        run=run.id,
        **provenance(ws, model, run, logged, parameters),
        trust=trust,
        scan=scan,
        importance=dict(importance_of(model, shape) if importance is None else importance),
        tags={key: str(value) for key, value in (tags or {}).items()},
        description=description,
        new=new,
    )
    first = first_time()
    if first is not None:
        return capture(ws, request, run, first)
    version = ws.call(service.register, request)
    note(f"model:{version.ref}", made=True)
    run.log(inputs=version.inputs, outputs=(f"model:{version.ref}",))
    return version


def models(search: str = "", *, limit: int = 100, cursor: str = "", workspace: Workspace | None = None) -> Page[Model]:
    """List the models whose name holds a text."""
    ws = workspace or Workspace.find()
    return ws.call(service.list_models, ListModels(search=search, limit=limit, cursor=cursor))


def _stored(ws: Workspace, folder: Path) -> tuple[ModelFile, ...]:
    """Put the files of a folder into the store, all in one transaction."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = ws.put_blobs(paths)
    return tuple(
        ModelFile(
            path=path.relative_to(folder).as_posix(), digest=digest, sha256=sha256_of(path), size=path.stat().st_size
        )
        for path, digest in zip(paths, digests, strict=True)
    )


def _inputs(ws: Workspace, given: Sequence[Any] | None) -> tuple[str, ...]:
    """Give full references with version numbers; what is given must exist."""
    from mlops_ext.datasets.used import used

    if given is None:
        return tuple(_full(text) for text in used(ws.root))
    if isinstance(given, str):
        raise InvalidValue(f"inputs={given!r} is one text", hint=f"Write inputs=[{given!r}]")
    return tuple(_pinned(ws, each if isinstance(each, str) else each.ref) for each in given)


def _full(text: str) -> str:
    ref = Ref.parse(text)
    return f"{ref.kind or 'dataset'}:{ref}"


def _pinned(ws: Workspace, text: str) -> str:
    from mlops_ext.datasets import service as datasets
    from mlops_ext.datasets.types import ShowDataset

    ref = Ref.parse(text)
    if ref.kind not in (None, "dataset"):
        if not isinstance(ref.selector, Number):
            raise InvalidValue(f"the input {text!r} names no version", hint=f"Write {ref.kind}:{ref.name}@1")
        return _full(text)
    return f"dataset:{ws.call(datasets.show, ShowDataset(dataset=text)).ref}"


def _json_text(key: str, value: Any) -> str:
    plain = value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
    try:
        return json.dumps(finite_json(plain), ensure_ascii=False)
    except TypeError as error:
        raise InvalidValue(
            f"the parameter {key!r} is a {type(value).__name__}", hint="Give numbers, texts, or lists of them"
        ) from error
