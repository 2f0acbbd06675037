"""ONNX models as their bytes; loading gives an onnxruntime session, since a loaded model must be able to predict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from mlops_ext.errors import DamagedBlob, MissingExtra
from mlops_ext.models.flavors import CannotSave

__all__ = ["OnnxFlavor"]

FILE = "model.onnx"
DATA = "model.onnx.data"
MAX_BYTES = (1 << 31) - 1
"""Of a protobuf; the tensors of a larger model go into a file of their own."""
_EXTERNAL = 1
_TYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
    **{f"tensor({sign}int{bits})": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


class OnnxFlavor:
    """An `onnx.ModelProto`; loading gives an `onnxruntime.InferenceSession` on the CPU."""

    name: ClassVar[str] = "onnx"
    unsafe: ClassVar[bool] = False

    def can_save(self, model: Any) -> bool:
        """Tell whether it is a ModelProto."""
        return any(kind.__name__ == "ModelProto" and kind.__module__.startswith("onnx") for kind in type(model).__mro__)

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.onnx`, with its tensors in `model.onnx.data` when it is larger than a protobuf may be.

        Raises
        ------
        CannotSave
            Its tensors lie in files that are not loaded.
        """
        onnx = _onnx()
        outside = [tensor.name for tensor in _external(model)]
        if outside:
            raise CannotSave(
                f"its tensor {outside[0]!r} lies in a file of its own", hint="Load it whole: onnx.load(path)"
            )
        if model.ByteSize() <= MAX_BYTES:
            (folder / FILE).write_bytes(model.SerializeToString(deterministic=True))
            return
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        onnx.save_model(copy, folder / FILE, save_as_external_data=True, location=DATA, size_threshold=1024)

    def untrusted(self, folder: Path) -> list[str]:  # noqa: ARG002
        """Nothing in the file runs: operators of one's own come from a library that the caller registers."""
        return []

    def load(self, folder: Path, trust: Collection[str]) -> Any:  # noqa: ARG002
        """Start a session.

        Raises
        ------
        DamagedBlob
            The file is no ONNX model, or names a file outside of the model's folder.
        """
        onnx, runtime = _onnx(), _runtime()
        try:
            model = onnx.load_model(folder / FILE, load_external_data=False)
        except Exception as error:
            raise DamagedBlob(f"{FILE} is no ONNX model: {error}", hint="Register the model again") from error
        for tensor in _external(model):
            _refuse_outside(folder, tensor)
        try:
            return runtime.InferenceSession(str(folder / FILE), providers=["CPUExecutionProvider"])
        except Exception as error:
            raise DamagedBlob(
                f"{FILE} cannot be run here: {str(error).splitlines()[0]}",
                hint="Install the onnxruntime that the model was made for",
            ) from error

    def answers(self, model: Any) -> Mapping[str, Callable[[Any], Any]] | None:
        """Ask for each output by its name; a session, or a model for which one is started."""
        if self.can_save(model):
            model = _runtime().InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        elif type(model).__name__ != "InferenceSession" or not type(model).__module__.startswith("onnxruntime"):
            return None
        return {output.name: _asking(model, output.name) for output in model.get_outputs()}


def _asking(session: Any, output: str) -> Callable[[Any], Any]:
    return lambda rows: session.run([output], feed(session, rows))[0]


def feed(session: Any, rows: Any) -> dict[str, Any]:
    """Make of rows what a session takes: by name when there are several inputs, else one array.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
    rows : mapping of str to array, DataFrame, Table or ndarray
    """
    import numpy as np

    inputs = session.get_inputs()
    if len(inputs) == 1 and not isinstance(rows, Mapping):
        array = rows.to_numpy() if hasattr(rows, "to_numpy") else np.asarray(rows)
        return {inputs[0].name: _typed(array, inputs[0])}
    given = {each.name: np.asarray(rows[each.name]) for each in inputs}
    return {each.name: _typed(given[each.name], each) for each in inputs}


def _typed(array: Any, wanted: Any) -> Any:
    kind = _TYPES.get(wanted.type)
    column = array[:, None] if array.ndim == 1 and len(wanted.shape) == 2 else array
    return column if kind is None else column.astype(kind, copy=False)


def _external(message: Any) -> Iterator[Any]:
    """Find every tensor whose bytes lie in another file, wherever in the model it stands."""
    if message.DESCRIPTOR.name == "TensorProto":
        if message.data_location == _EXTERNAL:
            yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for each in [value] if hasattr(value, "ListFields") else value:
            yield from _external(each)


def _refuse_outside(folder: Path, tensor: Any) -> None:
    location = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
    path = folder / location
    if not location or not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        raise DamagedBlob(
            f"{FILE} reads the tensor {tensor.name!r} from {location!r}, which is no file of the model",
            hint="Do not trust who made it",
        )


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtra.of("onnx", "onnx") from error
    return onnx


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtra.of("onnxruntime", "onnx") from error
    return onnxruntime
