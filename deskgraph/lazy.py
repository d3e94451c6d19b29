"""Commands that are loaded when they are asked for: whoever wants one need not wait for all."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import click


class Lazy(NamedTuple):
    """A command of a list: its name, its first sentence, and its ``module:attribute`` here."""

    name: str
    help: str
    place: str

    def load(self) -> click.Command:
        """The command itself."""
        module, _, attribute = self.place.partition(":")
        command = getattr(import_module(f"deskgraph.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command


class LazyGroup(click.Group):
    """A group that knows of its ``lazy`` commands no more than the list says, until one runs."""

    def __init__(self, *arguments: Any, lazy: Sequence[Lazy] = (), **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._lazy = {one.name: one for one in lazy}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted({*super().list_commands(ctx), *self._lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, loaded now."""
        if cmd_name in self._lazy:
            return self._lazy[cmd_name].load()
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without loading them."""
        limit = formatter.width - 6 - max(map(len, self._lazy), default=0)
        rows = [
            (name, click.Command(name, help=self._lazy[name].help).get_short_help_str(limit))
            for name in sorted(self._lazy)
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
