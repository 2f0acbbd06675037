"""Which files of an MLflow model one of our flavors reads as they are; the others wait for a trusting caller."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_ext.errors import DamagedBlob
from mlops_ext.models.types import Field_, Signature

__all__ = ["flavor_of", "read_mlmodel", "signature_of"]

_TYPES = {
    "boolean": "bool", "integer": "int32", "long": "int64", "float": "float32", "double": "float64",
    "string": "object", "datetime": "datetime64[ns]", "binary": "object",
}  # fmt: skip


def read_mlmodel(folder: Path) -> dict[str, Any]:
    """Read `MLmodel`, which says what lies in the folder; empty when there is none.

    Raises
    ------
    DamagedBlob
        It is no YAML mapping.
    """
    path = folder / "MLmodel"
    if not path.is_file():
        return {}
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DamagedBlob(f"MLmodel cannot be read: {error}", hint="Log the model again") from error
    if not isinstance(content, dict):
        raise DamagedBlob("MLmodel holds no mapping", hint="Log the model again")
    return content


def flavor_of(folder: Path, mlmodel: Mapping[str, Any]) -> str:
    """Give the flavor of ours that reads the folder; adds a copy under our name where MLflow calls the file otherwise.

    Only files that run nothing when they are read: skops, the trees of XGBoost and LightGBM, ONNX.
    """
    told: Mapping[str, Any] = mlmodel.get("flavors") or {}
    sklearn = told.get("sklearn") or {}
    if sklearn.get("serialization_format") == "skops" and (folder / "model.skops").is_file():
        return "sklearn"
    booster = _file(folder, (told.get("xgboost") or {}).get("data"))
    if booster is not None and booster.suffix == ".ubj" and not (folder / "model.json").exists():
        return _as(booster, folder / "model.ubj", "xgboost")
    trees = _file(folder, (told.get("lightgbm") or {}).get("data"))
    if trees is not None and trees.suffix in (".lgb", ".txt") and not (folder / "model.json").exists():
        best = {"iteration": -1, "score": {}}
        (folder / "best.json").write_text(json.dumps(best, separators=(",", ":")), encoding="utf-8")
        return _as(trees, folder / "model.txt", "lightgbm")
    if "onnx" in told and (folder / "model.onnx").is_file():
        return "onnx"
    return "mlflow"


def signature_of(mlmodel: Mapping[str, Any]) -> Signature:
    """Give the columns and tensors that MLflow noted; what has no type of ours is left out."""
    noted = mlmodel.get("signature") or {}
    return Signature(inputs=_fields(noted.get("inputs"), "input"), outputs=_fields(noted.get("outputs"), "output"))


def _fields(text: Any, name: str) -> tuple[Field_, ...]:
    if not isinstance(text, str):
        return ()
    try:
        columns = json.loads(text)
    except ValueError:
        return ()
    several = len(columns) > 1
    found = [
        Field_(name=str(column.get("name", f"{name}_{place}" if several else name)), type=kind)
        for place, column in enumerate(columns)
        if isinstance(column, dict) and (kind := _type(column))
    ]
    return tuple(found) if len(found) == len(columns) else ()


def _type(column: Mapping[str, Any]) -> str:
    if column.get("type") != "tensor":
        return _TYPES.get(str(column.get("type")), "")
    spec = column.get("tensor-spec") or {}
    inner = "".join(f", {size}" for size in spec.get("shape", [])[1:])
    return f"{spec.get('dtype')}[-1{inner}]" if inner else str(spec.get("dtype"))


def _file(folder: Path, name: Any) -> Path | None:
    path = folder / name if isinstance(name, str) and name else None
    inside = path is not None and path.resolve().is_relative_to(folder.resolve())
    return path if path is not None and inside and path.is_file() else None


def _as(path: Path, target: Path, flavor: str) -> str:
    if path != target:
        shutil.copyfile(path, target)
    return flavor
