"""PyTorch modules: tensors in safetensors, the class by its name and trusted by name, never a pickle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlops_ext.errors import DamagedBlob, MissingExtra
from mlops_ext.models.flavors import CannotSave, UntrustedModel, save_model
from mlops_ext.models.flavors.torch import TorchFlavor
from mlops_ext.models.scanning import scan_folder
from mlops_ext.models.signatures.inference import infer
from mlops_ext.models.types import Field_

torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install torch)")
pytest.importorskip("safetensors", reason="safetensors is not installed (pip install safetensors)")
from torch import nn  # noqa: E402

from tests.models import modules  # noqa: E402


def seeded(make: Callable[[], Any]) -> Any:
    torch.manual_seed(7)
    return make().eval()


MODULES: dict[str, Callable[[], Any]] = {
    "layers": lambda: nn.Sequential(nn.Linear(3, 4, bias=False), nn.ReLU(), nn.Linear(4, 2)),
    "a list inside": lambda: nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.Dropout(0.4), nn.LayerNorm(2))),
    "own class": modules.Net,
    "own class with arguments": lambda: modules.Net(hidden=5, dropout=0.0, labels=("x", "y", "z")),
    "own class around another": lambda: modules.Wrapping(modules.Net(hidden=2), scale=0.5),
    "half precision": lambda: nn.Linear(3, 2).to(torch.bfloat16),
}


def files(model: Any, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    TorchFlavor().save(model, folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def loaded(folder: Path) -> Any:
    flavor = TorchFlavor()
    return flavor.load(folder, flavor.untrusted(folder))


def rows(model: Any) -> Any:
    return torch.linspace(-1, 1, 12).reshape(4, 3).to(next(model.parameters()).dtype)


@pytest.mark.parametrize("kind", sorted(MODULES))
def test_what_is_loaded_is_the_same_and_has_the_same_bytes(kind: str, tmp_path: Path) -> None:
    model = seeded(MODULES[kind])
    first = files(model, tmp_path / "a")
    assert sorted(first) == ["model.json", "weights.safetensors"]
    assert files(model, tmp_path / "b") == first
    assert files(seeded(MODULES[kind]), tmp_path / "c") == first
    again = loaded(tmp_path / "a")
    assert type(again) is type(model)
    assert repr(again) == repr(model)
    assert torch.equal(again(rows(model)), model(rows(model)))
    assert files(again, tmp_path / "d") == first


def test_saving_draws_no_random_number(tmp_path: Path) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    model = seeded(modules.Net)
    torch.manual_seed(1)
    files(model, tmp_path / "a")
    assert torch.equal(torch.rand(3), expected)


def test_shared_weights_stay_shared_and_frozen_ones_frozen(tmp_path: Path) -> None:
    model = seeded(modules.Tied)
    model.one.weight.requires_grad_(False)
    stored = files(model, tmp_path / "a")
    assert len(stored["weights.safetensors"]) < 2 * 4 * 4 * 4 + 200
    again = loaded(tmp_path / "a")
    assert again.one.weight is again.other.weight
    assert not again.one.weight.requires_grad
    assert torch.equal(again.one.weight, model.one.weight)


def test_whether_it_trains_is_kept(tmp_path: Path) -> None:
    files(modules.Net().train(), tmp_path / "a")
    assert loaded(tmp_path / "a").training


def test_a_class_that_is_not_pytorchs_must_be_trusted_by_name(tmp_path: Path) -> None:
    assert save_model(seeded(MODULES["own class around another"]), tmp_path).name == "torch"
    flavor = TorchFlavor()
    names = flavor.untrusted(tmp_path)
    assert names == ["tests.models.modules.Net", "tests.models.modules.Wrapping"]
    with pytest.raises(UntrustedModel, match="Net"):
        flavor.load(tmp_path, frozenset(names[1:]))
    scan = scan_folder(tmp_path, names)
    assert (scan.verdict, [finding.name for finding in scan.findings]) == ("unsafe", names)


def test_pytorchs_own_layers_are_clean(tmp_path: Path) -> None:
    files(seeded(MODULES["layers"]), tmp_path / "a")
    assert TorchFlavor().untrusted(tmp_path / "a") == []
    assert scan_folder(tmp_path / "a").verdict == "clean"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: modules.Forgetful(4), "'width' is not known"),
        (lambda: modules.Deceptive(power=3.0), "built anew, it is another model: squared"),
        (lambda: torch.jit.script(nn.Linear(2, 2)), "TorchScript holds code"),
        (lambda: nn.Linear(2, 2, device="meta"), "'weight' is no plain tensor"),
    ],
    ids=["forgetful", "deceptive", "torchscript", "without numbers"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_what_cannot_be_built_anew_is_refused_with_the_reason(
    make: Callable[[], Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(CannotSave, match=said):
        TorchFlavor().save(make(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_class_of_the_notebook_falls_to_the_pickle_with_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    code = (
        "import hashlib, pathlib, sys, torch\n"
        "from mlops_ext.models.flavors import CannotSave, save_model\n"
        "from mlops_ext.models.flavors.torch import TorchFlavor\n"
        "class Mine(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.layer = torch.nn.Linear(3, 2)\n"
        "    def forward(self, x): return self.layer(x)\n"
        "torch.manual_seed(3)\n"
        "folder = pathlib.Path(sys.argv[1]); folder.mkdir()\n"
        "model = Mine()\n"
        "try:\n"
        "    TorchFlavor().save(model, folder)\n"
        "except CannotSave as refusal:\n"
        "    print(refusal)\n"
        "print(save_model(model, folder).name)\n"
        "print(hashlib.sha256((folder / 'model.pkl').read_bytes()).hexdigest())\n"
        "print(model(torch.ones(1, 3)).tolist())\n"
    )
    told = []
    for number in ("1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": number,
            "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path]),
        }
        command = [sys.executable, "-c", code, str(tmp_path / number)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        told.append(done.stdout.splitlines())
    assert told[0] == told[1]
    assert "defined in the notebook" in told[0][0]
    assert "Move the class into a module" in told[0][0]
    assert told[0][1] == "callable"
    from mlops_ext.models.flavors.callable import CallableFlavor

    flavor = CallableFlavor()
    model = flavor.load(tmp_path / "1", flavor.untrusted(tmp_path / "1"))
    assert str(model(torch.ones(1, 3)).tolist()) == told[0][3]


@pytest.mark.parametrize("named", ["os:system", "torch.nn.modules.linear:Linear.forward", "tests.models.modules:nn"])
def test_a_plan_that_names_no_class_of_modules_is_not_called(named: str, tmp_path: Path) -> None:
    files(seeded(MODULES["layers"]), tmp_path / "a")
    path = tmp_path / "a" / "model.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"module": {"class": named, "config": {"command": "true"}}}))
    flavor = TorchFlavor()
    assert flavor.untrusted(tmp_path / "a") == [named.replace(":", ".")]
    with pytest.raises(UntrustedModel):
        flavor.load(tmp_path / "a", frozenset())
    with pytest.raises(DamagedBlob, match="no class of modules"):
        flavor.load(tmp_path / "a", [named.replace(":", ".")])


def test_a_class_hidden_among_the_arguments_is_listed(tmp_path: Path) -> None:
    files(seeded(MODULES["layers"]), tmp_path / "a")
    path = tmp_path / "a" / "model.json"
    content = json.loads(path.read_text())
    hidden = {"$": "module", "plan": {"class": "evil:Net", "config": {}}}
    content["module"] = {"class": "torch.nn.modules.linear:Linear", "config": {"in_features": hidden}}
    path.write_text(json.dumps(content))
    assert TorchFlavor().untrusted(tmp_path / "a") == ["evil.Net"]


def test_a_class_that_is_not_here_is_said(tmp_path: Path) -> None:
    files(seeded(modules.Net), tmp_path / "a")
    path = tmp_path / "a" / "model.json"
    path.write_text(path.read_text().replace("tests.models.modules", "elsewhere.modules"))
    with pytest.raises(DamagedBlob, match="No module named 'elsewhere'"):
        loaded(tmp_path / "a")


def test_an_example_gives_tensors_with_their_shapes() -> None:
    found = infer(seeded(modules.Net), np.zeros((9, 3)))
    assert found.inputs == (Field_(name="input", type="float64[-1, 3]"),)
    assert found.outputs == (Field_(name="prediction", type="float32[-1, 2]"),)
    both = infer(modules.TwoInputs(), {"left": torch.zeros(4, 2), "right": torch.zeros(4, 2)})
    assert [(field.name, field.type) for field in (*both.inputs, *both.outputs)] == [
        ("left", "float32[-1, 2]"),
        ("right", "float32[-1, 2]"),
        ("prediction_0", "float32[-1, 2]"),
        ("prediction_1", "float32[-1, 4]"),
    ]


def test_inferring_changes_nothing_of_the_module() -> None:
    model = modules.Net().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    infer(model, np.ones((5, 3)))
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("library", ["torch", "safetensors"])
def test_a_library_that_is_missing_is_named_with_its_extra(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(seeded(MODULES["layers"]), tmp_path / "a")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=library) as refusal:
        TorchFlavor().load(tmp_path / "a", frozenset())
    assert "mlops-ext[torch]" in refusal.value.hint
