"""The tree of commands, grown from the declared operations when a word is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import click

from mlops_ext.cli.common import common_options
from mlops_ext.cli.session import REFUSED, Session
from mlops_ext.cli.words import EDGE, MODULES, TOPICS
from mlops_ext.errors import did_you_mean

__all__ = ["Branch", "Leaf", "Root", "edge_command", "prose"]


class Leaf(click.Command):
    """A command: takes the common options too."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["params"] = [*options.get("params", ()), *common_options()]
        super().__init__(*arguments, **options)


class Branch(click.Group):
    """All commands whose words begin alike.

    Parameters
    ----------
    words : tuple of str
        The words so far.
    """

    def __init__(self, words: tuple[str, ...], **options: Any) -> None:
        super().__init__(words[-1] if words else "mlops", params=common_options(), **options)
        self.words = words

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Give the next words, sorted."""
        depth = len(self.words)
        below = commands_of(self.words[0])
        return sorted({words[depth] for words in below if words[:depth] == self.words and len(words) > depth})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Give the command or the group that a word leads to."""
        words = (*self.words, cmd_name)
        if words in EDGE:
            return edge_command(words)
        operations = commands_of(words[0])
        if words in operations:
            return _command(operations[words])
        if any(each[: len(words)] == words for each in operations):
            return Branch(words, help=_topic(cmd_name))
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest word when there is no such command."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            path = " ".join(("mlops", *self.words))
            hint = did_you_mean(args[0], self.list_commands(ctx))
            raise click.UsageError(f"no command {args[0]!r} in {path}. {hint}", ctx)
        return super().resolve_command(ctx, args)


class Root(Branch):
    """`mlops` itself: its help names the first words without importing the rooms."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Give the first words in the order of the help."""
        return [word for topic in TOPICS.values() for word in topic]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Answer for a group without importing its operations."""
        if not any(cmd_name in topic for topic in TOPICS.values()):
            return None
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the first words by topic."""
        for topic, words in TOPICS.items():
            with formatter.section(topic):
                formatter.write_dl(list(words.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete the first word from the table."""
        from click.shell_completion import CompletionItem

        words = {word: about for topic in TOPICS.values() for word, about in topic.items()}
        found = [CompletionItem(word, help=about) for word, about in words.items() if word.startswith(incomplete)]
        return found or click.Command.shell_complete(self, ctx, incomplete)


def commands_of(first: str) -> dict[tuple[str, ...], Any]:
    """Give the words of all commands that begin so; operations with what they are, edge commands with None."""
    from mlops_ext.operations import OPERATIONS

    for module in MODULES.get(first, ()):
        importlib.import_module(f"mlops_ext.{module}")
    operations = {each.command: each for each in OPERATIONS.values() if each.command[0] == first}
    return {**operations, **{words: None for words in EDGE if words[0] == first}}


def edge_command(words: tuple[str, ...]) -> click.Command:
    """Load a command that was written by hand."""
    module, _, name = EDGE[words].partition(":")
    command: click.Command = getattr(importlib.import_module(f"mlops_ext.cli.commands.{module}"), name)
    return command


def _command(operation: Any) -> click.Command:
    from mlops_ext.cli.options import parameters_of

    return Leaf(
        operation.command[-1],
        params=parameters_of(operation),
        callback=_caller(operation),
        help=prose(operation.doc),
        short_help=operation.summary,
    )


def _caller(operation: Any) -> Callable[..., Any]:
    @click.pass_obj
    def call(session: Session, /, **given: Any) -> Any:
        from mlops_ext.cli.options import request_of

        result = session.workspace.call(operation, request_of(operation, given))
        if not getattr(result, "passed", True) or not getattr(result, "ok", True):
            session.exit_code = REFUSED
        return result

    return call


def prose(doc: str) -> str:
    """Give a docstring up to its first section."""
    lines = doc.splitlines()
    cut = next((number - 1 for number, line in enumerate(lines) if line and set(line) == {"-"}), len(lines))
    return "\n".join(lines[:cut]).strip()


def _topic(word: str) -> str:
    return next((topic[word] for topic in TOPICS.values() if word in topic), "")
