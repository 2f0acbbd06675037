"""Cards, bills of materials, signatures, bundles and profiles, each checked by somebody else's tool."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from blake3 import blake3 as real_blake3
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from mlops_ext.errors import CheckRefused, DamagedBlob, InvalidValue, NotFound
from mlops_ext.governance import service, signing
from mlops_ext.governance.evidence import check_bundle, signatures
from mlops_ext.governance.evidence.bundle import bundle
from mlops_ext.governance.evidence.facts import KNOWN
from mlops_ext.governance.evidence.gate import card_complete, signed
from mlops_ext.governance.evidence.pages import NOT_PROVIDED, html_of, markdown_of
from mlops_ext.governance.evidence.profiles import installed_profiles, read_profile
from mlops_ext.governance.evidence.types import CheckEvidence, ModelCard, ShowCard
from mlops_ext.governance.types import Retain
from mlops_ext.models import service as models
from mlops_ext.models.loading import fetched
from mlops_ext.models.promotion.gates import GateContext
from mlops_ext.models.types import (
    EnvironmentLock,
    Field_,
    GitState,
    ModelFile,
    ModelVersion,
    Register,
    ShowVersion,
    Signature,
)
from mlops_ext.workspace import Workspace

pytestmark = pytest.mark.sqlite

ORDER = 2**252 + 27742317777372353535851937790883648493
"""Of Ed25519's base point: a signature that is larger by it would fit, too, if it were not refused."""
HOSTILE = "<script>alert(1)</script> | [x](javascript:alert(1)) `'\"\n---\nlicense: evil"


def file_of(ws: Workspace, path: str, data: bytes) -> ModelFile:
    return ModelFile(path=path, digest=ws.put_blob(data), sha256=hashlib.sha256(data).hexdigest(), size=len(data))


def make(ws: Workspace, **more: Any) -> ModelVersion:
    lock = EnvironmentLock(python="3.11.7", platform="Linux", packages={"scikit_learn": "1.5.0", "numpy": "1.26.4"})
    shape = Signature(inputs=(Field_(name="distance", type="float64"),), outputs=(Field_(name="p", type="float64"),))
    asked: dict[str, Any] = {
        "name": "delay é",
        "flavor": "sklearn",
        "files": (file_of(ws, "model.skops", b"weights"), file_of(ws, "sub/.gitignore", b"*\n")),
        "signature": shape,
        "inputs": ("dataset:flights@1",),
        "metrics": {"auc": 0.71, "loss": float("nan")},
        "parameters": {"depth": "3"},
        "git": GitState(commit="c" * 40, dirty=True),
        "lock": lock,
    }
    return ws.call(models.register, Register(**{**asked, **more}))


FILLED = {
    "card.intended_use": "Warn passengers",
    "card.limitations": "One airport",
    "card.risks": "Few",
    "card.training_data": "BTS",
    "card.human_oversight": "A dispatcher decides",
    "card.owners": "ops@example.org",
    "card.license": "bsd-3-clause",
    "card.task": "tabular-classification",
}


@pytest.fixture
def version(workspace: Workspace) -> ModelVersion:
    return make(workspace)


def card(ws: Workspace, ref: str = "delay é@1") -> ModelCard:
    return ws.call(service.card, ShowCard(model=ref))


def front(page: str) -> dict[str, Any]:
    head = page.split("\n---\n", 1)[0].removeprefix("---\n")
    return yaml.safe_load(head)


def test_a_card_says_what_is_recorded_and_invents_nothing(workspace, version) -> None:
    found = card(workspace)
    assert (found.ref, found.metrics["auc"], found.data[0].digest) == ("delay é@1", 0.71, "")
    assert "intended_use" in found.missing
    page = markdown_of(found)
    assert page.count(f"*{NOT_PROVIDED}*") == len(found.fields) + 1
    assert front(page)["datasets"] == ["flights@1"]
    assert front(page)["metrics"] == ["auc"], "what is not finite is no result"
    assert "license" not in front(page)
    assert "model-index" not in front(page), "nobody said which task it is"


