"""Reading a pickle without running it: every opcode is followed over symbols, and every name it calls for is told.

An unpickler is a small machine: literals, a stack, a memo, and names that it imports and calls. This one
keeps literals as they are, stands a symbol in place of every object, and imports nothing. What it cannot
follow exactly as an unpickler would, it reports.
"""

from __future__ import annotations

import pickletools
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar

from mlops_ext.models.scanning.reviewed import Name, is_reviewed

__all__ = ["Made", "Unreadable", "Walk", "walk"]

MAX_OPCODES = 10_000_000


class Unreadable(Exception):
    """No unpickler gets beyond this place, or it cannot be known where it would go."""


@dataclass(frozen=True)
class Walk:
    """What following one pickle told.

    Attributes
    ----------
    names : tuple of (str, str)
        What it refers to and is not reviewed: a dotted name, or a word for what cannot be judged, and why.
    referred : bool
        Whether any name at all was called for, reviewed or not.
    error : str
        Why it could not be followed to its end; empty when it could.
    """

    names: tuple[tuple[str, str], ...]
    referred: bool
    error: str = ""


@dataclass
class Made:
    """An object that a call would make: of which callable, from which arguments, with which state."""

    callee: Any
    arguments: Any
    state: Any = None


class _Symbol:
    """Anything that is neither a literal nor made by a call: a list, a persistent object."""


_OTHER = _Symbol()
_MARK = object()

_TEXT_MAKERS = {
    Name("_codecs", "encode"),
    Name("builtins", "str"),
    Name("copyreg", "__newobj__"),
    Name("copyreg", "_reconstructor"),
    Name("functools", "partial"),
}

ArrayReader = Callable[[BinaryIO, Made], "Walk | None"]
"""Told of each object with its state; reads over what lies behind it in the file, if that is no opcode."""


def walk(file: BinaryIO, behind: ArrayReader | None = None) -> Walk:
    """Follow one pickle from where the file stands to its end.

    Parameters
    ----------
    file : binary file
        Can tell and seek.
    behind : callable, optional
        Reads over what a format of its own puts between the opcodes.
    """
    machine = _Machine(file, behind)
    try:
        machine.run()
    except Unreadable as error:
        return machine.told(str(error))
    # pickletools and the machine's own stack speak many languages when bytes make no sense.
    except (ValueError, IndexError, KeyError, TypeError, EOFError, OverflowError, UnicodeError, MemoryError) as error:
        return machine.told(f"{type(error).__name__}: {error}"[:200])
    return machine.told()


