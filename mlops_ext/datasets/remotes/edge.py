"""Push and pull from a notebook: versions of datasets to another store, and from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mlops_ext.datasets import service as datasets
from mlops_ext.datasets.types import DatasetVersion, ListDatasets, ListDatasetVersions, ShowDataset
from mlops_ext.errors import InvalidValue, NotFound, did_you_mean
from mlops_ext.operations import every
from mlops_ext.refs import Label, Latest, Number, Ref, check_name
from mlops_ext.workspace import Workspace

if TYPE_CHECKING:
    from mlops_ext.datasets.remotes.moving import Progress
    from mlops_ext.datasets.remotes.types import Move
    from mlops_ext.store.remotes.remote import Remote

__all__ = ["pull", "push"]

Given = str | DatasetVersion | Sequence[str | DatasetVersion] | None


def push(
    ref: Given = None,
    *,
    to: str = "",
    all: bool = False,  # noqa: A002 - as the command has it
    as_: str = "",
    verify: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
    workspace: Workspace | None = None,
) -> Move:
    """Send versions of datasets to another store: only the pieces that it lacks travel.

    A version can be seen there when all of its pieces are there, and not before. What broke off goes on when it is
    repeated; a repeat sends nothing. Tags, description and expectations there become what they are here.

    Parameters
    ----------
    ref : str, DatasetVersion or sequence of them
        `name@3`, `name@latest`, an alias or a digest; a bare name sends all versions.
    to : str
        A remote of mlops.toml, a URL that fsspec knows, or a folder; the only declared remote when left out.
    all : bool
        Every dataset.
    as_ : str
        Another name for the dataset there.
    verify : bool
        Read what is there already, and send pieces again whose bytes are not what they should be.
    dry_run : bool
        Only say what would be sent.
    progress : callable, optional
        Told how many bytes are done, of how many, and what moves.

    Returns
    -------
    Move
        Each version with what becomes of it; pieces and bytes that travel.

    Raises
    ------
    Conflict
        A number is taken there by other content.
    Forbidden, StoreUnavailable
        The remote cannot be written to.

    Examples
    --------
    >>> push("flights@3", to="s3://bucket/team")  # doctest: +SKIP
    >>> push("flights", dry_run=True).bytes       # doctest: +SKIP
    """
    from mlops_ext.datasets.remotes.sending import Sending
    from mlops_ext.store.remotes.opening import open_remote

    ws = workspace or Workspace.find()
    refs = _sent(ws, _texts(ref, all=all))
    sending = Sending(ws, open_remote(to, ws.settings.remotes, ws.root), _one_name(as_, refs))
    sending.plan(refs, verify=verify)
    if not dry_run:
        sending.send(progress)
    return sending.result(done=not dry_run)


def pull(
    ref: Given = None,
    *,
    from_: str = "",
    all: bool = False,  # noqa: A002 - as the command has it
    as_: str = "",
    dry_run: bool = False,
    progress: Progress | None = None,
    workspace: Workspace | None = None,
) -> Move:
    """Fetch versions of datasets from another store: only the pieces that are missing here travel.

    Numbers, digests, dates, tags and expectations come over. Each piece is compared with its digest, and the rows with
    the version's, before anything can be seen here. What is here already stays as it is.

    Parameters
    ----------
    ref : str, DatasetVersion or sequence of them
        `name@3`, `name@latest` or a digest; a bare name fetches all versions.
    from_ : str
        A remote of mlops.toml, a URL that fsspec knows, or a folder; the only declared remote when left out.
    all : bool
        Every dataset.
    as_ : str
        Another name for the dataset here.
    dry_run : bool
        Only say what would be fetched.
    progress : callable, optional
        Told how many bytes are done, of how many, and what moves.

    Returns
    -------
    Move
        Each version with what becomes of it; pieces and bytes that travel.

    Raises
    ------
    Conflict
        A number is taken here by other content; nothing was fetched.
    DamagedBlob
        The remote has other bytes than it should; the file is named.
    NotFound, Forbidden, StoreUnavailable
        It is not there, or the remote cannot be read.

    Examples
    --------
    >>> pull("flights@3", from_="s3://bucket/team")  # doctest: +SKIP
    """
    from mlops_ext.datasets.remotes.fetching import Fetching
    from mlops_ext.store.remotes.opening import open_remote

    ws = workspace or Workspace.find()
    texts = _texts(ref, all=all)
    remote = open_remote(from_, ws.settings.remotes, ws.root)
    remote.require()
    wanted = _fetched(remote, texts)
    fetching = Fetching(ws, remote)
    fetching.plan(wanted, _one_name(as_, wanted))
    if not dry_run:
        fetching.fetch(progress)
    return fetching.result(done=not dry_run)


def _texts(ref: Given, *, all: bool) -> list[str]:  # noqa: A002
    given = [] if ref is None else [ref] if isinstance(ref, str | DatasetVersion) else list(ref)
    if bool(given) == all:
        raise InvalidValue(
            "all, and one named" if all else "no dataset is named", hint="Name versions such as flights@3, or say all"
        )
    return [each if isinstance(each, str) else each.ref for each in given]


def _one_name(under: str, refs: Iterable[str]) -> str:
    if under and len({Ref.parse(each, "dataset").name for each in refs}) > 1:
        raise InvalidValue(f"several datasets as {under!r}", hint="Move one dataset after the other")
    return check_name(under) if under else ""


def _sent(ws: Workspace, texts: Sequence[str]) -> list[str]:
    """Give the references of the versions that are meant, in the order of their numbers; all datasets' when empty."""
    listed = () if texts else every(ws, datasets.list_, ListDatasets(state="any", limit=1000))
    names = texts or [each.name for each in listed if each.state != "deleted"]
    found: dict[str, tuple[str, int]] = {}
    for text in names:
        if "@" in text:
            made = [ws.call(datasets.show, ShowDataset(dataset=text))]
        else:
            asked = ListDatasetVersions(dataset=text, state="any", limit=1000)
            made = [each for each in every(ws, datasets.versions, asked) if each.state != "deleted"]
        found.update((each.ref, (each.name, each.version)) for each in made)
    return sorted(found, key=lambda each: found[each])


