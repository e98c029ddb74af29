"""Runs checks in a process of its own, so that Great Expectations loads while a build is still at work.

It also keeps 250 MB and everything that Great Expectations logs out of the process that builds. What is checked
belongs in suites.py and release.py.
"""

import logging
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec
from msgspec import Struct

from contracts.errors import EnvironmentProblem
from expectations.checks import Check, CheckResult

_COMMAND = (sys.executable, "-m", "expectations.process")


class Request(Struct, frozen=True, kw_only=True):
    """The arguments of runner.run."""

    databases: dict[str, str]
    checks: list[Check]
    sites: list[str]
    docs: str | None


class Reply(Struct, frozen=True, kw_only=True):
    """What runner.run returned, or the class of what it raised."""

    results: list[CheckResult] = []
    error: str | None = None


class Auditor:
    """A process that runs checks when asked, started when entered and gone when left."""

    def __init__(self, command: Sequence[str] = _COMMAND) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Auditor":
        # Its errors are discarded: they may quote a value, and what failed is in the results.
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        assert process is not None and process.stdin and process.stdout  # noqa: PT018, S101  # set by __enter__
        for stream in (process.stdin, process.stdout):
            try:
                stream.close()
            except BrokenPipeError:  # it died with a request in the pipe
                continue
        try:
            process.wait(10 if kind is None else 0.1)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def run(
        self,
        databases: Mapping[str, Path],
        checks: Sequence[Check],
        sites: Iterable[str] = (),
        docs: Path | None = None,
    ) -> list[CheckResult]:
        """What runner.run returns. EnvironmentProblem when the process did not survive the run."""
        process = self._process
        assert process is not None and process.stdin and process.stdout  # noqa: PT018, S101  # set by __enter__
        request = Request(
            databases={name: str(path) for name, path in databases.items()},
            checks=list(checks),
            sites=sorted(sites),
            docs=str(docs) if docs else None,
        )
        try:
            process.stdin.write(msgspec.json.encode(request) + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            raise EnvironmentProblem(
                f"the checks' process ended with code {process.wait(10)} before it answered: likely for want of memory;"
                " nothing was published, start the build again"
            )
        reply = msgspec.json.decode(line, type=Reply)
        if reply.error:
            raise EnvironmentProblem(
                f"the checks could not be run ({reply.error}): is there space for {docs}? Nothing was published"
            )
        return reply.results


def serve(requests: IO[bytes], replies: IO[bytes]) -> None:
    """Answer one request a line until there are no more."""
    from expectations import gx, runner  # before the first request comes

    assert gx  # noqa: S101  # imported for its seconds
    for line in requests:
        request = msgspec.json.decode(line, type=Request)
        try:
            results = runner.run(
                {name: Path(path) for name, path in request.databases.items()},
                request.checks,
                request.sites,
                Path(request.docs) if request.docs else None,
            )
            reply = Reply(results=results)
        except Exception as error:  # whatever it is, the build must hear of it
            reply = Reply(error=type(error).__name__)
        replies.write(msgspec.json.encode(reply) + b"\n")
        replies.flush()


if __name__ == "__main__":
    logging.disable()
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # Great Expectations prints
    serve(sys.stdin.buffer, answers)
