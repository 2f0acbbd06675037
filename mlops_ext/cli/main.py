"""`mlops`: one call from its words to its exit code, in a terminal or from the magic `%mlops`."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar

import click

from mlops_ext.cli.session import Session
from mlops_ext.cli.tree import Root
from mlops_ext.errors import Cancelled, InvalidValue, MlopsError

__all__ = ["invoke", "main"]

ABOUT = """MLOps inside JupyterLab: snapshot data, register models, retrain, watch drift.

References are one grammar everywhere: NAME, NAME@3, NAME@latest, NAME@alias, NAME@production.
"""


class UsageError(InvalidValue):
    """The words, arguments or options are wrong."""

    code: ClassVar[str] = "usage"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    session = Session(json="--json" in words, traceback="--traceback" in words)
    _report_the_unexpected(session)
    try:
        code = _run(words, session)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has left; Python must not try to flush again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def invoke(arguments: Sequence[str], variables: Mapping[str, object] | None = None) -> object:
    """Run one command and give its record instead of printing it.

    Parameters
    ----------
    arguments : sequence of str
        What would stand after `mlops`.
    variables : mapping, optional
        A notebook's variables; an argument that takes an object may name one.

    Raises
    ------
    MlopsError
        Whatever went wrong, wrong words included.

    Examples
    --------
    >>> invoke(["models", "list"])                            # doctest: +SKIP
    >>> invoke(["snapshot", "df", "--name", "flights"], {"df": df})  # doctest: +SKIP
    """
    session = Session(variables=variables or {})
    result = _call(list(arguments), session)
    return None if isinstance(result, int) else result


def _run(words: list[str], session: Session) -> int:
    try:
        result = _call(words, session)
    except MlopsError as error:
        if session.traceback:
            traceback.print_exc()
        session.fail(error)
        return error.exit_code
    if isinstance(result, int):
        return result
    session.show(result)
    return session.exit_code


def _call(words: list[str], session: Session) -> Any:
    """Run the tree; give the command's result, or an exit code when it only wrote help."""
    try:
        return _root().main(args=words, prog_name="mlops", standalone_mode=False, obj=session)
    except click.exceptions.NoArgsIsHelpError as error:
        if session.json:
            raise UsageError("no command", hint="See: mlops --help") from error
        click.echo(error.format_message(), err=True)
        return UsageError.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "mlops"
        raise UsageError(error.format_message().rstrip("."), hint=f"See: {path} --help") from error
    except click.ClickException as error:
        raise UsageError(error.format_message(), hint="See: mlops --help") from error
    except (click.Abort, KeyboardInterrupt) as error:
        raise Cancelled("cancelled", hint="Nothing is left half done; run it again when you like") from error


def _root() -> Root:
    def show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            from mlops_ext import __version__

            click.echo(f"mlops {__version__}")
            context.exit()

    root = Root((), help=ABOUT)
    about = "Write the version and end."
    root.params.append(
        click.Option(["--version"], is_flag=True, expose_value=False, is_eager=True, callback=show_version, help=about)
    )
    return root


def _report_the_unexpected(session: Session) -> None:
    """Let what nobody foresaw end in a sentence; Python itself ends with exit code 1."""

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if session.traceback:
            traceback.print_exception(kind, error, trace)
        text = str(error).partition("\n")[0]
        hint = "This is a fault of mlops_ext; run it again with --traceback and report what it shows"
        session.fail(Unexpected(f"{kind.__name__}: {text}", hint=hint))

    sys.excepthook = report


class Unexpected(MlopsError):
    """A fault of ours."""

    code: ClassVar[str] = "internal_error"


if __name__ == "__main__":
    main()
