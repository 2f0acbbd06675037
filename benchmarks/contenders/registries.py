"""Registries that do the same: ours and MLflow's, each in process and over HTTP, and bare SQLite with our rows."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import sqlite3
import tempfile
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from blake3 import blake3

from benchmarks.contenders.constant import PATH
from mlops_ext.models import service
from mlops_ext.models.loading import fetched
from mlops_ext.models.types import ListVersions, ModelFile, Register, SetAlias, ShowVersion
from mlops_ext.tracking import service as tracking
from mlops_ext.tracking.types import LogRun, MetricPoint, StartRun
from mlops_ext.workspace import Workspace

__all__ = [
    "FILE",
    "NAME",
    "PAGE",
    "POINTS",
    "TOKEN",
    "Bare",
    "JupyterRest",
    "Mlflow",
    "MlflowRest",
    "Ours",
    "OursRest",
    "Registry",
]

NAME, ALIAS = "delay", "champion"
PAGE = 100
POINTS = 1000
TOKEN = "constant"
FILE = b"model" * 20_000
"""What is loaded: 100 kB, as a scikit-learn pipeline has."""
SHA256 = hashlib.sha256(FILE).hexdigest()


class Registry(Protocol):
    """What is measured; each is prepared with two versions and the alias."""

    def register(self) -> object:
        """Register a version."""

    def alias(self, number: int) -> object:
        """Point the alias at a version."""

    def by_alias(self) -> object:
        """Get the version that the alias points at."""

    def page(self) -> object:
        """List a page of versions, the newest first."""

    def metrics(self) -> object:
        """Log points of a metric in one batch."""

    def fetch(self) -> object:
        """Look the alias up and have the model's file, ready to be deserialised; ours are verified."""


def _points(count: itertools.count[int]) -> list[dict[str, Any]]:
    first = next(count) * POINTS
    return [{"key": "loss", "value": step / 7, "step": first + step} for step in range(POINTS)]


class Ours:
    """Our operations, in process."""

    def __init__(self, folder: Path) -> None:
        self.ws = Workspace(folder)
        self.count = itertools.count()
        self.digest = self.ws.put_blob(FILE)
        self.run = self.ws.call(tracking.start, StartRun(experiment="x", lease_seconds=86_400)).id
        self.register()
        self.register()
        self.alias(1)

    def asked(self) -> Register:
        """Give what registers a version that differs from the one before."""
        path = f"{self.run}-{next(self.count)}.bin"
        file = ModelFile(path=path, digest=self.digest, sha256=SHA256, size=len(FILE))
        return Register(name=NAME, flavor="test", files=(file,))

    def register(self) -> None:
        self.ws.call(service.register, self.asked())

    def alias(self, number: int) -> None:
        self.ws.call(service.alias, SetAlias(model=f"{NAME}@{number}", alias=ALIAS))

    def by_alias(self) -> None:
        self.ws.call(service.version, ShowVersion(model=f"{NAME}@{ALIAS}"))

    def page(self) -> None:
        assert len(self.ws.call(service.versions, ListVersions(model=NAME, limit=PAGE))) == PAGE

    def metrics(self) -> None:
        points = tuple(MetricPoint(**each) for each in _points(self.count))
        self.ws.call(tracking.log, LogRun(run=self.run, metrics=points))

    def fetch(self) -> None:
        with fetched(self.ws, self.ws.call(service.version, ShowVersion(model=f"{NAME}@{ALIAS}"))):
            pass


class Mlflow:
    """MLflow's client, in process."""

    def __init__(self, folder: Path) -> None:
        from mlflow import MlflowClient

        url = f"sqlite:///{folder / 'mlflow.db'}"
        self.client = MlflowClient(tracking_uri=url, registry_uri=url)
        self.count = itertools.count()
        self.source = folder / "model"
        self.source.mkdir()
        (self.source / "model.bin").write_bytes(FILE)
        self.client.create_registered_model(NAME)
        self.run = self.client.create_run(self.client.create_experiment("x")).info.run_id
        self.register()
        self.register()
        self.alias(1)

    def register(self) -> None:
        self.client.create_model_version(NAME, self.source.as_uri())

    def alias(self, number: int) -> None:
        self.client.set_registered_model_alias(NAME, ALIAS, str(number))

    def by_alias(self) -> None:
        self.client.get_model_version_by_alias(NAME, ALIAS)

    def page(self) -> None:
        assert len(self.client.search_model_versions(f"name = '{NAME}'", max_results=PAGE)) == PAGE

    def metrics(self) -> None:
        from mlflow.entities import Metric

        points = [Metric(each["key"], each["value"], 0, each["step"]) for each in _points(self.count)]
        self.client.log_batch(self.run, metrics=points)

    def fetch(self) -> None:
        from mlflow.artifacts import download_artifacts

        version = self.client.get_model_version_by_alias(NAME, ALIAS)
        uri = self.client.get_model_version_download_uri(NAME, version.version)
        with tempfile.TemporaryDirectory() as target:
            download_artifacts(artifact_uri=uri, dst_path=target)