def test_a_card_shows_the_newest_bias_report_and_profiles_count_it(workspace) -> None:
    from mlops_ext.monitoring import service as monitoring
    from mlops_ext.monitoring.groups.types import BiasReport, Disparity, GroupRates, Rate
    from mlops_ext.monitoring.types import SaveReport

    make(workspace)
    assert card(workspace).bias is None
    assert "## Bias\n\n*nothing on record*" in markdown_of(card(workspace))
    rate = Rate(value=0.25, low=0.125, high=float("nan"))
    rates = dict.fromkeys(
        ("base_rate", "selection_rate", "true_positive_rate", "false_positive_rate", "accuracy"), rate
    )
    for window in ("2013-02", "2013-03"):
        found = BiasReport(
            model="delay é@1",
            window=window,
            rows=900,
            label_coverage=1.0,
            disparities=(Disparity(by="car<b>", measure="equal_opportunity", value=rate, lowest="AA", highest="UA"),),
            groups=(GroupRates(by="car<b>", group="AA", rows=450, **rates),),
            suppressed=("HA (7)",),
            method="rows with a label",
        )
        details = found.model_dump(mode="json", exclude={"model", "window", "report"})
        asked = SaveReport(kind="bias", model=found.model, window=window, status="measured", details=details)
        saved = workspace.call(monitoring.report, asked)
    shown = card(workspace).bias
    assert shown is not None
    assert (shown.window, shown.report, shown.disparities[0].lowest) == ("2013-03", saved.ref, "AA")
    assert str(shown.groups[0].accuracy.high) == "nan"
    page, html = markdown_of(card(workspace)), html_of(card(workspace))
    assert "## Bias on 2013-03: 900 rows with a label" in page
    assert "0.250 \\[0.125, nan\\]" in page
    assert "too few rows to tell" in page
    assert "car&lt;b&gt;" in html
    assert statuses(workspace, "eu-ai-act-high-risk")["fairness"] == "present"


def test_a_filled_card_has_the_front_matter_of_the_hub(workspace) -> None:
    make(workspace, tags={**FILLED, "team": "ops"}, description="Predicts *delays*")
    page = markdown_of(card(workspace))
    head = front(page)
    assert (head["license"], head["pipeline_tag"]) == ("bsd-3-clause", "tabular-classification")
    result = head["model-index"][0]["results"][0]
    assert result["task"] == {"type": "tabular-classification"}
    assert result["metrics"] == [{"type": "auc", "name": "auc", "value": 0.71, "verified": False}]
    assert "team:ops" in head["tags"]
    assert not any(tag.startswith("card.") for tag in head["tags"])
    assert "Warn passengers" in page
    assert r"Predicts \*delays\*" in page


def test_hostile_text_is_shown_and_never_acts(workspace) -> None:
    make(workspace, tags={"card.intended_use": HOSTILE, "card.license": HOSTILE, "team": HOSTILE}, description=HOSTILE)
    found = card(workspace)
    page, markdown = html_of(found), markdown_of(found)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    body = markdown.split("\n---\n", 1)[1]
    assert "<script" not in body.replace(r"\<script", "")
    assert "](javascript" not in body.replace(r"\]\(javascript", "")
    assert front(markdown)["license"] == HOSTILE.strip()
    assert set(front(markdown)) <= {"library_name", "license", "tags", "datasets", "metrics"}


def test_the_models_word_counts_where_the_version_says_nothing(workspace) -> None:
    from mlops_ext.models.curation.editing import tag
    from mlops_ext.models.types import SetTags

    make(workspace, tags={"card.risks": "of the version"})
    said = {"card.risks": "of the model", "card.owners": "of the model"}
    workspace.call(tag, SetTags(model="delay é", tags=said))
    said = {each.name: each.text for each in card(workspace).fields}
    assert (said["risks"], said["owners"]) == ("of the version", "of the model")


