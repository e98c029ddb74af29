"""The page `docs/reference/commands.md`, made from the commands themselves.

What a command does is said in its own docstring and options, nowhere else.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from b12.cli import build

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "commands.md"
_HEAD = """\
# Commands

Made by `make fix` from the commands themselves; `b12 COMMAND --help` says the same.
Every command exits with 0 when all is well (questions and warnings about a value are no errors), 1 for an error in the
data, 2 for a mistake in how it was called, and 3 for this machine, the network or the broker.
"""


def page() -> str:
    """The page's text."""
    return "\n".join([_HEAD, *_commands(get_command(build()), "b12")])


def _commands(command: Any, name: str) -> Iterator[str]:
    children = getattr(command, "commands", None)
    if children is None:
        yield from _command(command, name)
        return
    for child in sorted(children):
        if not children[child].hidden:
            yield from _commands(children[child], f"{name} {child}")


def _command(command: Any, name: str) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and "--help" not in p.opts]
    usage = " ".join([name, *(_usage(argument) for argument in arguments), *(["[OPTIONS]"] if options else [])])
    yield f"## `{usage}`\n\n{' '.join((command.help or '').split())}\n"
    if arguments or options:
        yield "| | |\n|---|---|"
        for argument in arguments:
            yield f"| `{_name(argument)}` | {_words(argument)} |"
        for option in options:
            needed = " Required." if option.required else ""
            yield f"| `{', '.join([*option.opts, *option.secondary_opts])}` | {_words(option)}{needed} |"
        yield ""


def _usage(argument: Any) -> str:
    name = _name(argument)
    return name if argument.required else f"[{name}]"


def _name(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _words(parameter: Any) -> str:
    return " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
