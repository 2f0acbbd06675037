"""PyTorch modules as safetensors and a plan to build them: the class by its name and what its constructor takes.

The class itself is not stored. It is named, and loading imports it, so every class that is not PyTorch's own
must be trusted by name. Whether the constructor's arguments are known is not guessed: the module is built
anew from them when it is saved, and must come out the same.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from mlops_ext.errors import DamagedBlob, MissingExtra, MlopsError
from mlops_ext.models.flavors import CannotSave, refuse_untrusted
from mlops_ext.models.flavors.plain import decoded, encoded, read_json, write_json

__all__ = ["TorchFlavor"]

FILE = "model.json"
WEIGHTS = "weights.safetensors"
_FORMAT = 1
_REVIEWED = "torch.nn.modules."
_CONTAINERS = {"Sequential", "ModuleList", "ModuleDict"}
_KEEP = "Keep each argument of the constructor as an attribute of the same name"


class TorchFlavor:
    """An `nn.Module` whose class can be imported."""

    name: ClassVar[str] = "torch"
    unsafe: ClassVar[bool] = False

    def can_save(self, model: Any) -> bool:
        """Tell whether it is an nn.Module."""
        return any(kind.__module__ == "torch.nn.modules.module" for kind in type(model).__mro__)

    def save(self, model: Any, folder: Path) -> None:
        """Write `weights.safetensors` and `model.json`.

        Raises
        ------
        CannotSave
            Its class is of the notebook or is TorchScript, or what its constructor took is not known.
        """
        torch = _torch()
        if isinstance(model, torch.jit.ScriptModule):
            raise CannotSave("TorchScript holds code, which would run when it is loaded", hint="Register the module")
        plan = _plan(model)
        tensors, aliases = _tensors(model)
        try:
            with torch.random.fork_rng(devices=[]):
                built = _built(plan)
            built.load_state_dict(model.state_dict())
        except Exception as error:
            raise CannotSave(f"it cannot be built anew: {type(error).__name__}: {error}", hint=_KEEP) from error
        different = _difference(model, built)
        if different:
            raise CannotSave(f"built anew, it is another model: {different}", hint=_KEEP)
        frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
        rest = {"aliases": aliases, "frozen": frozen, "training": model.training}
        _safetensors().save_file(tensors, folder / WEIGHTS)
        write_json(folder / FILE, {"format": _FORMAT, "module": plan, **rest})

    def untrusted(self, folder: Path) -> list[str]:
        """List the classes that loading imports and that are not PyTorch's own."""
        found = {each.replace(":", ".") for each in _classes(read_json(folder / FILE).get("module"))}
        return sorted(name for name in found if not _is_reviewed(name))

    def load(self, folder: Path, trust: Collection[str]) -> Any:
        """Build the module, on the CPU, and fill it.

        Raises
        ------
        UntrustedModel
            It names a class that is neither PyTorch's own nor in `trust`.
        DamagedBlob
            The class is not here, or is another one by now.
        """
        _torch()
        refuse_untrusted(self.untrusted(folder), trust)
        content = read_json(folder / FILE)
        tensors = _safetensors().load_file(folder / WEIGHTS)
        tensors |= {alias: tensors[name] for alias, name in content["aliases"].items()}
        try:
            model = _built(content["module"])
            _fill(model, tensors)
        except MlopsError:
            raise
        except Exception as error:
            raise DamagedBlob(
                f"the module cannot be built here: {type(error).__name__}: {error}",
                hint="Install the code and versions that it was made with: mlops models version NAME@N shows them",
            ) from error
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name not in content["frozen"])
        return model.train(content["training"])

    def answers(self, model: Any) -> Mapping[str, Callable[[Any], Any]] | None:
        """Ask a module without gradients and in evaluation mode."""
        if not self.can_save(model):
            return None
        return {"prediction": lambda rows: _answer(model, rows)}


def _plan(model: Any) -> dict[str, Any]:
    """Say how a module is built: its class, its constructor's arguments, and for a container what it holds."""
    kind = type(model)
    if kind.__module__ == "__main__" or "<" in kind.__qualname__:
        raise CannotSave(
            f"its class {kind.__qualname__} is defined in the notebook, where no other process finds it",
            hint="Move the class into a module",
        )
    plan: dict[str, Any] = {"class": f"{kind.__module__}:{kind.__qualname__}"}
    if _is_reviewed(plan["class"].replace(":", ".")) and kind.__name__ in _CONTAINERS:
        return plan | {"children": [[name, _plan(child)] for name, child in model.named_children()]}
    return plan | {"config": _config(model)}


