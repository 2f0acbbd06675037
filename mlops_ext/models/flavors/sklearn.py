"""scikit-learn models, written with skops: no code runs when one is read that was not reviewed or trusted by name."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from mlops_ext.errors import DamagedBlob, MissingExtra
from mlops_ext.models.flavors import CannotSave, refuse_untrusted
from mlops_ext.models.flavors.archive import normalised

__all__ = ["REVIEWED", "SklearnFlavor"]

FILE = "model.skops"
SHIMS = [f"sklearn.externals.array_api_compat.{name}" for name in ("cupy", "dask", "torch")]

REVIEWED = frozenset(
    {
        # The function inside a partial is audited by its own name; HistGradientBoosting holds one of check_array.
        "functools.partial",
        "sklearn.utils.validation.check_array",
        # scikit-learn's own types, which skops does not trust by itself. Their state is arrays and
        # numbers; reading one runs scikit-learn's own constructor and nothing that the file names.
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        # Wrappers of boosted trees inside a pipeline; the trees are read by the library's own parser.
        "collections.OrderedDict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRanker",
        "lightgbm.sklearn.LGBMRegressor",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRanker",
        "xgboost.sklearn.XGBRegressor",
    }
)


class SklearnFlavor:
    """Estimators and pipelines of scikit-learn, and what follows its interface."""

    name: ClassVar[str] = "sklearn"
    unsafe: ClassVar[bool] = False
    general: ClassVar[bool] = True

    def can_save(self, model: Any) -> bool:
        """Tell whether it has the interface of an estimator."""
        return hasattr(model, "fit") and hasattr(model, "get_params")

    def save(self, model: Any, folder: Path) -> None:
        """Write `model.skops` in its one form.

        Raises
        ------
        CannotSave
            It holds what skops cannot write, such as a lambda or a class of the notebook.
        """
        skops = _skops()
        try:
            data = normalised(skops.dumps(model))
            found = skops.get_untrusted_types(data=data)
        except Exception as error:
            raise CannotSave(f"{type(error).__name__}: {error}") from error
        # skops writes only the names of these, and no other process finds them by their names.
        lost = [name for name in found if name.startswith("__main__.") or not _is_found(name)]
        if lost:
            raise CannotSave(f"{', '.join(lost)} can only be saved by value")
        (folder / FILE).write_bytes(data)

    def untrusted(self, folder: Path) -> list[str]:
        """List the types inside that are neither skops' nor on the reviewed list."""
        return sorted(set(_skops().get_untrusted_types(file=folder / FILE)) - REVIEWED)

    def load(self, folder: Path, trust: Collection[str]) -> Any:
        """Read the estimator back.

        Raises
        ------
        UntrustedModel
            It holds types that are neither reviewed nor in `trust`.
        """
        found = self.untrusted(folder)
        refuse_untrusted(found, trust)
        try:
            return _skops().load(folder / FILE, trusted=sorted(REVIEWED | set(found)))
        except (ImportError, AttributeError, TypeError) as error:
            raise DamagedBlob(
                f"{FILE} cannot be read here: {error}",
                hint="Install the versions that the model was made with: mlops models version NAME@N shows them",
            ) from error


def _is_found(name: str) -> bool:
    """Tell whether a dotted name leads somewhere; one that was defined inside a function does not."""
    module, _, attribute = name.rpartition(".")
    while module and module not in sys.modules:
        module, _, first = module.rpartition(".")
        attribute = f"{first}.{attribute}"
    found: Any = sys.modules.get(module)
    for part in attribute.split("."):
        found = getattr(found, part, None)
    return found is not None


def _skops() -> Any:
    try:
        with _without_shims():
            import skops.io
    except ImportError as error:
        raise MissingExtra.of("skops", "models") from error
    return skops.io


@contextmanager
def _without_shims() -> Iterator[None]:
    """Keep skops from importing PyTorch and Dask, which takes seconds: it walks all of scikit-learn, whose shims do."""
    hidden = [] if "skops.io" in sys.modules else [name for name in SHIMS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None refuses the import
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
