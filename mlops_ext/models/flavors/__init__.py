"""Flavors: how a kind of model is written to files and read back, found by entry point."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Protocol

from mlops_ext.errors import Forbidden, InvalidValue
from mlops_ext.models.plugins import installed, load_plugin

__all__ = ["FLAVORS", "Flavor", "UntrustedModel", "flavor_named", "flavor_of", "refuse_untrusted"]

FLAVORS = "mlops_ext.flavors"


class Flavor(Protocol):
    """How one kind of model lies in files; its entry point in `mlops_ext.flavors` makes one without arguments.

    Attributes
    ----------
    name : str
        What the version records, and the entry point's name.
    unsafe : bool
        Whether reading the files can run any code that they hold.
    """

    name: str
    unsafe: bool

    def can_save(self, model: Any) -> bool:
        """Tell whether this flavor is made for the model."""
        ...

    def save(self, model: Any, folder: Path) -> None:
        """Write the model into an empty folder; the same fitted model gives the same bytes."""
        ...

    def untrusted(self, folder: Path) -> list[str]:
        """List what a loader must trust by name, without running anything of it."""
        ...

    def load(self, folder: Path, trust: Collection[str]) -> Any:
        """Read the model back, refusing whatever is neither reviewed nor in `trust`."""
        ...


class UntrustedModel(Forbidden):
    """A model holds what the caller did not say to trust."""

    code = "untrusted_model"


def flavor_named(name: str) -> Flavor:
    """Give the installed flavor of a name.

    Raises
    ------
    NotFound
        It is not installed.
    """
    flavor: Flavor = load_plugin(FLAVORS, name)()
    return flavor


def flavor_of(model: Any) -> Flavor:
    """Choose the flavor for a model: a safe one that is made for it, else an unsafe one.

    Raises
    ------
    InvalidValue
        No flavor can write it.
    """
    flavors = [flavor_named(name) for name in installed(FLAVORS)]
    for flavor in sorted(flavors, key=lambda each: each.unsafe):
        if flavor.can_save(model):
            return flavor
    raise InvalidValue(
        f"no flavor can save a {type(model).__module__}.{type(model).__qualname__}",
        hint=f"Installed flavors: {', '.join(flavor.name for flavor in flavors) or 'none'}",
    )


def refuse_untrusted(found: Collection[str], trust: Collection[str]) -> None:
    """Refuse to load what the caller did not name.

    Raises
    ------
    UntrustedModel
        Something in `found` is not in `trust`.
    """
    missing = sorted(set(found) - set(trust))
    if missing:
        named = ", ".join(repr(each) for each in sorted(found))
        raise UntrustedModel(
            f"the model holds what could run code when loaded: {', '.join(missing)}",
            hint=f"If you trust who made it: load_model(…, trust=[{named}])",
        )