@dataclass
class _Machine:
    file: BinaryIO
    behind: ArrayReader | None
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    names: dict[tuple[str, str], None] = field(default_factory=dict)
    referred: bool = False
    protocol: int = 0

    def run(self) -> None:
        opcodes = _opcodes(self.file)
        for _ in range(MAX_OPCODES):
            opcode, argument, _place = next(opcodes)
            if opcode.name == "STOP":
                self.stack.pop()
                return
            self.step(opcode, argument)
            if opcode.name == "BUILD" and self.skipped():
                opcodes = _opcodes(self.file)
        self.names["too-long", f"it has more than {MAX_OPCODES:,} opcodes"] = None
        raise Unreadable("too long")

    def told(self, error: str = "") -> Walk:
        return Walk(tuple(self.names), self.referred, error)

    def step(self, opcode: Any, argument: Any) -> None:
        special = self.SPECIAL.get(opcode.name)
        if special is not None:
            special(self, argument)
        elif not opcode.stack_before and opcode.arg is not None:
            self.stack.append(argument)
        else:
            self.generic(opcode)

    def generic(self, opcode: Any) -> None:
        """Take off and put on what pickletools says; nothing of it names or calls anything."""
        for kind in reversed(opcode.stack_before):
            if kind is pickletools.stackslice:
                self.above_mark()
            elif kind is not pickletools.markobject:
                self.pop()
        self.stack.extend(_OTHER for _ in opcode.stack_after)

    def skipped(self) -> bool:
        made = self.stack[-1]
        if self.behind is None or not isinstance(made, Made):
            return False
        inner = self.behind(self.file, made)
        if inner is None:
            return False
        self.names.update(dict.fromkeys(inner.names))
        if inner.error:
            raise Unreadable(inner.error)
        return True

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise Unreadable("a mark where a value is due")
        return value

    def above_mark(self) -> list[Any]:
        values = []
        while (value := self.stack.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def refer(self, module: Any, name: Any) -> None:
        self.referred = True
        for part in (module, name):
            if not isinstance(part, str):
                if not _may_be_text(part):
                    raise Unreadable("a name that is no text")
                self.names["computed-name", "it computes what it imports"] = None
                self.stack.append(_OTHER)
                return
        if self.protocol < 3:
            module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        if not is_reviewed(module, name):
            self.names[f"{module}.{name}", "it refers to this name, which is not reviewed"] = None
        self.stack.append(Name(module, name))

    def call(self, callee: Any, arguments: Any) -> None:
        if not isinstance(callee, Name | Made):
            self.names["computed-call", "it calls what it computes"] = None
        self.stack.append(Made(callee, arguments))

    def put(self, key: Any) -> None:
        if self.stack[-1] is _MARK:
            raise Unreadable("a mark in the memo")
        self.memo[int(key)] = self.stack[-1]

    def on_proto(self, argument: Any) -> None:
        self.protocol = argument

    def on_pair(self, argument: str) -> None:
        """GLOBAL: genops joins both lines by a space, so a space inside makes them ambiguous."""
        self.referred = True
        module, space, name = argument.partition(" ")
        if not space or not name or " " in name:
            raise Unreadable(f"an ambiguous name {argument[:80]!r}")
        self.refer(module, name)

    def on_stack_global(self, _: Any) -> None:
        name, module = self.pop(), self.pop()
        self.refer(module, name)

    def on_inst(self, argument: str) -> None:
        arguments = self.above_mark()
        self.on_pair(argument)
        self.call(self.pop(), tuple(arguments))

    def on_obj(self, _: Any) -> None:
        callee, *arguments = self.above_mark()
        self.call(callee, tuple(arguments))

    def on_reduce(self, _: Any) -> None:
        arguments, callee = self.pop(), self.pop()
        self.call(callee, arguments)

    def on_newobj_ex(self, _: Any) -> None:
        keywords, arguments, callee = self.pop(), self.pop(), self.pop()
        self.call(callee, (arguments, keywords))

    def on_build(self, _: Any) -> None:
        state, target = self.pop(), self.stack[-1]
        if isinstance(target, Name):
            self.names["changed-global", f"it changes {target.module}.{target.name} itself"] = None
        if isinstance(target, Made):
            target.state = state

    def on_extension(self, code: Any) -> None:
        self.referred = True
        self.names["extension-registry", f"it refers to the registered extension {code}"] = None
        self.stack.append(_OTHER)

    def on_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self.above_mark()))

    def on_dict(self, _: Any) -> None:
        self.stack.append(_paired({}, self.above_mark()))

    def on_setitem(self, _: Any) -> None:
        value, key = self.pop(), self.pop()
        _paired(self.stack[-1], [key, value])

    def on_setitems(self, _: Any) -> None:
        values = self.above_mark()
        _paired(self.stack[-1], values)

    def on_pop(self, _: Any) -> None:
        self.stack.pop()

    def on_pop_mark(self, _: Any) -> None:
        self.above_mark()

    def on_dup(self, _: Any) -> None:
        value = self.pop()
        self.stack += [value, value]

    SPECIAL: ClassVar[dict[str, Callable[[_Machine, Any], None]]] = {
        "PROTO": on_proto,
        "FRAME": lambda _, __: None,
        "MARK": lambda self, _: self.stack.append(_MARK),
        "POP": on_pop,
        "POP_MARK": on_pop_mark,
        "DUP": on_dup,
        "NONE": lambda self, _: self.stack.append(None),
        "NEWTRUE": lambda self, _: self.stack.append(True),
        "NEWFALSE": lambda self, _: self.stack.append(False),
        "PUT": put,
        "BINPUT": put,
        "LONG_BINPUT": put,
        "MEMOIZE": lambda self, _: self.put(len(self.memo)),
        "GET": lambda self, key: self.stack.append(self.memo[int(key)]),
        "BINGET": lambda self, key: self.stack.append(self.memo[key]),
        "LONG_BINGET": lambda self, key: self.stack.append(self.memo[key]),
        "GLOBAL": on_pair,
        "STACK_GLOBAL": on_stack_global,
        "INST": on_inst,
        "OBJ": on_obj,
        "REDUCE": on_reduce,
        "NEWOBJ": on_reduce,
        "NEWOBJ_EX": on_newobj_ex,
        "BUILD": on_build,
        "EXT1": on_extension,
        "EXT2": on_extension,
        "EXT4": on_extension,
        "PERSID": lambda self, _: self.stack.append(_OTHER),
        "EMPTY_TUPLE": lambda self, _: self.stack.append(()),
        "TUPLE": on_tuple,
        "TUPLE1": lambda self, _: self.stack.append((self.pop(),)),
        "TUPLE2": lambda self, _: self.stack.append((self.pop(), self.pop())[::-1]),
        "TUPLE3": lambda self, _: self.stack.append((self.pop(), self.pop(), self.pop())[::-1]),
        "EMPTY_DICT": lambda self, _: self.stack.append({}),
        "DICT": on_dict,
        "SETITEM": on_setitem,
        "SETITEMS": on_setitems,
    }


def _opcodes(file: BinaryIO) -> Iterator[tuple[Any, Any, Any]]:
    return pickletools.genops(file)


def _may_be_text(value: Any) -> bool:
    """Tell whether an object that a pickle makes could be a text; what it refers to beyond the reviewed may be any."""
    if isinstance(value, Made) and isinstance(value.callee, Name):
        return not is_reviewed(*value.callee) or value.callee in _TEXT_MAKERS
    return isinstance(value, _Symbol | Made)


def _paired(target: Any, values: list[Any]) -> Any:
    """Put keys and values into a dictionary; into a symbol they vanish."""
    if len(values) % 2:
        raise Unreadable("a key without a value")
    if isinstance(target, dict):
        for key, value in zip(values[::2], values[1::2], strict=True):
            if isinstance(key, str):
                target[key] = value
    return target
