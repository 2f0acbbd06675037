"""A warm parent: a process that has done its imports and forks processes that need them; Linux only.

It is a script that needs nothing but the standard library, so that any environment's Python can run it:

    python parent.py '{"listen": 5, "modules": ["ipykernel.kernelapp"], "gentle": ["pandas"]}'

`listen` is a socket to fork for whoever connects; it serves until its standard input ends. It never has
a thread, an event loop or a ZMQ context, since none of these survives a fork.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import sys
import threading
import time
import tokenize
import traceback
import warnings
from pathlib import Path
from typing import Any

_LONGEST = 2**22
_CONTROL_SECONDS = 2.0
_PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 15, 36


def main() -> int:
    """Import, then serve; what this gives is the exit code of whichever process it has become."""
    # The folder of this script is no place for others to import from.
    sys.path.pop(0)
    task = json.loads(sys.argv[1])
    for name in task["modules"]:
        importlib.import_module(name)
    _import_gently(task)
    _import_late(task.get("late", {}))
    for module, function in task.get("prepare", ()):
        getattr(importlib.import_module(module), function)()
    _tokenize()
    gc.collect()
    gc.freeze()
    request = _serve(socket.socket(fileno=task["listen"]), task.get("rehearse", {}))
    if request is not None:
        _leave(_run(request))
    return 0


def _import_gently(task: dict[str, Any]) -> None:
    """Import what notebooks import; without what prints, warns, starts threads or fails: the cell is to see that."""
    noisy = []
    for name in task["gentle"]:
        said = io.StringIO()
        with contextlib.ExitStack() as stack:
            warned = stack.enter_context(warnings.catch_warnings(record=True))
            stack.enter_context(contextlib.redirect_stdout(said))
            stack.enter_context(contextlib.redirect_stderr(said))
            try:
                importlib.import_module(name)
            except Exception:  # noqa: BLE001 - whatever it is, the cell is to see it
                said.write(traceback.format_exc())
        if warned or said.getvalue() or threading.active_count() > 1:
            noisy.append(name)
    if noisy:
        # What is imported cannot be taken back: begin again without it.
        task["gentle"] = [name for name in task["gentle"] if name not in noisy]
        os.set_inheritable(task["listen"], True)
        os.execv(sys.executable, [sys.executable, str(Path(__file__).resolve()), json.dumps(task)])  # noqa: S606


def _import_late(late: dict[str, list[str]]) -> None:
    """Import what packages import at their first use, of those that are here and as far as their version has it."""
    for package in late.keys() & sys.modules.keys():
        for name in late[package]:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)


def _rehearse(calls: dict[str, list[Any]]) -> None:
    """Call what takes long when it is first called, of the packages that are imported here."""
    for package in calls.keys() & sys.modules.keys():
        module, function, *given = calls[package]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                getattr(importlib.import_module(module), function)(*given)
            except Exception:  # noqa: BLE001 - each process will do it for itself, as the first one did
                traceback.print_exc()
    gc.collect()
    gc.freeze()


def draw_traceback() -> None:
    """Let IPython draw a traceback: the first one looks for the files of all modules."""
    ultratb = importlib.import_module("IPython.core.ultratb")
    try:
        importlib.import_module("no.such.module")
    except ImportError:
        ultratb.AutoFormattedTB(mode="Context").structured_traceback(*sys.exc_info())


def _tokenize() -> None:
    """Let Python compile the patterns by which the first cell of every kernel is read."""
    for _ in tokenize.generate_tokens(io.StringIO("1\n").readline):
        pass


def _serve(listener: socket.socket, rehearsed: dict[str, list[Any]]) -> dict[str, Any] | None:
    """Fork for everyone who connects; give a request in the process that is to fulfil it, None at the end.

    The rehearsal comes before the second one: it pays for all that follow, and an only one need not wait for it.
    """
    heard, told = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(told)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waiting: list[Any] = [listener, heard, 0]
    asked = 0
    while True:
        ready = _ready(waiting)
        if 0 in ready and not os.read(0, 1):
            return None
        if heard in ready:
            os.read(heard, 4096)
            _bury()
        if listener not in ready:
            continue
        connection, _ = listener.accept()
        asked += 1
        if asked == 2:
            _rehearse(rehearsed)
        if os.fork() == 0:
            signal.set_wakeup_fd(-1)
            for file in (heard, told):
                os.close(file)
            listener.close()
            return _guard(connection)
        connection.close()


def _ready(waiting: list[Any]) -> list[Any]:
    """Wait until something can be read or has ended; `select.select` takes no descriptor above 1023."""
    poll, numbers = select.poll(), {each if isinstance(each, int) else each.fileno(): each for each in waiting}
    for number in numbers:
        poll.register(number, select.POLLIN)
    return [numbers[number] for number, _ in poll.poll()]


def _bury() -> None:
    """Take leave of the children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _guard(connection: socket.socket) -> dict[str, Any] | None:
    """Read a request, fork the process, and stay as its parent and that of its orphans until it is let go."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    request, files = _receive(connection)
    shadowed = _shadowed(request["folders"])
    if shadowed:
        _send(connection, {"refused": f"{shadowed} lies beside the notebook and is imported here already"})
        os._exit(0)
    if not request["outlives"]:
        # An orphan of a kernel finds its next living ancestor here, and carries no other mark.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        _name(request["mark"])
    pid = os.fork()
    if pid == 0:
        connection.close()
        return _settle(request, files)
    for file in files:
        os.close(file)
    _send(connection, {"pid": pid})
    _watch(connection, pid, request["outlives"])
    return None


def _watch(connection: socket.socket, pid: int, outlives: bool) -> None:
    """Tell how the process ended, wait until nobody is interested, then end what is left of it."""
    child = os.pidfd_open(pid)
    waiting: list[Any] = [child, connection]
    while waiting:
        ready = _ready(waiting)
        if child in ready:
            _, status = os.waitpid(pid, 0)
            waiting.remove(child)
            with contextlib.suppress(OSError):
                _send(connection, {"status": os.waitstatus_to_exitcode(status)})
        if connection in ready and not connection.recv(1):
            waiting.remove(connection)
            if not outlives:
                _end_descendants()
                break
    os._exit(0)


def _end_descendants() -> None:
    for _ in range(100):
        left = _children(os.getpid())
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _bury()
        time.sleep(0.005)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [*_children(child), child]
    return found


def _settle(request: dict[str, Any], files: list[int]) -> dict[str, Any]:
    """Become what was asked for: session, files, environment, folder, randomness."""
    os.setsid()
    for number, file in enumerate(files):
        os.dup2(file, number)
    for file in files:
        if file > 2:
            os.close(file)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What the parent's own streams hold back belongs to the parent.
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    os.environ.clear()
    os.environ.update(request["env"])
    if "JPY_PARENT_PID" in os.environ:
        # A kernel ends itself when this process, its parent, is gone.
        os.environ["JPY_PARENT_PID"] = str(os.getppid())
    time.tzset()
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path not in sys.path]
    sys.path[:0] = paths
    os.chdir(request["cwd"])
    sys.argv = [part.replace("{parent}", str(os.getppid())) for part in request["argv"]]
    _name(request["mark"])
    # Python seeds `random` anew after a fork; these keep state of their own.
    for module, function in (("numpy.random", "seed"), ("torch", "seed")):
        if module in sys.modules:
            getattr(sys.modules[module], function)()
    return request


def _run(request: dict[str, Any]) -> int:
    module, _, function = request["target"].partition(":")
    code = getattr(importlib.import_module(module), function)()
    return code if isinstance(code, int) else 0


def _leave(code: int) -> None:
    """End as the interpreter would, but for the imports: taking them down copies all the memory that is shared."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_control()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    names = vars(sys.modules["__main__"])
    if names is not globals():
        # Files that a notebook left open are written when its names go.
        names.clear()
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _end_control() -> None:
    """End a kernel's thread that answers requests before its exit ends the one that sends what it says.

    ipykernel does it the other way round, and when the first still has something to say it waits for the other: ten
    seconds, or until the kernel is killed.
    """
    for thread in threading.enumerate():
        if thread.name == "Control" and hasattr(thread, "stop"):
            thread.stop()
            thread.join(_CONTROL_SECONDS)


def _shadowed(folders: list[str]) -> str:
    """Name a module beside a notebook that it would not get, since another of that name is imported here."""
    for folder in folders:
        with contextlib.suppress(OSError):
            for entry in os.scandir(folder):
                name = entry.name[:-3] if entry.name.endswith(".py") else entry.name
                if name in sys.modules and (entry.name.endswith(".py") or Path(entry.path, "__init__.py").is_file()):
                    return entry.name
    return ""


def _name(mark: str) -> None:
    """Name this process, so that it is found: its environment still is that of the parent."""
    if mark:
        ctypes.CDLL(None).prctl(_PR_SET_NAME, ctypes.c_char_p(mark.encode()), 0, 0, 0)


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    data, files, _, _ = socket.recv_fds(connection, 65536, 3)
    while not data.endswith(b"\n") and len(data) < _LONGEST:
        more = connection.recv(65536)
        if not more:
            os._exit(0)
        data += more
    return json.loads(data), files


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    connection.sendall(json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
