"""What an MLflow store holds, read through MLflow's own client; nothing of it is ever deserialised."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from mlops_ext.errors import DamagedBlob, InvalidValue, MissingExtra, MlopsError, StoreUnavailable
from mlops_ext.records import Record

__all__ = ["MlflowStore", "RemoteFile", "moment"]

_PAGE = 1000
_PATIENCE = 10.0
_PORTS = {"http": 80, "https": 443}
_ALL = 3
"""MLflow's view of what is active and what is deleted."""
_REMEDY = "See that the store can be read with this version of mlflow, then import again: it goes on"
_REMEDIES = {
    "out-of-date database schema": "Keep a copy of it, then: mlflow db upgrade {source}",
    "maintenance mode": "Turn it into a database, and import that: mlflow migrate-filestore --help",
}
_NO_STORE = "Give its file, folder or server"


class RemoteFile(Record):
    """One artifact: its path below the folder that was listed, and its size where the store tells."""

    path: str
    size: int | None = None


class MlflowStore:
    """An MLflow tracking store and its registry.

    Parameters
    ----------
    uri : str
        As MLflow writes it: `http://…`, `sqlite:///…`, a folder.

    Raises
    ------
    MissingExtra
        MLflow's client is not installed.
    StoreUnavailable, InvalidValue
        Nothing answers, or there is no such file or folder; MLflow would make one.
    """

    def __init__(self, uri: str) -> None:
        self.uri = _local(uri)
        _check_there(self.uri)
        try:
            from mlflow import MlflowClient
        except ImportError as error:
            raise MissingExtra.of("mlflow", "mlflow") from error
        self._client = _asked(lambda: MlflowClient(tracking_uri=self.uri, registry_uri=self.uri), self.name)
        self._trees: dict[str, Any] = {}
        self._listed: dict[str, list[RemoteFile]] = {}

    @property
    def name(self) -> str:
        """What `imported` knows the source by: the URI without a password, short enough for its column."""
        return _name(self.uri)

    def experiments(self) -> list[Any]:
        """List the experiments, the deleted ones too, the oldest first."""
        ask = self._client.search_experiments
        found = self._pages(lambda token: ask(view_type=_ALL, max_results=_PAGE, page_token=token))
        return sorted(found, key=lambda each: (each.creation_time or 0, each.experiment_id))

    def runs(self, experiment: str) -> list[Any]:
        """List the runs of an experiment, the deleted ones too, the oldest first."""
        ask = self._client.search_runs
        found = self._pages(lambda token: ask([experiment], "", _ALL, _PAGE, ["attributes.start_time ASC"], token))
        return sorted(found, key=lambda each: (each.info.start_time or 0, each.info.run_id))

    def run(self, run: str) -> Any:
        """Read one run anew."""
        return _asked(lambda: self._client.get_run(run), self.name)

    def history(self, run: str, key: str) -> list[Any]:
        """Read every point of a metric."""
        return list(_asked(lambda: self._client.get_metric_history(run, key), self.name))

    def logged_models(self, experiment: str) -> list[Any]:
        """List the logged models of an experiment; a store from before MLflow 3 has none."""
        if not hasattr(self._client, "search_logged_models"):
            return []
        ask = self._client.search_logged_models
        try:
            return self._pages(lambda token: ask([experiment], max_results=100, page_token=token))
        except StoreUnavailable as error:
            if any(each in error.message for each in ("ENDPOINT_NOT_FOUND", "404", "not supported", "NotImplemented")):
                return []
            raise

    def models(self) -> list[Any]:
        """List the registered models; prompts are none."""
        found = self._pages(lambda token: self._client.search_registered_models(max_results=_PAGE, page_token=token))
        return sorted(found, key=lambda each: (each.creation_timestamp or 0, each.name))

    def versions(self, model: str) -> list[Any]:
        """List the versions of a model by their numbers."""
        quoted = model.replace("'", "''")
        wanted = f'name="{model}"' if "'" in model else f"name='{quoted}'"
        ask = self._client.search_model_versions
        found = self._pages(lambda token: ask(wanted, max_results=_PAGE, page_token=token))
        return sorted((each for each in found if each.name == model), key=lambda each: int(each.version))

    def aliases(self, model: str) -> dict[str, int]:
        """Give the aliases of a model and where they point."""
        found = _asked(lambda: self._client.get_registered_model(model), self.name)
        return {alias: int(version) for alias, version in (found.aliases or {}).items()}

    def location(self, model: str, version: int) -> str:
        """Give the folder that a version's files lie in."""
        return str(_asked(lambda: self._client.get_model_version_download_uri(model, str(version)), self.name))

    def files(self, folder: str) -> list[RemoteFile]:
        """List all files below a folder of artifacts, by their paths; asked once."""
        if folder not in self._listed:
            self._listed[folder] = sorted(self._walk(folder, None), key=lambda each: each.path)
        return self._listed[folder]

    def fetch(self, folder: str, path: str, scratch: Path) -> Path:
        """Copy one file below a folder of artifacts to the disk, in pieces; give where it lies now."""
        with _variable("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"):
            fetched = _asked(lambda: self._tree(folder).download_artifacts(path, str(scratch)), self.name)
        return Path(fetched)

    def _tree(self, folder: str) -> Any:
        if folder not in self._trees:
            from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

            made = _asked(lambda: get_artifact_repository(folder, tracking_uri=self.uri), self.name)
            self._trees = {folder: made}
        return self._trees[folder]

    def _walk(self, folder: str, below: str | None) -> Iterator[RemoteFile]:
        for each in _asked(lambda: self._tree(folder).list_artifacts(below), self.name):
            if each.is_dir:
                yield from self._walk(folder, each.path)
            else:
                _check_inside(each.path)
                yield RemoteFile(path=each.path, size=each.file_size)

    def _pages(self, ask: Callable[[str | None], Any]) -> list[Any]:
        found: list[Any] = []
        token: str | None = None
        while True:
            page = _asked(lambda token=token: ask(token), self.name)  # type: ignore[misc]
            found += page
            token = page.token
            if not token:
                return found