@pytest.mark.parametrize("tags", [{}, {**FILLED, "card.ethical_considerations": "None known", "team": HOSTILE}])
def test_the_bill_of_materials_is_valid_cyclonedx(workspace, tags) -> None:
    make(workspace, tags=tags, description=HOSTILE if tags else "")
    written = workspace.call(service.sbom, ShowCard(model="delay é@1")).document
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(written))
    assert fault is None, fault
    component = written["metadata"]["component"]
    assert component["type"] == "machine-learning-model"
    assert [each["name"] for each in component["components"]] == ["model.skops", "sub/.gitignore"]
    assert {"alg": "SHA-256", "content": hashlib.sha256(b"weights").hexdigest()} in component["components"][0]["hashes"]
    assert {each.get("purl") for each in written["components"]} == {
        None, "pkg:pypi/scikit-learn@1.5.0", "pkg:pypi/numpy@1.26.4",
    }  # fmt: skip
    metrics = component["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert metrics == [{"type": "auc", "value": "0.71"}, {"type": "loss", "value": "nan"}]
    assert ("considerations" in component["modelCard"]) == bool(tags)


def key_pair(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pub").write_bytes(public)
    return folder / "key.pem", folder / "key.pub"


def test_a_signature_is_one_that_openssf_verifies(workspace, version, tmp_path) -> None:
    from model_signing import verifying

    key, public = key_pair(tmp_path)
    with pytest.raises(signatures.NotSigned):
        signatures.verify(workspace, version.ref, public)
    made = signatures.sign(workspace, version.ref, key)
    assert signatures.verify(workspace, version.ref, public) == made
    (tmp_path / "model.sig").write_bytes(workspace.get_blob(made.signature))
    with fetched(workspace, version) as folder:
        verifier = verifying.Config().use_elliptic_key_verifier(public_key=str(public))
        verifier.verify(folder, tmp_path / "model.sig")
        (folder / "model.skops").write_bytes(b"weightz")
        with pytest.raises(ValueError, match=r"model\.skops"):
            verifier.verify(folder, tmp_path / "model.sig")
    assert card(workspace).signed


def test_another_key_another_file_and_a_torn_signature_do_not_verify(workspace, version, tmp_path) -> None:
    key, public = key_pair(tmp_path)
    signatures.sign(workspace, version.ref, key)
    (tmp_path / "other").mkdir()
    _, other = key_pair(tmp_path / "other")
    with pytest.raises(CheckRefused, match="does not hold"):
        signatures.verify(workspace, version.ref, other)
    with pytest.raises(NotFound):
        signatures.verify(workspace, version.ref, tmp_path / "absent")
    torn = workspace.put_blob(b'{"mediaType": "x"}')
    workspace.call(
        service.attach_signature, signatures.AttachSignature(model=version.ref, signature=torn, public_key="x")
    )
    with pytest.raises(CheckRefused, match="does not hold"):
        signatures.verify(workspace, version.ref, public)
    (tmp_path / "junk").write_text("junk")
    for wrong in ("junk", "absent"):
        with pytest.raises(InvalidValue):
            signatures.sign(workspace, version.ref, tmp_path / wrong)
    signing.make_key(workspace, tmp_path / "ed")
    with pytest.raises(InvalidValue, match="no elliptic-curve key"):
        signatures.sign(workspace, version.ref, tmp_path / "ed")


def test_a_tampered_file_is_named_before_anything_is_verified(workspace, version, tmp_path) -> None:
    key, public = key_pair(tmp_path)
    signatures.sign(workspace, version.ref, key)
    path = workspace.blob_path(version.files[0].digest)
    path.chmod(0o644)
    path.write_bytes(b"weightz")
    with pytest.raises(DamagedBlob):
        signatures.verify(workspace, version.ref, public)


def test_the_gates_ask_for_a_filled_card_and_a_signature(workspace, tmp_path) -> None:
    bare, filled = make(workspace), make(workspace, tags=FILLED, new=True)

    def ask(gate: Any, version: ModelVersion, **options: Any) -> Any:
        return gate(workspace, GateContext(version, None, "production", options))

    refused = ask(card_complete, bare)
    assert (refused.passed, refused.value) == (False, "0 of 7 fields")
    assert "card.intended_use" in refused.message
    assert ask(card_complete, filled).passed
    assert ask(card_complete, filled, require=["owners"]).passed
    for wrong in ({"require": ["onwers"]}, {"require": "owners"}, {"requires": []}):
        with pytest.raises(InvalidValue):
            ask(card_complete, filled, **wrong)
    assert not ask(signed, filled).passed
    signatures.sign(workspace, filled.ref, key_pair(tmp_path)[0])
    assert ask(signed, filled).passed
    assert not ask(signed, bare).passed


@pytest.mark.fast
@pytest.mark.parametrize("name", installed_profiles())
def test_every_profile_asks_for_what_can_be_found(name) -> None:
    profile = read_profile(name)
    assert profile.name == name
    assert {each.needs for each in profile.duties} <= set(KNOWN)
    assert "compliant" not in json.dumps(profile.model_dump()).replace("is compliant", "").lower()


def statuses(ws: Workspace, profile: str) -> dict[str, str]:
    report = ws.call(service.check_evidence, CheckEvidence(model="delay é@1", profile=profile))
    assert report.ok == (not report.missing and not report.stale)
    assert (report.present, report.missing, report.stale) == tuple(
        sum(each.status == status for each in report.items) for status in ("present", "missing", "stale")
    )
    return {each.needs: each.status for each in report.items}


def test_evidence_is_present_missing_or_stale(workspace, monkeypatch) -> None:
    from datetime import timedelta

    from mlops_ext.governance.evidence import facts
    from mlops_ext.monitoring import service as monitoring
    from mlops_ext.monitoring.types import SaveReport
    from mlops_ext.records import now

    make(workspace, tags={"card.intended_use": "Warn"})
    assert statuses(workspace, "none") == {}
    before = statuses(workspace, "eu-ai-act-high-risk")
    assert {name for name, status in before.items() if status == "present"} == {
        "intended_use", "environment", "code", "parameters", "io_signature", "inputs", "metrics",
    }  # fmt: skip
    workspace.call(service.retain, Retain(profile="eu-ai-act-high-risk"))
    workspace.call(monitoring.report, SaveReport(kind="drift", model="delay é@1", window="2013-02", status="stable"))
    after = statuses(workspace, "eu-ai-act-high-risk")
    assert {name for name in after if after[name] != before[name]} == {"retention", "monitoring"}
    monkeypatch.setattr(facts, "now", lambda: now() + timedelta(days=93))
    assert statuses(workspace, "eu-ai-act-high-risk")["monitoring"] == "stale"
    assert statuses(workspace, "sr-11-7")["outcomes"] == "missing"
    with pytest.raises(NotFound, match="sr-11-7"):
        statuses(workspace, "sr-11-8")


@pytest.fixture
def made(workspace, tmp_path) -> dict[str, Any]:
    version = make(workspace, tags=FILLED)
    for number in range(9):
        workspace.catalog.write(lambda change, n=number: change.event("note.written", f"run:{n}", {"text": "ü" * 2000}))
    signatures.sign(workspace, version.ref, key_pair(tmp_path)[0])
    public = signing.make_key(workspace, tmp_path / "audit.key")
    path = tmp_path / "delay.zip"
    path.write_bytes(bundle(workspace, version.ref, tmp_path / "audit.key", "eu-ai-act-high-risk"))
    return {"path": path, "public": public, "folder": tmp_path, "ws": workspace}


def run_check(made: dict[str, Any], path: Path, *key: str) -> subprocess.CompletedProcess[str]:
    """Run the script that lies in the bundle in a bare Python: nothing that is installed can be imported."""
    script = made["folder"] / "alone" / "check_bundle.py"
    script.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(made["path"]) as whole:
        script.write_bytes(whole.read("check_bundle.py"))
    command = [sys.executable, "-I", "-S", str(script), str(path), *key]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=script.parent)


def repacked(made: dict[str, Any], **changes: bytes | None) -> Path:
    """Change files of the bundle and pack it again; keys write `.` as `__`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(made["path"]) as whole, zipfile.ZipFile(packed, "w") as target:
        content = {name: whole.read(name) for name in whole.namelist()}
        for key, data in changes.items():
            content[key.replace("__", ".")] = data
        for name, data in content.items():
            if data is not None:
                target.writestr(name, data)
    path = made["folder"] / "changed.zip"
    path.write_bytes(packed.getvalue())
    return path


def test_a_bundle_is_checked_by_a_short_script_alone(made) -> None:
    source = Path(check_bundle.__file__).read_text()
    code = source.replace(str(check_bundle.__doc__), "").splitlines()
    assert sum(bool(line.strip(' "')) for line in code) <= 100
    for key in ((), (made["public"],)):
        ended = run_check(made, made["path"], *key)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "model:delay é@1 holds" in ended.stdout
    assert "a key that you trust" in run_check(made, made["path"]).stdout
    with zipfile.ZipFile(made["path"]) as whole:
        assert {"record.json", "card.md", "card.html", "sbom.json", "events.jsonl", "head.json", "model.sig"} <= set(
            whole.namelist()
        )
        actions = [json.loads(line)["event"]["action"] for line in whole.read("events.jsonl").splitlines()]
    assert actions == ["model.registered", "model.signed"]


def test_a_tampered_bundle_does_not_hold(made) -> None:
    with zipfile.ZipFile(made["path"]) as whole:
        files = {name: whole.read(name) for name in whole.namelist()}
    tampered: list[dict[str, Any]] = [{name.replace(".", "__"): data + b" "} for name, data in files.items()]
    tampered += [{name.replace(".", "__"): None} for name in files]
    tampered += [{"more__txt": b"added"}]
    held = [change for change in tampered if run_check(made, repacked(made, **change), made["public"]).returncode == 0]
    assert held == [{"manifest__sig": files["manifest.sig"] + b" "}], "a space after its JSON changes nothing"
    signing.make_key(made["ws"], made["folder"] / "other.key")
    other = bundle(made["ws"], "delay é@1", made["folder"] / "other.key")
    (made["folder"] / "other.zip").write_bytes(other)
    assert run_check(made, made["folder"] / "other.zip", made["public"]).returncode == 1
    (made["folder"] / "junk.zip").write_bytes(b"junk")
    assert run_check(made, made["folder"] / "junk.zip").returncode == 1


def test_events_changed_by_who_holds_the_key_are_found_by_the_proofs(made) -> None:
    """Sign a manifest over changed events: the chain's hashes and the head's root still tell."""
    import base64

    with zipfile.ZipFile(made["path"]) as whole:
        lines = [json.loads(line) for line in whole.read("events.jsonl").splitlines()]
        manifest = json.loads(whole.read("manifest.json"))
    by = signing.signer(made["ws"], made["folder"] / "audit.key")

    def sealed(changed: list[dict[str, Any]]) -> Path:
        data = "\n".join(json.dumps(each) for each in changed).encode()
        told = {**manifest, "files": {**manifest["files"], "events.jsonl": hashlib.sha256(data).hexdigest()}}
        written = json.dumps(told).encode()
        seal = {"signature": base64.b64encode(by.sign(written)).decode(), "public_key": made["public"]}
        return repacked(made, events__jsonl=data, manifest__json=written, manifest__sig=json.dumps(seal).encode())

    assert run_check(made, sealed(lines), made["public"]).returncode == 0
    first = lines[0]
    wrong = [
        [{**first, "event": {**first["event"], "actor": "mallory"}}, lines[1]],
        [{**first, "data": first["data"].replace("auc", "AUC")}, lines[1]],
        [{**first, "path": first["path"][:-1]}, lines[1]],
        [{**first, "path": [*first["path"], first["path"][0]]}, lines[1]],
        [lines[1]],
    ]
    forged = {**first["event"], "actor": "mallory"}
    hashed = "b3:" + real_blake3(check_bundle.CANONICAL.encode(forged).encode()).hexdigest()
    wrong.append([{**first, "event": forged, "hash": hashed}, lines[1]])
    for changed in wrong:
        ended = run_check(made, sealed(changed), made["public"])
        assert (ended.returncode, "does not hold" in ended.stderr) == (1, True), changed[0]


@pytest.mark.fast
def test_the_scripts_own_blake3_is_blake3() -> None:
    for length in (0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 2049, 3072, 4097, 8193, 16384, 31744):
        data = bytes(number % 251 for number in range(length))
        assert check_bundle.digest(data, "b3:") == "b3:" + real_blake3(data).hexdigest()
    assert check_bundle.digest(b"x", "sha256:") == "sha256:" + hashlib.sha256(b"x").hexdigest()


@pytest.mark.fast
def test_the_scripts_own_ed25519_is_ed25519() -> None:
    for number in range(4):
        private = ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        key, message = private.public_key().public_bytes_raw(), bytes(range(number * 50))
        signature = private.sign(message)
        check_bundle.verify(key, signature, message)
        wrong = [
            (key, signature, message + b"x"),
            (ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw(), signature, message),
            (key, bytes([signature[0] ^ 1]) + signature[1:], message),
            (key, signature[:40] + bytes([signature[40] ^ 1]) + signature[41:], message),
            (key, signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little"), message),
            (key, signature + b"x" * 1000, message),
            (key[:31], signature, message),
            (b"\xff" * 32, signature, message),
        ]
        for given in wrong:
            with pytest.raises(ValueError, match=r"signature|key"):
                check_bundle.verify(*given)


def test_a_bundle_needs_a_key_and_a_version_that_exists(workspace, version, monkeypatch) -> None:
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    with pytest.raises(InvalidValue, match="no key"):
        bundle(workspace, version.ref)
    with pytest.raises(NotFound):
        workspace.call(models.version, ShowVersion(model="delay é@9"))


def test_a_renamed_model_keeps_its_signature_and_its_evidence(workspace, version, tmp_path) -> None:
    from mlops_ext.models.curation.editing import rename
    from mlops_ext.models.types import RenameModel

    key, public = key_pair(tmp_path)
    signatures.sign(workspace, version.ref, key)
    workspace.call(rename, RenameModel(model="delay é", to="late"))
    make(workspace, files=(file_of(workspace, "model.skops", b"another model by the old name"),))
    assert signatures.verify(workspace, "late@1", public).model == "late@1"
    with pytest.raises(signatures.NotSigned):
        signatures.verify(workspace, "delay é@1", public)
    trusted = signing.make_key(workspace, tmp_path / "audit.key")
    (tmp_path / "late.zip").write_bytes(bundle(workspace, "late@1", tmp_path / "audit.key"))
    assert "model:late@1 holds" in check_bundle.check(str(tmp_path / "late.zip"), trusted)


def test_policy_can_ask_every_load_for_a_signature(workspace, tmp_path, monkeypatch) -> None:
    import mlops_ext as mlops
    from mlops_ext.models.promotion.types import ApplyPolicy, Policy

    plain = mlops.register({"a": 1}.get, "plain", workspace=workspace, inputs=[])
    workspace.call(models.apply_policy, ApplyPolicy(policy=Policy(verify=("signature",))))
    key, public = key_pair(tmp_path)

    def load() -> Any:
        return mlops.load_model("plain@1", trust=plain.trust, workspace=workspace)

    monkeypatch.delenv(signatures.VARIABLE, raising=False)
    with pytest.raises(CheckRefused, match="is not set"):
        load()
    monkeypatch.setenv(signatures.VARIABLE, str(public))
    with pytest.raises(signatures.NotSigned):
        load()
    signatures.sign(workspace, "plain@1", key)
    assert load()("a") == 1
    (tmp_path / "other").mkdir()
    monkeypatch.setenv(signatures.VARIABLE, str(key_pair(tmp_path / "other")[1]))
    with pytest.raises(CheckRefused, match="does not hold"):
        load()
