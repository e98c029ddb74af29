"""Runs checks in a process of its own, so that Great Expectations loads while a build is still at work.

It also keeps 170 MB and everything that Great Expectations logs out of the process that builds. What is checked
belongs in suites.py and release.py.
"""

import logging
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, cast

import msgspec
from msgspec import Struct

from contracts.errors import EnvironmentProblem
from expectations.checks import Check, CheckResult

_COMMAND = (sys.executable, "-m", "expectations.process")


class Run(Struct, frozen=True, kw_only=True, tag=True):
    """The arguments of Runner.run."""

    databases: dict[str, str]
    checks: list[Check]
    sites: list[str]
    in_docs: bool


class WriteDocs(Struct, frozen=True, kw_only=True, tag=True):
    """The arguments of Runner.write_docs."""

    directory: str
    results: list[CheckResult]


class Reply(Struct, frozen=True, kw_only=True):
    """The results, or the class of what was raised."""

    results: list[CheckResult] = []
    error: str | None = None


_reply = msgspec.json.Decoder(Reply).decode
_request = msgspec.json.Decoder(Run | WriteDocs).decode


class Auditor:
    """A process that runs checks when asked, started when entered and gone when left."""

    def __init__(self, command: Sequence[str] = _COMMAND) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._owed = 0
        """Replies that have not been read yet."""

    def __enter__(self) -> "Auditor":
        # Its errors are discarded: they may quote a value, and what failed is in the results.
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._settle()
        finally:
            process = self._running()
            for stream in (process.stdin, process.stdout):
                with suppress(BrokenPipeError):  # it died with a request in the pipe
                    stream.close()
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
        *,
        in_docs: bool = True,
    ) -> list[CheckResult]:
        """What Runner.run returns. EnvironmentProblem when the process did not survive it."""
        paths = {name: str(path) for name, path in databases.items()}
        self._send(Run(databases=paths, checks=list(checks), sites=sorted(sites), in_docs=in_docs))
        return self._settle()

    def write_docs(self, directory: Path, results: Sequence[CheckResult]) -> None:
        """Runner.write_docs, without waiting: the block ends when they are written, or EnvironmentProblem."""
        self._send(WriteDocs(directory=str(directory), results=list(results)))

    def _send(self, request: Run | WriteDocs) -> None:
        stdin = self._running().stdin
        self._owed += 1
        with suppress(BrokenPipeError):  # the missing reply says it better
            stdin.write(msgspec.json.encode(request) + b"\n")
            stdin.flush()

    def _settle(self) -> list[CheckResult]:
        """Read every reply that is still to come, and give the last one's results."""
        process = self._running()
        reply = Reply()
        while self._owed:
            self._owed -= 1
            line = process.stdout.readline()
            if not line:
                raise EnvironmentProblem(
                    f"the checks' process ended with code {process.wait(10)} before it answered, likely for want of"
                    " memory; start the build again"
                )
            reply = _reply(line)
            if reply.error:
                raise EnvironmentProblem(f"the checks could not be run or written ({reply.error}): is the disk full?")
        return reply.results

    def _running(self) -> "_Process":
        assert self._process is not None and self._process.stdin and self._process.stdout  # noqa: PT018, S101
        return cast(_Process, self._process)


class _Process(Protocol):
    """What is needed of a process whose two ends are pipes."""

    stdin: IO[bytes]
    stdout: IO[bytes]

    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...


def serve(requests: IO[bytes], replies: IO[bytes]) -> None:
    """Answer one request a line until there are no more."""
    from expectations import data_docs, duckdb_source, runner

    assert data_docs and duckdb_source  # noqa: PT018, S101  # imported before the first request, for their seconds
    checks = runner.Runner()
    for line in requests:
        request = _request(line)
        try:
            if isinstance(request, Run):
                paths = {name: Path(path) for name, path in request.databases.items()}
                results = checks.run(paths, request.checks, request.sites, in_docs=request.in_docs)
                reply = Reply(results=results)
            else:
                checks.write_docs(Path(request.directory), request.results)
                reply = Reply()
        except Exception as error:  # whatever it is, the build must hear of it
            reply = Reply(error=type(error).__name__)
        replies.write(msgspec.json.encode(reply) + b"\n")
        replies.flush()


if __name__ == "__main__":
    logging.disable()
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # Great Expectations prints
    serve(sys.stdin.buffer, answers)
