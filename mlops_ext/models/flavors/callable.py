"""Any picklable object, by cloudpickle: what of it could run code is listed by name and must be trusted by name."""

from __future__ import annotations

import hashlib
import io
import pickle
import re
import sys
import types
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

from mlops_ext.errors import DamagedBlob, MissingExtra, MlopsError
from mlops_ext.models.flavors import CannotSave, refuse_untrusted
from mlops_ext.models.scanning import findings_of
from mlops_ext.models.scanning.reviewed import is_reviewed

__all__ = ["CallableFlavor"]

FILE = "model.pkl"

# Fixed, so that another Python writes the same form.
_PROTOCOL = 4
_SOURCE = "<registered>"


class CallableFlavor:
    """Functions, lambdas and objects of classes that a notebook defines."""

    name: ClassVar[str] = "callable"
    unsafe: ClassVar[bool] = True

    def can_save(self, model: Any) -> bool:
        """Tell whether it can be called, predicts or transforms."""
        return callable(model) or hasattr(model, "predict") or hasattr(model, "transform")

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.pkl`; the bytes are the same in every process, save for sets of texts inside code.

        Raises
        ------
        CannotSave
            It holds what cannot be pickled, such as an open file.
        """
        try:
            data = _pickled(model)
        except (pickle.PicklingError, TypeError, ValueError, AttributeError, RecursionError, RuntimeError) as error:
            raise CannotSave(
                f"{type(error).__name__}: {error}", hint="Leave out open files, connections and locks"
            ) from error
        (folder / FILE).write_bytes(data)

    def untrusted(self, folder: Path) -> list[str]:
        """List the names in the pickle that are not reviewed, as the scan finds them."""
        return sorted({finding.name for finding in findings_of(folder)})

    def load(self, folder: Path, trust: Collection[str]) -> Any:
        """Read the object back; the pickle gets at nothing but reviewed names and those in `trust`.

        Raises
        ------
        UntrustedModel
            It refers to a name that is neither reviewed nor in `trust`.
        DamagedBlob
            What it refers to is not here, or is another thing by now.
        """
        refuse_untrusted(self.untrusted(folder), trust)
        with (folder / FILE).open("rb") as file:
            try:
                return _Limited(file, trust).load()
            except MlopsError:
                raise
            except Exception as error:  # what a model's own code raises when it is read
                raise DamagedBlob(
                    f"{FILE} cannot be read here: {type(error).__name__}: {error}",
                    hint="Install the versions that the model was made with: mlops models version NAME@N shows them",
                ) from error


class _Limited(pickle.Unpickler):
    """An unpickler that imports nothing but what is reviewed or trusted."""

    def __init__(self, file: Any, trust: Collection[str]) -> None:
        super().__init__(file, fix_imports=False)
        self.trust = trust

    def find_class(self, module: str, name: str) -> Any:
        if not is_reviewed(module, name):
            refuse_untrusted([f"{module}.{name}"], self.trust)
        return super().find_class(module, name)


def _pickled(model: Any) -> bytes:
    """Pickle by value what no other process could import, with nothing in it that differs by process."""
    try:
        import cloudpickle
    except ImportError as error:
        raise MissingExtra.of("cloudpickle", "models") from error

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, each: Any) -> Any:
            if isinstance(each, types.CodeType):
                # A cell's file name holds the kernel's process number.
                return self.dispatch_table[types.CodeType](each.replace(co_filename=_SOURCE))
            torch = sys.modules.get("torch")
            if torch is not None and type(each) is torch.Tensor and _is_plain(each):
                # PyTorch would write the address of its memory.
                return torch.from_numpy, (each.cpu().numpy(),)
            return super().reducer_override(each)

    target = io.BytesIO()
    Pickler(target, protocol=_PROTOCOL).dump(model)
    return _numbered(target.getvalue(), cloudpickle.cloudpickle)


def _is_plain(tensor: Any) -> bool:
    return not tensor.requires_grad and str(tensor.layout) == "torch.strided" and "bfloat16" not in str(tensor.dtype)


def _numbered(data: bytes, cloudpickle: Any) -> bytes:
    """Give each class of the notebook an id of its content, where cloudpickle draws one at random."""
    drawn = [each.encode() for each in cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS.values() if each.encode() in data]
    places = {place.start(): place[0] for place in re.finditer(b"|".join(drawn), data)} if drawn else {}
    order = {each: number for number, each in enumerate(dict.fromkeys(places.values()))}
    own = bytearray(data)
    for place, each in places.items():
        own[place : place + len(each)] = b"%0*x" % (len(each), order[each])
    content = hashlib.sha256(own).digest()
    for place, each in places.items():
        own[place : place + len(each)] = hashlib.sha256(content + b"%d" % order[each]).hexdigest()[: len(each)].encode()
    return bytes(own)
