"""Notebooks as files: found below the workspace, read as JSON, their code cells listed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_ext.errors import InvalidValue, NotFound, did_you_mean

__all__ = ["Cell", "Notebook", "locate", "locate_folder", "locate_output", "locate_stored", "read_notebook", "shown"]


@dataclass(frozen=True)
class Cell:
    """One code cell: its source and its tags."""

    source: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Notebook:
    """What a job needs to know of a notebook before it runs."""

    kernel: str
    language: str
    code: tuple[Cell, ...]


def locate(notebook: str, root: Path, served: Path | None = None) -> Path:
    """Find a notebook below the workspace's folder or the working folder.

    Parameters
    ----------
    notebook : str
        Path as given; relative to `root`, else to the working folder.
    root : Path
        The workspace's folder.
    served : Path, optional
        The folder that a server's clients name files from; looked at first.

    Raises
    ------
    InvalidValue
        The path leads out of both folders, or names no notebook.
    NotFound
        There is no such file.
    """
    if not notebook.strip() or "\0" in notebook:
        raise InvalidValue(f"not a path: {notebook!r}", hint="Name a notebook, such as train.ipynb")
    path = _within(notebook, root, served)
    if path.suffix != ".ipynb":
        raise InvalidValue(f"{notebook!r} is no notebook", hint="Name a file that ends with .ipynb")
    if not path.is_file():
        near = [each.name for each in path.parent.glob("*.ipynb")] if path.parent.is_dir() else []
        raise NotFound(f"no notebook {notebook!r} in {root}", hint=did_you_mean(path.name, near))
    return path


def locate_stored(notebook: str, root: Path) -> Path:
    """Give the place that a stored notebook belongs to, whether or not a file is there.

    Raises
    ------
    InvalidValue
        The path leads out of the workspace's folder, or names no notebook.
    """
    path = _within(notebook, root)
    if path.suffix != ".ipynb":
        raise InvalidValue(f"{notebook!r} is no notebook", hint="Name a file that ends with .ipynb")
    return path


def locate_output(output: str, source: Path, root: Path, served: Path | None = None) -> Path:
    """Check where an executed notebook is to go.

    Raises
    ------
    InvalidValue
        Out of the workspace, not ending with .ipynb, a folder, or the notebook itself.
    """
    path = _within(output, root, served)
    if path.suffix != ".ipynb" or path.is_dir():
        raise InvalidValue(f"the output {output!r} is no notebook", hint="Name a file that ends with .ipynb")
    if path == source or (path.exists() and path.samefile(source)):
        raise InvalidValue(f"the output {output!r} is the notebook itself", hint="Choose another name for the output")
    return path


def locate_folder(folder: str, root: Path, served: Path | None = None) -> Path:
    """Find the folder that a notebook is to work in.

    Raises
    ------
    InvalidValue
        It leads out of the workspace, or is no folder.
    """
    path = _within(folder, root, served)
    if not path.is_dir():
        raise InvalidValue(f"no folder {folder!r} in {root}", hint="Make it, or leave it out")
    return path


def _within(text: str, root: Path, served: Path | None = None) -> Path:
    """Resolve a path, `~`, links and `..` included, and refuse it when it leads out."""
    allowed = [root.resolve(), Path.cwd().resolve()]
    starts = [served.resolve(), *allowed] if served is not None else allowed
    try:
        candidates = [(folder / Path(text).expanduser()).resolve() for folder in starts]
    except RuntimeError as error:
        raise InvalidValue(f"{text!r} names a home that is unknown: {error}", hint="Write the whole path") from error
    inside = [path for path in candidates if any(path.is_relative_to(folder) for folder in allowed)]
    if not inside:
        raise InvalidValue(f"{text!r} lies outside of {root}", hint="Name a path below the workspace's folder")
    return next((path for path in inside if path.exists()), inside[0])


def shown(path: Path, root: Path) -> str:
    """Write a path relative to the workspace's folder where it lies below."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def read_notebook(data: bytes, name: str) -> Notebook:
    """Read a notebook of any format from 3 on.

    Raises
    ------
    InvalidValue
        The bytes are no notebook: empty, no JSON, merge markers, no cells.
    """
    content = _json(data, name)
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        raise InvalidValue(f"{name} is no notebook: it has no nbformat", hint="Save it from JupyterLab again")
    if content["nbformat"] < 3:
        raise InvalidValue(f"{name} has the notebook format {content['nbformat']}", hint="Open and save it first")
    try:
        cells = [cell for sheet in content.get("worksheets", [content]) for cell in sheet["cells"]]
        code = tuple(_cell(cell) for cell in cells if cell["cell_type"] == "code")
        metadata = content.get("metadata", {})
        spec, info = metadata.get("kernelspec", {}), metadata.get("language_info", {})
        language = info.get("name") or spec.get("language") or "python"
        return Notebook(str(spec.get("name", "")), str(language).lower(), code)
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidValue(f"{name} is no valid notebook: {error!r}", hint="Save it from JupyterLab again") from error


def _json(data: bytes, name: str) -> Any:
    if not data.strip():
        raise InvalidValue(f"{name} is empty", hint="Save the notebook first")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        if b"<<<<<<<" in data and b">>>>>>>" in data:
            raise InvalidValue(f"{name} holds merge markers", hint="Solve the merge, then save it again") from error
        raise InvalidValue(f"{name} is no JSON: {error}", hint="Restore it, or save it from JupyterLab") from error


def _cell(cell: dict[str, Any]) -> Cell:
    source = cell.get("source", cell.get("input", ""))
    text = source if isinstance(source, str) else "".join(source)
    tags = cell.get("metadata", {}).get("tags") or ()
    return Cell(text, tuple(str(tag) for tag in tags))
