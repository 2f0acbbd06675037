"""Models that MLflow wrote in a form of its own: kept as files, read by MLflow's loader for a caller who trusts it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

from mlops_ext.errors import DamagedBlob, MissingExtra
from mlops_ext.models.flavors import refuse_untrusted

__all__ = ["MlflowFlavor"]


class MlflowFlavor:
    """A folder with `MLmodel`; loading gives `mlflow.pyfunc.PyFuncModel`."""

    name: ClassVar[str] = "mlflow"
    unsafe: ClassVar[bool] = True

    def can_save(self, model: Any) -> bool:  # noqa: ARG002
        """Nothing is written so here; such models come from an import."""
        return False

    def save(self, model: Any, folder: Path) -> None:
        """Write nothing: `can_save` never says yes."""
        raise NotImplementedError

    def untrusted(self, folder: Path) -> list[str]:
        """Name the loader that MLmodel asks for, which runs whatever the files hold."""
        from mlops_ext.models.importing.natives import read_mlmodel

        told = (read_mlmodel(folder).get("flavors") or {}).get("python_function") or {}
        return [str(told.get("loader_module") or "mlflow")]

    def load(self, folder: Path, trust: Collection[str]) -> Any:
        """Let MLflow read the model.

        Raises
        ------
        UntrustedModel
            The caller does not trust the loader by name.
        DamagedBlob
            MLflow cannot read it here.
        """
        refuse_untrusted(self.untrusted(folder), trust)
        try:
            import mlflow.pyfunc
        except ImportError as error:
            raise MissingExtra.of("mlflow", "mlflow") from error
        try:
            return mlflow.pyfunc.load_model(str(folder))
        except Exception as error:  # what a model's own code raises when it is read
            raise DamagedBlob(
                f"MLflow cannot read the model here: {type(error).__name__}: {error}",
                hint="Install what its requirements.txt names",
            ) from error
