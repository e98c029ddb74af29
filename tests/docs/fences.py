"""Code fences of the documentation, as a reader would use them one after the other.

A fence with a title is a file. A `console` fence holds commands behind `$ ` and what they print: every line must come
in that order, `...` stands for any number of lines, and inside a line for any text. A command that fails must be
followed by `$ echo $?`. What a page is run against belongs to the test.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)


class Fence(NamedTuple):
    """One fence: its language, the file that it is, its text and its first line's number."""

    language: str
    title: str | None
    text: str
    line: int


def of(page: Path) -> list[Fence]:
    """The fences of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [Fence(m[1], m[2], m[3], text.count("\n", 0, m.start()) + 2) for m in _FENCE.finditer(text)]


def follow(page: Path, directory: Path, environment: Mapping[str, str]) -> None:
    """Use a page's fences in order: write its files, run its commands and queries, which must answer something."""
    binaries = Path(sys.executable).parent
    environment = {**environment, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"}
    for fence in of(page):
        if fence.title:
            (directory / fence.title).write_text(fence.text, encoding="utf-8")
        elif fence.language == "console":
            run_console(fence, directory, environment)
        elif fence.language in ("sql", "python"):
            words = ["b12", "sql", fence.text] if fence.language == "sql" else ["python", "-c", fence.text]
            done = subprocess.run(
                [str(binaries / words[0]), *words[1:]],
                cwd=directory,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
            )
            assert done.returncode == 0, f"line {fence.line}: {done.stderr}"
            assert len(done.stdout.splitlines()) > 1, f"line {fence.line}: no answer"


def run_console(fence: Fence, directory: Path, environment: Mapping[str, str]) -> None:
    """Run a console fence's commands and compare what they print with what the page says."""
    status = 0
    for block in re.split(r"^\$ ", fence.text, flags=re.MULTILINE)[1:]:
        command, _, expected = block.partition("\n")
        if command == "echo $?":
            assert expected.strip() == str(status), f"line {fence.line}: exit {status}"
            status = 0
            continue
        assert status == 0, f"line {fence.line}: a command before `{command}` ended with {status}"
        done = subprocess.run(
            ["bash", "-c", command],  # noqa: S607
            cwd=directory,
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=120,
        )
        status = done.returncode
        printed = done.stdout + done.stderr
        assert _matches(expected, printed), f"line {fence.line}: `{command}` printed\n{printed}\nand not\n{expected}"
    assert status == 0, f"line {fence.line}: the last command ended with {status}"


def _matches(expected: str, printed: str) -> bool:
    parts = []
    for line in expected.rstrip("\n").split("\n"):
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            words = re.escape(line.rstrip()).replace(r"\.\.\.", ".*")
            parts.append(words.replace(r"\ ", r"[ ]+") + r"[ ]*\n")
    return re.fullmatch("".join(parts) if expected.strip() else r"\s*", printed.rstrip("\n") + "\n") is not None