def _config(model: Any) -> dict[str, Any]:
    """Find what the constructor took among the attributes of the same names; defaults are left alone."""
    torch = _torch()
    config: dict[str, Any] = {}
    for name, parameter in inspect.signature(type(model)).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        needed = parameter.default is parameter.empty
        if not hasattr(model, name):
            if needed:
                raise CannotSave(f"what its constructor took as {name!r} is not known", hint=_KEEP)
            continue
        value = getattr(model, name)
        if isinstance(value, torch.nn.Module):
            if needed:
                config[name] = {"$": "module", "plan": _plan(value)}
        elif isinstance(value, torch.Tensor) or (value is None and isinstance(parameter.default, bool)):
            config[name] = value is not None
        else:
            config[name] = encoded(value)
    return config


def _built(plan: Mapping[str, Any]) -> Any:
    kind = _class(plan["class"])
    if "children" in plan:
        children = {name: _built(child) for name, child in plan["children"]}
        if kind.__name__ == "ModuleList":
            return kind(children.values())
        model = kind() if kind.__name__ == "Sequential" else kind(children)
        for name, child in children.items():
            model.add_module(name, child)
        return model
    return kind(**{name: _argument(value) for name, value in plan["config"].items()})


def _fill(model: Any, tensors: Mapping[str, Any]) -> None:
    """Give a module its numbers, in the precision in which they were saved."""
    for name, own in model.state_dict(keep_vars=True).items():
        if name in tensors:
            own.data = own.data.to(tensors[name].dtype)
    model.load_state_dict(tensors)


def _argument(value: Any) -> Any:
    if isinstance(value, dict) and value.get("$") == "module":
        return _built(value["plan"])
    return decoded(value)


def _class(reference: str) -> Any:
    module, _, name = reference.partition(":")
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    if not (isinstance(found, type) and issubclass(found, _torch().nn.Module)):
        raise DamagedBlob(f"{reference} is no class of modules", hint="Do not trust who made the model")
    return found


def _classes(plan: Any) -> Iterator[str]:
    """Every class that building would import, wherever in the plan it stands."""
    if isinstance(plan, list):
        for each in plan:
            yield from _classes(each)
    if isinstance(plan, dict):
        if isinstance(plan.get("class"), str):
            yield plan["class"]
        for each in plan.values():
            yield from _classes(each)


def _is_reviewed(name: str) -> bool:
    return name.startswith(_REVIEWED) and name.removeprefix(_REVIEWED).count(".") == 1


def _tensors(model: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Give the tensors, each once, and the other names of those that are shared."""
    torch = _torch()
    kept: dict[tuple[Any, ...], str] = {}
    tensors: dict[str, Any] = {}
    aliases: dict[str, str] = {}
    for name, value in model.state_dict().items():
        if (
            not isinstance(value, torch.Tensor)
            or value.layout is not torch.strided
            or value.is_quantized
            or value.is_meta
        ):
            raise CannotSave(f"its state {name!r} is no plain tensor")
        place = (value.untyped_storage().data_ptr(), value.storage_offset(), tuple(value.shape), value.stride())
        if value.numel() and place in kept:
            aliases[name] = kept[place]
            continue
        kept[place] = name
        own = value.detach().cpu().contiguous()
        tensors[name] = own if own.untyped_storage().nbytes() == own.nbytes else own.clone()
    return tensors, aliases


def _difference(model: Any, built: Any) -> str:
    """Name the first way in which two modules differ: their structure, or a plain attribute; empty when in none."""
    if repr(model) != repr(built):
        return "its layers differ"
    for (name, one), (_, other) in zip(model.named_modules(), built.named_modules(), strict=True):
        for key, value in vars(one).items():
            if not key.startswith("_") and key != "training" and _differs(value, vars(other).get(key)):
                return f"{name}.{key}".lstrip(".")
    return ""


def _differs(one: Any, other: Any) -> bool:
    try:
        return bool(encoded(one) != encoded(other))
    except CannotSave:
        return type(one) is not type(other)


def _answer(model: Any, rows: Any) -> Any:
    torch = _torch()
    kind = next((each.dtype for each in model.parameters() if each.is_floating_point()), torch.float32)
    was = model.training
    model.eval()
    try:
        with torch.no_grad():
            if isinstance(rows, dict):
                return model(**{name: _tensor(each, kind) for name, each in rows.items()})
            return model(_tensor(rows, kind))
    finally:
        model.train(was)


def _tensor(rows: Any, kind: Any) -> Any:
    """Make rows a tensor; numbers with a point become of the module's own type."""
    torch = _torch()
    tensor = rows if isinstance(rows, torch.Tensor) else torch.as_tensor(_matrix(rows))
    return tensor.to(kind) if tensor.is_floating_point() else tensor


def _matrix(rows: Any) -> Any:
    import numpy as np

    return np.array(rows.to_numpy() if hasattr(rows, "to_numpy") else rows)


def _torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise MissingExtra.of("torch", "torch") from error
    return torch


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise MissingExtra.of("safetensors", "torch") from error
    return safetensors.torch
