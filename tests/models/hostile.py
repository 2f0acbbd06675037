"""Files that run something when they are unpickled, each hidden in its own way; written, never read back."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import zipfile
import zlib
from functools import cache
from typing import Any


class Calls:
    """Pickles as a call of what it is given."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def pair(module: str, name: str) -> bytes:
    return text(module) + text(name) + b"\x93"


SYSTEM = b"\x80\x04" + pair("os", "system") + text("true") + b"\x85R."
HARMLESS = pickle.dumps([1.0, "a", {"b": None}])


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return target.getvalue()


def array_of_objects(body: bytes) -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body


def of_calls() -> dict[str, bytes]:
    """Payloads as any unpickler runs them, through ever less direct names."""
    import functools
    import operator
    import pkgutil
    from pathlib import Path

    chain = Calls(operator.attrgetter("system"), "x")
    return {
        "exec": pickle.dumps(Calls(exec, "1")),
        "eval": pickle.dumps(Calls(eval, "1"), protocol=0),
        "system": SYSTEM,
        "old system": b"cos\nsystem\n(S'true'\ntR.",
        "nt": b"cnt\nsystem\n(S'true'\ntR.",
        "subprocess under its old name": b"\x80\x02ccommands\ngetoutput\n(S'true'\ntR.",
        "getattr chain": pickle.dumps(Calls(getattr, Calls(__import__, "os"), "system")),
        "attrgetter": pickle.dumps(chain),
        "methodcaller": pickle.dumps(operator.methodcaller("system", "true")),
        "resolve_name": pickle.dumps(Calls(pkgutil.resolve_name, "os:system")),
        "open": pickle.dumps(Calls(io.open, "/dev/null", "w")),
        "touch": b"\x80\x04" + pair("pathlib", "Path.touch") + text("x") + b"\x85R.",
        "path": pickle.dumps(Calls(Path, "x")),
        "partial of exec": pickle.dumps(functools.partial(exec, "1")),
        "attribute of a reviewed name": b"\x80\x04" + pair("numpy", "f2py.os.system") + text("true") + b"\x85R.",
        "module beside a reviewed one": b"\x80\x04" + pair("joblib", "load") + text("x") + b"\x85R.",
        "loads in loads": pickle.dumps(Calls(pickle.loads, SYSTEM)),
        "inst": b"(S'true'\nios\nsystem\n.",
        "obj": b"(cos\nsystem\nS'true'\no.",
        "newobj": b"\x80\x02cos\nsystem\nS'true'\n\x85\x81.",
        "build on a class": b"\x80\x04" + pair("builtins", "object") + b"N}" + text("x") + b"K\x01s\x86b.",
        "extension": b"\x80\x02\x82\x01.",
    }


def of_tricks() -> dict[str, bytes]:
    """Names that a search of strings does not see, and ends that are none."""
    memo = (
        b"\x80\x04" + text("os") + b"\x940" + text("system") + b"\x940" + b"h\x00h\x01\x93" + text("true") + b"\x85R."
    )
    overwritten = (
        b"\x80\x04"
        + text("numpy")
        + b"q\x000"
        + text("os")
        + b"q\x000h\x00"
        + text("system")
        + b"\x93"
        + text("x")
        + b"\x85R."
    )
    computed = b"\x80\x04" + pair("builtins", "str") + text("os") + b"\x85R" + text("system") + b"\x93)R."
    decoded = (
        b"\x80\x04" + pair("_codecs", "encode") + text("bf") + text("rot13") + b"\x86R" + text("system") + b"\x93)R."
    )
    made = b"\x80\x04" + pair("builtins", "str") + text("os") + b"\x85\x81" + text("system") + b"\x93)R."
    return {
        "memo": memo,
        "memo written over": overwritten,
        "computed name": computed,
        "decoded name": decoded,
        "made name": made,
        "second stream": HARMLESS + SYSTEM,
        "bytes behind": HARMLESS + b"\x00\x01",
        "behind a popped value": b"\x80\x04K\x01\x30" + SYSTEM[2:],
        "truncated behind the call": SYSTEM[:-1],
        "truncated": pickle.dumps([Calls(print)] * 3)[:-4],
        "broken behind the call": SYSTEM[:-1] + b"\x00",
        "dup": b"\x80\x04" + pair("os", "system") + b"2" + text("true") + b"\x85R.",
        "space in a name": b"cos path\nsystem x\n(S'true'\ntR.",
        "frame that lies": b"\x80\x04\x95\x01\x00\x00\x00\x00\x00\x00\x00" + SYSTEM[2:],
    }


@cache
def of_wrappings() -> dict[str, bytes]:
    """The same payload inside other files."""
    polyglot = SYSTEM + zipped(a=b"text")
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("a", b"text")
        archive.writestr("b", SYSTEM)
    return {
        "gz": gzip.compress(SYSTEM),
        "gz of two": gzip.compress(HARMLESS[:5]) + gzip.compress(HARMLESS[5:] + SYSTEM),
        "zlib": zlib.compress(SYSTEM),
        "bz2": bz2.compress(SYSTEM),
        "xz": lzma.compress(SYSTEM),
        "lzma": lzma.compress(SYSTEM, format=lzma.FORMAT_ALONE),
        "zip": zipped(model=SYSTEM),
        "zip in zip": zipped(model=zipped(inner=gzip.compress(SYSTEM))),
        "torch": zipped(archive__data__pkl=b"", **{"archive__data.pkl": SYSTEM, "archive__version": b"3\n"}),
        "torch tensor": zipped(**{"a__data.pkl": HARMLESS, "a__data__0": SYSTEM}),
        "npy": array_of_objects(SYSTEM),
        "npz": zipped(**{"x.npy": array_of_objects(SYSTEM)}),
        "npy with more": array_of_objects(HARMLESS) + SYSTEM,
        "pickle before a zip": polyglot,
        "member with a payload": twice.getvalue(),
        "hidden member": zipped(hidden=SYSTEM) + zipped(shown=b"text"),
        "cut gz": gzip.compress(SYSTEM)[:-9],
        "deep": _deep(SYSTEM),
        "joblib": _joblib(SYSTEM),
    }


def _deep(data: bytes) -> bytes:
    for _ in range(9):
        data = gzip.compress(data)
    return data


def _joblib(payload: bytes) -> bytes:
    """An array in joblib's form whose numbers an ordinary unpickler would take for opcodes."""
    import joblib
    import numpy as np

    target = io.BytesIO()
    joblib.dump(np.zeros(64, "uint8"), target)
    data = target.getvalue()
    start = data.index(b"ub", data.index(b"numpy_array_alignment_bytes")) + 2
    return data[:start] + payload + data[start + len(payload) :]


@cache
def everything() -> dict[str, bytes]:
    return of_calls() | of_tricks() | of_wrappings()