class _Http:
    """One connection that is kept, the same for both servers."""

    def __init__(self, port: int, root: str, token: str = "") -> None:
        self.connection, self.root = HTTPConnection("127.0.0.1", port), root
        self.known = {"Authorization": f"token {token}"} if token else {}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.raw(method, path, None if body is None else json.dumps(body).encode())
        return json.loads(answer)

    def raw(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = self.known | ({} if body is None else {"Content-Type": "application/json"})
        try:
            self.connection.request(method, self.root + path, body, headers)
            response = self.connection.getresponse()
        except (BrokenPipeError, RemoteDisconnected):  # a server lets go of a connection that was idle
            self.connection.close()
            self.connection.request(method, self.root + path, body, headers)
            response = self.connection.getresponse()
        answer = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {answer[:300]!r}")
        return answer


class OursRest:
    """Our extension in a Jupyter server, over HTTP, on a workspace that `Ours` prepared."""

    def __init__(self, prepared: Ours, port: int) -> None:
        self.prepared, self.http = prepared, _Http(port, "/mlops-ext/api/v1", TOKEN)

    def register(self) -> None:
        body = self.prepared.asked().model_dump(mode="json", exclude={"name"})
        self.http.ask("POST", f"/models/{NAME}/versions", body)

    def alias(self, number: int) -> None:
        self.http.ask("PUT", f"/model-versions/{NAME}@{number}/aliases/{ALIAS}", {})

    def by_alias(self) -> None:
        self.http.ask("GET", f"/model-versions/{NAME}@{ALIAS}")

    def page(self) -> None:
        assert len(self.http.ask("GET", f"/models/{NAME}/versions?limit={PAGE}")["items"]) == PAGE

    def metrics(self) -> None:
        points = _points(self.prepared.count)
        self.http.ask("POST", f"/runs/{self.prepared.run}/measurements", {"metrics": points})

    def fetch(self) -> None:
        (file,) = self.http.ask("GET", f"/model-versions/{NAME}@{ALIAS}")["files"]
        data = self.http.raw("GET", f"/blobs/{quote(file['digest'], safe='')}")
        if f"b3:{blake3(data).hexdigest()}" != file["digest"] or hashlib.sha256(data).hexdigest() != file["sha256"]:
            raise RuntimeError("another file")


class JupyterRest:
    """The same requests to a handler of Jupyter's that answers each alike: what ours costs without what ours does."""

    def __init__(self, prepared: Ours, port: int) -> None:
        self.prepared, self.http = prepared, _Http(port, PATH, TOKEN)

    def register(self) -> None:
        self.http.ask("POST", "", self.prepared.asked().model_dump(mode="json", exclude={"name"}))

    def alias(self, number: int) -> None:  # noqa: ARG002
        self.http.ask("PUT", "", {})

    def by_alias(self) -> None:
        self.http.ask("GET", "")

    def page(self) -> None:
        self.http.ask("GET", f"?limit={PAGE}")

    def metrics(self) -> None:
        self.http.ask("POST", "", {"metrics": _points(self.prepared.count)})

    def fetch(self) -> None:
        self.http.ask("GET", "")
        self.http.ask("GET", "")


class MlflowRest:
    """A real `mlflow server`, over HTTP."""

    def __init__(self, folder: Path, port: int) -> None:
        self.http, self.count = _Http(port, "/api/2.0"), itertools.count()
        place = folder / "artifacts" / "model"
        place.mkdir(parents=True)
        (place / "model.bin").write_bytes(FILE)
        self.http.ask("POST", "/mlflow/registered-models/create", {"name": NAME})
        experiment = self.http.ask("POST", "/mlflow/experiments/create", {"name": "x"})["experiment_id"]
        made = self.http.ask("POST", "/mlflow/runs/create", {"experiment_id": experiment})
        self.run = made["run"]["info"]["run_id"]
        self.register()
        self.register()
        self.alias(1)

    def register(self) -> None:
        self.http.ask("POST", "/mlflow/model-versions/create", {"name": NAME, "source": "s3://models/1"})

    def alias(self, number: int) -> None:
        body = {"name": NAME, "alias": ALIAS, "version": str(number)}
        self.http.ask("POST", "/mlflow/registered-models/alias", body)

    def by_alias(self) -> None:
        self.http.ask("GET", f"/mlflow/registered-models/alias?name={NAME}&alias={ALIAS}")

    def page(self) -> None:
        asked = urlencode({"filter": f"name = '{NAME}'", "max_results": PAGE})
        assert len(self.http.ask("GET", f"/mlflow/model-versions/search?{asked}")["model_versions"]) == PAGE

    def metrics(self) -> None:
        points = [{**each, "timestamp": 0} for each in _points(self.count)]
        self.http.ask("POST", "/mlflow/runs/log-batch", {"run_id": self.run, "metrics": points})

    def fetch(self) -> None:
        found = self.http.ask("GET", f"/mlflow/registered-models/alias?name={NAME}&alias={ALIAS}")
        asked = f"name={NAME}&version={found['model_version']['version']}"
        self.http.ask("GET", f"/mlflow/model-versions/get-download-uri?{asked}")
        assert self.http.raw("GET", "/mlflow-artifacts/artifacts/model/model.bin") == FILE


class Bare:
    """Bare SQLite with our pragmas on a copy of our catalog: the same rows, read and written with nothing between."""

    _WRITTEN = ("model_versions", "blob_owners", "events", "event_data", "event_refs")

    def __init__(self, prepared: Ours, folder: Path) -> None:
        self.connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
        with sqlite3.connect(prepared.ws.home / "catalog.db") as source:
            source.backup(self.connection)
        for pragma in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL"):
            self.connection.execute(f"PRAGMA {pragma}")
        (self.id, self.highest) = self.connection.execute("SELECT id, highest FROM models").fetchone()
        (self.seq,) = self.connection.execute("SELECT seq FROM chain_head").fetchone()
        self.run, self.count = prepared.run, itertools.count()
        self.events = {table: self._like(table, "seq", "(SELECT max(seq) FROM events)") for table in self._WRITTEN[2:]}
        self.version = self._like("model_versions", "version", "1")
        self.owner = self._like("blob_owners", "owner", f"'model:{self.id}@1'")
        self.blob = Path(prepared.ws.blob_path(prepared.digest))

    def _like(self, table: str, column: str, value: str) -> tuple[str, dict[str, Any]]:
        """Give an INSERT and the values of the row that stands at a value."""
        cursor = self.connection.execute(f"SELECT * FROM {table} WHERE {column} = {value}")
        names, row = [each[0] for each in cursor.description], cursor.fetchone()
        text = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(f':{name}' for name in names)})"
        return text, dict(zip(names, row, strict=True))

    def _event(self) -> None:
        self.seq += 1
        for text, row in self.events.values():
            self.connection.execute(text, {**row, "seq": self.seq})
        self.connection.execute("UPDATE chain_head SET seq = ?", (self.seq,))

    def register(self) -> None:
        self.highest += 1
        (insert, row), (own, owned), execute = self.version, self.owner, self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute("SELECT * FROM models WHERE name = ?", (NAME,)).fetchone()
        execute(insert, {**row, "version": self.highest})
        execute("UPDATE models SET latest = ?, highest = ? WHERE id = ?", (self.highest, self.highest, self.id))
        execute(own, {**owned, "owner": f"model:{self.id}@{self.highest}"})
        self._event()
        execute("COMMIT")

    def alias(self, number: int) -> None:
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute("SELECT * FROM model_versions WHERE model_id = ? AND version = ?", (self.id, number)).fetchone()
        execute("UPDATE aliases SET version = ? WHERE model_id = ? AND alias = ?", (number, self.id, ALIAS))
        self._event()
        execute("COMMIT")

    def by_alias(self) -> None:
        self._read("SELECT * FROM model_versions WHERE model_id = :id AND version = :version")

    def page(self) -> None:
        self._read(f"SELECT * FROM model_versions WHERE model_id = :id ORDER BY version DESC LIMIT {PAGE}")

    def _read(self, versions: str) -> None:
        """Read all that a record of a version tells: itself, what was measured, and who points at it."""
        execute = self.connection.execute
        execute("BEGIN")
        execute("SELECT * FROM store_info").fetchone()
        execute("SELECT * FROM policies ORDER BY number DESC LIMIT 1").fetchone()
        execute("SELECT * FROM models WHERE name = ?", (NAME,)).fetchone()
        (version,) = execute(
            "SELECT version FROM aliases WHERE model_id = ? AND alias = ?", (self.id, ALIAS)
        ).fetchone()
        cursor = execute(versions, {"id": self.id, "version": version})
        names = [each[0] for each in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for each in found:
            each["details"] = json.loads(each["details"])
        numbers = [each["version"] for each in found]
        for table in ("model_metrics", "model_parameters", "model_tags"):
            within = f"SELECT * FROM {table} WHERE model_id = ? AND version BETWEEN ? AND ?"
            execute(within, (self.id, min(numbers), max(numbers))).fetchall()
        execute("SELECT * FROM aliases WHERE model_id = ?", (self.id,)).fetchall()
        for environment in ("development", "staging", "production"):
            newest = "SELECT * FROM deployments WHERE model_id = ? AND environment = ? ORDER BY number DESC LIMIT 1"
            execute(newest, (self.id, environment)).fetchone()
        execute("COMMIT")

    def metrics(self) -> None:
        rows = [(self.run, each["key"], each["step"], each["value"]) for each in _points(self.count)]
        self.connection.execute("BEGIN IMMEDIATE")
        insert = "INSERT INTO run_metrics (run, key, step, at, rank, value) VALUES (?, ?, ?, 'bare', 0, ?)"
        self.connection.executemany(insert, rows)
        self.connection.execute("COMMIT")

    def fetch(self) -> None:
        self.by_alias()
        with tempfile.TemporaryDirectory() as target:
            copy = shutil.copyfile(self.blob, Path(target) / "model.bin")
            if hashlib.sha256(copy.read_bytes()).hexdigest() != SHA256:
                raise RuntimeError("another file")
