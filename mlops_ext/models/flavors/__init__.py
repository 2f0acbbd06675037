"""Flavors: how a kind of model is written to files and read back, found by entry point."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Protocol

from mlops_ext.errors import Forbidden, InvalidValue
from mlops_ext.models.plugins import installed, load_plugin

__all__ = [
    "FLAVORS",
    "CannotSave",
    "Flavor",
    "UntrustedModel",
    "flavor_named",
    "flavors",
    "refuse_untrusted",
    "save_model",
]

FLAVORS = "mlops_ext.flavors"


class Flavor(Protocol):
    """How one kind of model lies in files; its entry point in `mlops_ext.flavors` makes one without arguments.

    Attributes
    ----------
    name : str
        What the version records, and the entry point's name.
    unsafe : bool
        Whether reading the files can run any code that they hold.

    Two more may be left out. `general`, True for a flavor that takes what merely follows an interface, lets
    flavors made for one library go first. `answers(model)` gives what a model without `predict` can be asked, by
    name, each a function of rows; None when the model is not of its kind.
    """

    name: str
    unsafe: bool

    def can_save(self, model: Any) -> bool:
        """Tell by its kind, at no cost, whether this flavor is made for the model."""
        ...

    def save(self, model: Any, folder: Path) -> None:
        """Write the model into an empty folder; the same fitted model gives the same bytes.

        Raises
        ------
        CannotSave
            This one cannot be written so; nothing lies in the folder then.
        """
        ...

    def untrusted(self, folder: Path) -> list[str]:
        """List what a loader must trust by name, without running anything of it."""
        ...

    def load(self, folder: Path, trust: Collection[str]) -> Any:
        """Read the model back, refusing whatever is neither reviewed nor in `trust`."""
        ...


class CannotSave(InvalidValue):
    """A flavor cannot write this very model; another may."""


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


def flavors() -> list[Flavor]:
    """Give the installed flavors in the order in which they are asked: safe before unsafe, special before general.

    Raises
    ------
    BrokenPlugin
        One does not load; it is named.
    """
    found = [flavor_named(name) for name in installed(FLAVORS)]
    return sorted(found, key=lambda each: (each.unsafe, getattr(each, "general", False)))


def save_model(model: Any, folder: Path) -> Flavor:
    """Write a model with the first flavor that can, a safe one before an unsafe one; give the flavor.

    Parameters
    ----------
    model : object
        Any.
    folder : Path
        Empty.

    Raises
    ------
    InvalidValue
        No flavor can write it; the reasons are given.
    """
    reasons = []
    for flavor in flavors():
        if not flavor.can_save(model):
            continue
        try:
            flavor.save(model, folder)
        except CannotSave as refusal:
            reasons.append(f"{flavor.name}: {refusal}")
        else:
            return flavor
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    raise InvalidValue(
        f"no flavor can save a {kind}" + (f" ({'; '.join(reasons)})" if reasons else ""),
        hint=f"Installed flavors: {', '.join(installed(FLAVORS)) or 'none'}",
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