def _fetched(remote: Remote, texts: Sequence[str]) -> dict[str, list[int]]:
    """Give the numbers of the versions that are meant, by dataset; everything there when empty."""
    found: dict[str, set[int]] = {}
    for text in texts or remote.names("dataset"):
        ref = Ref.parse(text, "dataset")
        numbers = remote.numbers("dataset", ref.name)
        if not numbers:
            hint = did_you_mean(ref.name, remote.names("dataset"))
            raise NotFound(f"no dataset named {ref.name!r} on {remote.shown}", hint=hint)
        found.setdefault(ref.name, set()).update(_numbers(remote, ref, numbers, bare="@" not in text))
    return {name: sorted(numbers) for name, numbers in found.items()}


def _numbers(remote: Remote, ref: Ref, numbers: Sequence[int], *, bare: bool) -> Sequence[int]:
    from mlops_ext.datasets.remotes.types import DatasetEntry

    if isinstance(ref.selector, Latest):
        return numbers if bare else numbers[-1:]
    if isinstance(ref.selector, Number):
        return [ref.selector.number]
    if isinstance(ref.selector, Label):
        raise InvalidValue(f"{ref} is an alias, and these do not travel", hint=f"Write {ref.name}@{numbers[-1]}")
    prefix = str(ref.selector)
    fitting = [
        each for each in remote.entries(DatasetEntry, "dataset", ref.name, numbers) if each.digest.startswith(prefix)
    ]
    if not fitting:
        raise NotFound(f"no version of {ref.name!r} on {remote.shown} has the digest {prefix}…")
    if len({each.digest for each in fitting}) > 1:
        raise InvalidValue(f"{ref} fits several versions", hint="Write more digits, or the number")
    return [max(each.version for each in fitting)]
