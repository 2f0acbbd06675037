"""XGBoost models in the library's own form: the trees as UBJSON, which any XGBoost reads, and nothing that runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar

from mlops_ext.errors import DamagedBlob, MissingExtra
from mlops_ext.models.flavors import CannotSave
from mlops_ext.models.flavors.native import BOOSTER, is_one_of, read_wrapper, write_wrapper

__all__ = ["XGBoostFlavor"]

FILE = "model.ubj"
WRAPPERS = ("XGBClassifier", "XGBModel", "XGBRFClassifier", "XGBRFRegressor", "XGBRanker", "XGBRegressor")


class XGBoostFlavor:
    """`Booster` and the wrappers for scikit-learn; what is loaded is of the same class."""

    name: ClassVar[str] = "xgboost"
    unsafe: ClassVar[bool] = False

    def can_save(self, model: Any) -> bool:
        """Tell whether its very class is XGBoost's."""
        return is_one_of(model, "xgboost", (BOOSTER, *WRAPPERS))

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.ubj`, and for a wrapper `model.json` with its parameters and fitted attributes.

        Raises
        ------
        CannotSave
            It is not fitted, or holds what is no plain value, such as an objective of one's own.
        """
        if type(model).__name__ != BOOSTER:
            if not model.__sklearn_is_fitted__():
                raise CannotSave("it is not fitted", hint="Fit it first")
            write_wrapper(model, folder, lambda _, value: value)
        booster = model if type(model).__name__ == BOOSTER else model.get_booster()
        (folder / FILE).write_bytes(bytes(booster.save_raw(raw_format="ubj")))

    def untrusted(self, folder: Path) -> list[str]:  # noqa: ARG002
        """Nothing in the files runs."""
        return []

    def load(self, folder: Path, trust: Collection[str]) -> Any:  # noqa: ARG002
        """Read the model back.

        Raises
        ------
        DamagedBlob
            XGBoost cannot read the file.
        """
        xgboost = _xgboost()
        try:
            booster = xgboost.Booster(model_file=bytearray((folder / FILE).read_bytes()))
        except xgboost.core.XGBoostError as error:
            raise DamagedBlob(
                f"{FILE} cannot be read here: {str(error).splitlines()[0]}",
                hint="Install the version that the model was made with",
            ) from error
        if not (folder / "model.json").exists():
            return booster
        model, state = read_wrapper(folder, xgboost, WRAPPERS)
        vars(model).update(state, _Booster=booster)
        return model

    def answers(self, model: Any) -> Mapping[str, Callable[[Any], Any]] | None:
        """Let a `Booster` take rows as they are, without a DMatrix."""
        if not is_one_of(model, "xgboost", (BOOSTER,)):
            return None
        xgboost = _xgboost()
        return {"prediction": lambda rows: model.predict(xgboost.DMatrix(rows, enable_categorical=True))}


def _xgboost() -> Any:
    try:
        import xgboost
    except ImportError as error:
        raise MissingExtra.of("xgboost", "boost") from error
    return xgboost
