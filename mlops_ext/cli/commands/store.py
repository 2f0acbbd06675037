"""The store's life: init, config, upgrade, backup, restore, gc, fsck."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.tree import Leaf
from mlops_ext.errors import Conflict, InvalidValue, NotFound, StoreReadOnly, StoreUnavailable

__all__ = ["backup", "config_show", "fsck", "gc", "init", "restore", "upgrade"]

_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*(@)|((?:password|passwd|secret|token|key)=)[^&\s]+", re.IGNORECASE)


@click.command(cls=Leaf)
@click.argument("folder", required=False)
@click.option("--catalog", default="", metavar="URL", help="Database: postgresql://user@host/name. Default: SQLite.")
@click.option("--blobs", default="", metavar="URL", help="Where blobs lie: s3://bucket/folder. Default: the folder.")
@click.option("--hash", "algorithm", type=click.Choice(["b3", "sha256"]), help="Hash of everything; fixed for ever.")
@click.pass_obj
def init(session: Session, folder: str | None, catalog: str, blobs: str, algorithm: str | None) -> Any:
    """Make a workspace in FOLDER, else in the one that is found from here.

    What is chosen here is written to mlops.toml, so that everybody who opens the folder finds it.
    """
    from mlops_ext.governance.service import show
    from mlops_ext.models.types import NoRequest
    from mlops_ext.workspace import Workspace

    if folder:
        _make(session.path(folder))
        session.workspace = Workspace(session.path(folder))
    ws = session.workspace
    chosen = {"catalog": catalog, "blobs": blobs, "hash": algorithm or ""}
    chosen = {key: value for key, value in chosen.items() if value}
    if ws.exists() and chosen:
        raise Conflict(f"{ws.root} holds a workspace already", hint="Its catalog, blobs and hash are fixed")
    if chosen:
        _write_settings(ws.root, chosen)
        ws = session.workspace = Workspace(ws.root)
    ws.ensure()
    return ws.call(show, NoRequest())


@click.command("show", cls=Leaf)
@click.pass_obj
def config_show(session: Session) -> Any:
    """Show every setting, its value and where it came from; passwords are masked."""
    from mlops_ext.records import Page
    from mlops_ext.settings import Setting
    from mlops_ext.shown import shown_url

    ws = session.workspace
    where = "--workspace" if session.folder else "MLOPS_WORKSPACE" if "MLOPS_WORKSPACE" in os.environ else "found here"
    settings = [Setting(key="workspace", value=str(ws.root), origin=where)]
    for key, value in ws.settings.workspace.model_dump().items():
        settings.append(Setting(key=key, value=masked(str(value)), origin=ws.settings.origins[key]))
    for trigger in ws.settings.triggers:
        settings.append(Setting(key="trigger", value=f"{trigger.on}: {trigger.notebook}", origin="mlops.toml"))  # noqa: PERF401
    for name, remote in ws.settings.remotes.items():
        settings.append(Setting(key="remote", value=f"{name}: {shown_url(remote.url)}", origin="mlops.toml"))
    return Page[Setting](items=tuple(settings))


@click.command(cls=Leaf)
@click.pass_obj
def upgrade(session: Session) -> dict[str, Any]:
    """Bring the store to this release; a SQLite catalog is copied beside first."""
    from mlops_ext.store import lifecycle

    ws = session.workspace
    copy = lifecycle.upgrade(ws.database)
    return {"catalog": str(ws.database), "copy": str(copy or "")}


@click.command(cls=Leaf)
@click.argument("file")
@click.pass_obj
def backup(session: Session, file: str) -> dict[str, Any]:
    """Write catalog and blobs, consistent, into one new FILE."""
    from mlops_ext.store import lifecycle

    ws = _existing(session)
    return lifecycle.back_up(ws.database, ws.ledger.store, session.path(file))


@click.command(cls=Leaf)
@click.argument("file")
@click.argument("folder", required=False)
@click.pass_obj
def restore(session: Session, file: str, folder: str | None) -> dict[str, Any]:
    """Lay the backup FILE out in FOLDER, which must not hold a workspace; this folder when left out."""
    from mlops_ext.store import lifecycle

    source, target = session.path(file), session.path(folder or session.folder or ".")
    if not source.is_file():
        raise NotFound(f"no file {str(source)!r}", hint="Name a file that `mlops backup` wrote")
    lifecycle.restore(source, target)
    return {"workspace": str(target.resolve())}


@click.command(cls=Leaf)
@click.argument("datasets", nargs=-1)
@click.option("--yes", is_flag=True, help="Do it; without it gc only says what it would do.")
@click.option("--keep-last", type=click.IntRange(min=1), metavar="N", help="Remove all but the newest N versions.")
@click.option("--newer-than", default="", metavar="TIME", help="Remove all but versions of this time, such as 30d.")
@click.option("--keep-tagged", is_flag=True, help="Keep versions that have tags.")
@click.option("--rollbacks", type=click.IntRange(min=0), metavar="N", help="Rollbacks to stay possible; else all.")
@click.option("--restorable", default="7d", metavar="TIME", help="How long what was deleted can be restored.")
@click.option("--grace", type=click.FloatRange(min=0), default=24.0, metavar="HOURS", help="Age that strays must have.")
@click.pass_obj
def gc(
    session: Session,
    datasets: tuple[str, ...],
    yes: bool,
    keep_last: int | None,
    newer_than: str,
    keep_tagged: bool,
    rollbacks: int | None,
    restorable: str,
    grace: float,
) -> Any:
    """Say what could go of DATASETS, of all when left out, and why the rest stays; with --yes, delete it.

    Without a rule only what was deleted goes, and blobs that no record names. The newest version, one that an alias
    points at, and one that what an environment serves was made of always stay; so does what a rollback can return
    to, as far back as --rollbacks says. A removed version keeps its number. Deleted runs lose their files, unless a
    model version was made by them; not when DATASETS are named.
    """
    from mlops_ext.governance.upkeep.service import keep_rules_applied, plan
    from mlops_ext.governance.upkeep.types import PlanGc

    ws = _existing(session)
    asked = PlanGc(
        keep_last=keep_last,
        newer_than=newer_than,
        keep_tagged=keep_tagged,
        rollbacks=rollbacks,
        grace=restorable,
        datasets=datasets,
    )
    if not yes:
        session.messages.print("Nothing is deleted yet; mlops gc --yes does it.")
        return ws.call(plan, asked)
    done = keep_rules_applied(ws, asked)
    ws.ledger.doom()
    ws.ledger.sweep(timedelta(hours=grace))
    return done


@click.command(cls=Leaf)
@click.option("--repair", is_flag=True, help="Put good copies in the place of what is missing or flipped.")
@click.option("--from", "source", default="", metavar="STORE", help="Where from: a remote, URL, folder or workspace.")
@click.pass_obj
def fsck(session: Session, repair: bool, source: str) -> Any:
    """Read every blob and name what is missing or flipped, and whose it is; ends with 6 while something is.

    With --repair good copies come from STORE, else from the remotes of mlops.toml, each compared with its digest.
    """
    from mlops_ext.governance.upkeep.copies import find_copies
    from mlops_ext.governance.upkeep.fsck import fsck as check

    if source and not repair:
        raise InvalidValue(f"--from {source} without --repair", hint=f"Write: mlops fsck --repair --from {source}")
    ws = _existing(session)
    report = check(ws, find_copies(ws, source) if repair else ())
    if not report.whole:
        session.exit_code = REFUSED
    return report


def masked(text: str) -> str:
    """Hide passwords in a URL."""
    return _PASSWORD.sub(lambda found: f"{found[1]}***{found[2]}" if found[1] else f"{found[3]}***", text)


def _existing(session: Session) -> Any:
    if not session.workspace.exists():
        raise StoreUnavailable(f"no workspace in {session.workspace.root} yet", hint="Run: mlops init")
    return session.workspace


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InvalidValue(f"{folder} is a file", hint="Name a folder") from error
    except OSError as error:
        raise StoreReadOnly(f"cannot make {folder}: {error.strerror}", hint="Name a folder you may write") from error


def _write_settings(root: Path, chosen: dict[str, str]) -> None:
    import tomlkit

    from mlops_ext.settings import FILE, read_settings
    from mlops_ext.store.filesystem import write_whole

    read_settings(root, chosen)
    path = root / FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8")) if path.exists() else tomlkit.document()
    document.setdefault("version", 1)
    section = document.setdefault("workspace", tomlkit.table())
    section.update(chosen)
    write_whole(path, tomlkit.dumps(document).encode())
