"""Our worker as it runs in production: every verdict, pseudonym, receipt and commit. Stops when enough is stored."""

import logging
import os
import signal
import threading
import time
from pathlib import Path

from bench.contenders.meter import Job, Meter
from lake.home import Home
from streams import logs, process


class Watch(logging.Handler):
    """Reads the worker's own log: when reading began, and how many deliveries are stored and answered."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job, self._meter, self._rows = job, Meter(), 0
        self._before: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Start with the first place that is read, report with the last row."""
        if record.msg == "reading" and not self._meter.started:
            self._meter.start()
            self._before = _thread_seconds()
        elif record.msg == "flushed":
            self._rows += getattr(record, "fields", {})["rows"]
            if self._rows >= self._job.events:
                spent = {name: seconds - self._before.get(name, 0) for name, seconds in _thread_seconds().items()}
                self._meter.report(self._rows, Path(Home(self._job.home).lake), stages=spent)
                self._rows = -1 << 60
                os.kill(os.getpid(), signal.SIGTERM)


def _thread_seconds() -> dict[str, float]:
    """Processor seconds of each of Python's threads so far."""
    return {
        thread.name: time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        for thread in threading.enumerate()
        if thread.ident
    }


def main() -> None:
    job = Job()
    logs.set_up()
    logging.getLogger(logs.OURS).addHandler(Watch(job))
    process.run(Home(job.home))


main()
