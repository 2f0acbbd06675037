"""LightGBM models in the library's own text form, which any LightGBM reads, and nothing that runs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

from mlops_ext.errors import DamagedBlob, MissingExtra
from mlops_ext.models.flavors import CannotSave
from mlops_ext.models.flavors.native import BOOSTER, is_one_of, read_wrapper, write_wrapper
from mlops_ext.models.flavors.plain import decoded, encoded, read_json, write_json

__all__ = ["LightGBMFlavor"]

FILE = "model.txt"
BEST = "best.json"
WRAPPERS = ("LGBMClassifier", "LGBMModel", "LGBMRanker", "LGBMRegressor")
_LABELS = "_le"


class LightGBMFlavor:
    """`Booster` and the wrappers for scikit-learn; what is loaded is of the same class."""

    name: ClassVar[str] = "lightgbm"
    unsafe: ClassVar[bool] = False

    def can_save(self, model: Any) -> bool:
        """Tell whether its very class is LightGBM's."""
        return is_one_of(model, "lightgbm", (BOOSTER, *WRAPPERS))

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.txt` with all trees, `best.json`, and for a wrapper `model.json` with its attributes.

        Raises
        ------
        CannotSave
            It is not fitted, or holds what is no plain value, such as an objective of one's own.
        """
        if type(model).__name__ != BOOSTER:
            if not model.__sklearn_is_fitted__():
                raise CannotSave("it is not fitted", hint="Fit it first")
            write_wrapper(model, folder, _plain)
        booster = model if type(model).__name__ == BOOSTER else model.booster_
        best = {"iteration": booster.best_iteration, "score": encoded(booster.best_score)}
        write_json(folder / BEST, best)
        (folder / FILE).write_text(booster.model_to_string(num_iteration=-1), encoding="utf-8", newline="")

    def untrusted(self, folder: Path) -> list[str]:  # noqa: ARG002
        """Nothing in the files runs."""
        return []

    def load(self, folder: Path, trust: Collection[str]) -> Any:  # noqa: ARG002
        """Read the model back.

        Raises
        ------
        DamagedBlob
            LightGBM cannot read the file.
        """
        lightgbm = _lightgbm()
        try:
            booster = lightgbm.Booster(model_str=(folder / FILE).read_bytes().decode())
        except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
            raise DamagedBlob(
                f"{FILE} cannot be read here: {error}", hint="Install the version that the model was made with"
            ) from error
        best = read_json(folder / BEST)
        booster.best_iteration, booster.best_score = best["iteration"], decoded(best["score"])
        if not (folder / "model.json").exists():
            return booster
        model, state = read_wrapper(folder, lightgbm, WRAPPERS)
        if _LABELS in state:
            state[_LABELS] = _encoder(state[_LABELS])
        vars(model).update(state, _Booster=booster)
        return model


def _plain(name: str, value: Any) -> Any:
    """Keep a label encoder as its classes."""
    return value.classes_ if name == _LABELS else value


def _encoder(classes: Any) -> Any:
    from sklearn.preprocessing import LabelEncoder

    encoder = LabelEncoder()
    encoder.classes_ = classes
    return encoder


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtra.of("lightgbm", "boost") from error
    return lightgbm
