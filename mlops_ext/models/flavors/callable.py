"""Any picklable object, by cloudpickle: reading one can run any code, so it must be trusted by name."""

from __future__ import annotations

import pickle
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

from mlops_ext.errors import MissingExtra
from mlops_ext.models.flavors import CannotSave, refuse_untrusted

__all__ = ["TRUST", "CallableFlavor"]

FILE = "model.pkl"
TRUST = "pickle"
"""What a loader must name."""

# Fixed, so that another Python writes the same form.
_PROTOCOL = 4


class CallableFlavor:
    """Functions, lambdas and objects of classes that a notebook defines."""

    name: ClassVar[str] = "callable"
    unsafe: ClassVar[bool] = True

    def can_save(self, model: Any) -> bool:
        """Tell whether it can be called, predicts or transforms."""
        return callable(model) or hasattr(model, "predict") or hasattr(model, "transform")

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.pkl`.

        Raises
        ------
        CannotSave
            It holds what cannot be pickled, such as an open file.
        """
        try:
            import cloudpickle
        except ImportError as error:
            raise MissingExtra.of("cloudpickle", "models") from error
        try:
            data = cloudpickle.dumps(model, protocol=_PROTOCOL)
        except (pickle.PicklingError, TypeError, ValueError, AttributeError) as error:
            raise CannotSave(
                f"{type(error).__name__}: {error}", hint="Leave out open files, connections and locks"
            ) from error
        (folder / FILE).write_bytes(data)

    def untrusted(self, folder: Path) -> list[str]:  # noqa: ARG002
        """A pickle is a program: all of it must be trusted."""
        return [TRUST]

    def load(self, folder: Path, trust: Collection[str]) -> Any:
        """Read the object back.

        Raises
        ------
        UntrustedModel
            `trust` does not name `pickle`.
        """
        refuse_untrusted([TRUST], trust)
        with (folder / FILE).open("rb") as file:
            return pickle.load(file)  # noqa: S301 - asked for by name, from bytes checked against their digest
