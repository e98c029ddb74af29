"""One worker process: what begins it, what ends it, and the code that it ends with.

What it does in between belongs to streams/worker.py; starting it again, to a supervisor.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
from contextlib import suppress

from contracts.errors import B12Error
from lake.home import Home
from streams import logs
from streams.guard import Guard, WorkerStuck
from streams.logs import say
from streams.metrics import Metrics
from streams.worker import STOP_SECONDS, Worker, WorkerStopped

STUCK_SECONDS = 5.0
"""The same for a worker that is stuck, and will hardly leave in good order."""
_NOTHING_LOST = ". Nothing is lost: what was not yet in the lake is read again"


def run(home: Home) -> None:
    """Take deliveries from Kafka into the lake until SIGTERM or SIGINT; then flush, answer and leave the group.

    Raises a B12Error when it cannot start or go on. Anything in hand is then read again by whoever takes over.
    """
    logs.set_up()
    home.make()
    metrics = Metrics()
    metrics.count_lines()
    guard = Guard(home, metrics)
    asyncio.run(_run(home, guard, metrics))
    guard.left()


async def _run(home: Home, guard: Guard, metrics: Metrics) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(*_: object) -> None:
        with suppress(RuntimeError):  # the loop has closed: it is stopping already
            loop.call_soon_threadsafe(stopping.set)

    # Not the loop's own handlers: those go with the loop, and a second signal to a worker on its way out would kill it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    worker = None
    try:
        worker = Worker(home, guard, metrics)
        await _work(worker, guard, stopping)
    except Exception as error:
        told = _told(error)
        # Before anything is cleared away: what is stuck may keep that waiting too.
        guard.failed(str(told).removesuffix(_NOTHING_LOST))
        _end_if_stuck(told.exit_code, STUCK_SECONDS if isinstance(error, WorkerStuck) else STOP_SECONDS)
        raise told from None
    finally:
        if worker:
            await worker.stop()


async def _work(worker: Worker, guard: Guard, stopping: asyncio.Event) -> None:
    """Until it is asked to stop, or something raises."""
    await worker.start()
    watched = [asyncio.create_task(work) for work in (stopping.wait(), worker.keep_flushing(), worker.keep_looking())]
    done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
    guard.stops()
    for task in watched:
        task.cancel()
    for task in done:
        task.result()  # raises what ended the worker
    await asyncio.wait_for(worker.finish(), STOP_SECONDS)
    say("left")


def _told(error: Exception) -> B12Error:
    """What people are told of an error."""
    if isinstance(error, WorkerStuck):
        return WorkerStopped(f"{error}{_NOTHING_LOST}")
    if isinstance(error, B12Error):
        return error
    say("stopped", logging.CRITICAL, error)
    return WorkerStopped(
        f"the worker stopped after an unexpected {type(error).__name__}; its log says where{_NOTHING_LOST}"
    )


def _end_if_stuck(code: int, seconds: float) -> None:
    """A thread of a library that does not end must not keep a dead worker alive."""

    def end() -> None:
        sys.stderr.flush()
        os._exit(code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
