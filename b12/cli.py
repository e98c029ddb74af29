"""The `b12` command: its root, and how an error becomes one sentence and an exit code.

What a command does lives in `b12.commands`: each module there has a `register(app)` that adds its commands, and
imports the platform's libraries inside its functions, so that a lab's small install has its commands too.
"""

import errno
import importlib
import io
import logging
import os
import pkgutil
import sys
from pathlib import Path
from typing import Annotated

import typer

import b12.commands
from contracts.errors import B12Error, EnvironmentProblem

_ENVIRONMENT = {
    errno.ENOSPC: "the disk is full: make room and run the command again",
    errno.EDQUOT: "your quota on this disk is used up: make room and run the command again",
    errno.EROFS: "this disk is read-only: set B12_HOME to another directory",
    errno.EACCES: "you may not read or write here: run as the owner, or set B12_HOME to another directory",
}
"""What any command may meet, in the words that help."""
_OURS = ("b12", "contracts", "expectations", "lake", "pipelines", "registry", "sites", "streams")
_BROKEN_PIPE = 141
"""What a shell reports for a program that wrote to a closed pipe."""


def build() -> typer.Typer:
    """The command line, with the commands of every module in `b12.commands`."""
    app = typer.Typer(
        help="Events of partner labs in, a validated registry of infant vitamin B12 deficiency out.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # its tracebacks show local variables, and so values and passwords
    )

    @app.callback()
    def root(
        home: Annotated[
            Path | None,
            typer.Option(help="The installation's directory (B12_HOME, default ./var).", show_default=False),
        ] = None,
    ) -> None:
        if home is not None:
            os.environ["B12_HOME"] = str(home)

    for module in pkgutil.iter_modules(b12.commands.__path__, "b12.commands."):
        importlib.import_module(module.name).register(app)
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code: 0, 1 (data), 2 (usage) or 3 (this machine or the broker)."""
    # kafka-python warns at every failed attempt; what is wrong is said once, by the command.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows code page does not hold every column's name
    try:
        result = build()(arguments, standalone_mode=False)
    except B12Error as error:
        print(f"b12: {error}", file=sys.stderr)
        return error.exit_code
    except typer.Abort:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # else Python complains once more while it exits
        return _BROKEN_PIPE
    except ModuleNotFoundError as error:
        if not error.name or error.name.partition(".")[0] in _OURS:
            raise  # a fault of ours, not an install without the extra
        print(
            f"b12: this install lacks {error.name}, which this command needs; a lab's install can check and"
            " send, and this is the platform's: `pip install 'b12-registry[platform,local]'`",
            file=sys.stderr,
        )
        return EnvironmentProblem.exit_code
    except OSError as error:
        if error.errno not in _ENVIRONMENT:
            raise
        where = error.filename or "this machine"
        print(f"b12: {where}: {_ENVIRONMENT[error.errno]}", file=sys.stderr)
        return EnvironmentProblem.exit_code
    except Exception as error:
        if show := getattr(error, "show", None):  # a wrong option or argument: typer words it
            show()
            return 2
        raise
    return result if isinstance(result, int) else 0  # typer hands `typer.Exit`'s code back as the result


if __name__ == "__main__":
    sys.exit(main())
