"""Every error a user can meet: what is wrong with its value, and what to do about it.

MlopsError                     1  500
|- InvalidValue                2  400   a value, name, reference or setting is wrong
|- NotFound                    2  404   nothing goes by that name
|- Conflict                    2  409   it exists already or is in another state
|- Forbidden                   2  403   this user may not do that
|- MissingExtra                1  501   an optional package is not installed
|- StoreUnavailable            1  503   the catalog or the blobs cannot be used as they are
|  |- StoreBusy                1  503   another writer held the store too long
|  |- StoreTooNew              1  503   written by a newer release
|  |- StoreTooOld              1  503   needs `mlops upgrade`
|  `- StoreReadOnly            1  503   no permission to write, or a full disk
|- DamagedBlob                 1  500   stored bytes differ from their digest
|- RunFailed                   1  500   a notebook's own failure
|- KernelDied                  3  500
|- TimedOut                    4  504
|- Cancelled                   5  409
`- CheckRefused                6  409   the answer to a check is no: gate, drift, audit
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, ClassVar

__all__ = [
    "Cancelled",
    "CheckRefused",
    "Conflict",
    "DamagedBlob",
    "Forbidden",
    "InvalidValue",
    "KernelDied",
    "MissingExtra",
    "MlopsError",
    "NotFound",
    "RunFailed",
    "StoreBusy",
    "StoreReadOnly",
    "StoreTooNew",
    "StoreTooOld",
    "StoreUnavailable",
    "TimedOut",
    "did_you_mean",
    "refuse_text",
]


class MlopsError(Exception):
    """The root of all errors raised on purpose.

    Parameters
    ----------
    message : str
        What is wrong, with the value.
    hint : str
        What to do about it; may be empty.
    """

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        """Give the error's one shape at every door: code, message and hint."""
        return {"code": self.code, "message": self.message, "hint": self.hint}


class InvalidValue(MlopsError):
    code = "invalid_value"
    http_status = 400
    exit_code = 2


class NotFound(MlopsError):
    code = "not_found"
    http_status = 404
    exit_code = 2

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str] = ()) -> NotFound:
        """Say that no `kind` goes by `name`, and name the nearest that does."""
        return cls(f"no {kind} named {name!r}", hint=did_you_mean(name, known))


class Conflict(MlopsError):
    code = "conflict"
    http_status = 409
    exit_code = 2


class Forbidden(MlopsError):
    code = "forbidden"
    http_status = 403
    exit_code = 2


class MissingExtra(MlopsError):
    code = "missing_extra"
    http_status = 501

    @classmethod
    def of(cls, package: str, extra: str) -> MissingExtra:
        """Say which package is missing and which extra brings it."""
        return cls(f"{package} is not installed", hint=f"Run: pip install 'mlops-ext[{extra}]'")


class StoreUnavailable(MlopsError):
    code = "store_unavailable"
    http_status = 503


class StoreBusy(StoreUnavailable):
    code = "store_busy"


class StoreTooNew(StoreUnavailable):
    code = "store_too_new"


class StoreTooOld(StoreUnavailable):
    code = "store_too_old"


class StoreReadOnly(StoreUnavailable):
    code = "store_read_only"


class DamagedBlob(MlopsError):
    code = "damaged_blob"


class RunFailed(MlopsError):
    code = "run_failed"


class KernelDied(MlopsError):
    code = "kernel_died"
    exit_code = 3


class TimedOut(MlopsError):
    code = "timed_out"
    http_status = 504
    exit_code = 4


class Cancelled(MlopsError):
    code = "cancelled"
    http_status = 409
    exit_code = 5


class CheckRefused(MlopsError):
    code = "check_refused"
    http_status = 409
    exit_code = 6


def refuse_text(argument: str, names: object) -> None:
    """Refuse one text where several names belong: its letters would be taken for names.

    Raises
    ------
    InvalidValue
        `names` is a text.

    Examples
    --------
    >>> refuse_text("columns", ["dep_delay"])
    >>> refuse_text("columns", "dep_delay")
    Traceback (most recent call last):
    mlops_ext.errors.InvalidValue: columns is the text 'dep_delay'. Write columns=['dep_delay']
    """
    if isinstance(names, str):
        raise InvalidValue(f"{argument} is the text {names!r}", hint=f"Write {argument}=[{names!r}]")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest known name.

    Examples
    --------
    >>> did_you_mean("flihgts", ["flights", "weather"])
    "Did you mean 'flights'?"
    """
    candidates = sorted(known)
    near = difflib.get_close_matches(name, candidates, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    if candidates:
        return "Known: " + ", ".join(repr(each) for each in candidates[:8])
    return ""