def moment(milliseconds: int | None) -> datetime | None:
    """Turn MLflow's milliseconds since 1970 into a moment."""
    if milliseconds is None or milliseconds < 0:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)


def _check_inside(path: str) -> None:
    """Refuse a path that would be written outside the folder that it is fetched into."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
        raise DamagedBlob(f"MLflow lists a file outside its folder: {path!r}", hint="Do not trust this store")


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    """Set a variable meanwhile: MLflow reads no other switch for its bars and for reading a folder."""
    former = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if former is None:
            del os.environ[name]
        else:
            os.environ[name] = former


def _asked(question: Callable[[], Any], source: str) -> Any:
    """Ask MLflow; what it refuses becomes one of our errors."""
    try:
        with _variable("MLFLOW_ALLOW_FILE_STORE", "true"):
            return question()
    except MlopsError:
        raise
    except Exception as error:  # what the library of the store that keeps the artifacts raises is its own
        told = str(error).strip()
        remedy = next((way for sign, way in _REMEDIES.items() if sign in told), _REMEDY)
        raise StoreUnavailable(
            f"MLflow at {source}: {type(error).__name__}: {told[:500]}", hint=remedy.format(source=source)
        ) from error


def _local(uri: str) -> str:
    """Write the path of a local store out, so that the same store has one name from every folder."""
    if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
        return f"sqlite:///{Path(uri.removeprefix('sqlite:///')).resolve()}"
    if "://" in uri:
        return uri.rstrip("/") if uri.startswith("http") else uri
    folder = unquote(urlsplit(uri).path) if uri.startswith("file:") else uri
    return Path(folder).expanduser().resolve().as_uri()


def _check_there(uri: str) -> None:
    parts = urlsplit(uri)
    if parts.scheme in ("sqlite", "file"):
        path = Path(unquote(parts.path[1:] if parts.scheme == "sqlite" else parts.path))
        if not path.exists() or not (_is_database(path) if parts.scheme == "sqlite" else _is_folder(path)):
            raise InvalidValue(f"no MLflow store in {str(path)!r}", hint=_NO_STORE)
    if parts.scheme in _PORTS:
        try:
            socket.create_connection((parts.hostname or "", parts.port or _PORTS[parts.scheme]), _PATIENCE).close()
        except OSError as error:
            raise StoreUnavailable(f"nothing answers at {_name(uri)}: {error}", hint="Start: mlflow server") from error


def _is_database(path: Path) -> bool:
    """Tell whether a file is MLflow's database; its client would make another file one."""
    import sqlite3

    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            asked = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('experiments', 'runs')"
            return bool(connection.execute(asked).fetchone()[0] == 2)
    except sqlite3.Error:
        return False


def _is_folder(path: Path) -> bool:
    """Tell whether a folder is MLflow's file store; its client would make another one."""
    return path.is_dir() and ((path / "models").is_dir() or any(path.glob("*/meta.yaml")))


def _name(uri: str) -> str:
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    name = urlunsplit(parts._replace(netloc=host, query="", fragment="")) if parts.netloc else uri
    if len(name) <= 250:
        return name
    import hashlib

    return f"{name[:180]}…{hashlib.sha256(name.encode()).hexdigest()}"
