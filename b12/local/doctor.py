"""What this machine has and lacks for the local stack, each with the way to get it.

It looks and changes nothing.
"""

import importlib.util
import os
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from b12.local import broker, jars, ports, processes
from b12.local.ports import Ports
from contracts.errors import B12Error
from lake.home import Home

PLATFORM = ("aiokafka", "cramjam", "cryptography", "dagster", "dagster_webserver", "deltalake", "duckdb", "faust",
            "great_expectations", "pyarrow", "sqlglot", "supervisor")  # fmt: skip
LEAST_MEMORY = 2 << 30
"""Bytes. The broker takes 0.4 GB, a worker up to 0.7, Dagster's processes 0.8."""
LEAST_OPEN_FILES = 1024

Verdict = Literal["good", "worth knowing", "missing"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    verdict: Verdict
    words: str


def examine(home: Home) -> list[Finding]:
    """Everything that the stack needs of the machine and the home, one finding each."""
    looks = (
        _python,
        _packages,
        _java,
        _jars,
        _memory,
        _open_files,
        _disk,
        _ports,
        _broker,
        _secrets,
        _pseudonym_key,
        _erasure_key,
        _left_over,
    )
    return [finding for look in looks for finding in look(home)]


def _python(_home: Home) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Finding("Python", "good" if good else "missing", version if good else f"{version}; 3.11 or later is needed")


def _packages(_home: Home) -> Iterator[Finding]:
    # A module that is loaded is there; Faust, once loaded, no longer says where it came from.
    absent = [name for name in PLATFORM if name not in sys.modules and importlib.util.find_spec(name) is None]
    if absent:
        words = f"{', '.join(absent)} not installed: `pip install 'b12-registry[platform,local]'`"
        yield Finding("platform packages", "missing", words)
    else:
        yield Finding("platform packages", "good", f"all {len(PLATFORM)} there")


def _java(_home: Home) -> Iterator[Finding]:
    if os.environ.get("B12_BROKERS"):
        yield Finding("Kafka", "good", "a cluster of your own (B12_BROKERS), so no Java is needed")
        return
    try:
        java = jars.java()
        done = subprocess.run([str(java), "-version"], capture_output=True, text=True, timeout=30, check=False)
    except B12Error as error:
        yield Finding("Java", "missing", str(error))
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Finding("Java", "missing", f"the runtime in its wheel does not run here ({type(error).__name__})")
    else:
        words = (done.stderr.splitlines() or ["no version"])[0]
        yield Finding("Java", "good" if done.returncode == 0 else "missing", words)


def _jars(_home: Home) -> Iterator[Finding]:
    if os.environ.get("B12_BROKERS"):
        return
    subject = f"Kafka {jars.KAFKA_VERSION}"
    try:
        absent = jars.missing()
    except B12Error as error:
        yield Finding(subject, "missing", str(error))
        return
    if not absent:
        yield Finding(subject, "good", f"{len(jars.pinned())} files in {jars.cache_directory()}, all as pinned")
    elif importlib.util.find_spec("jgo") is None:
        words = "not cached, and jgo, which fetches it, is absent: `pip install 'b12-registry[local]'`"
        yield Finding(subject, "missing", words)
    else:
        words = f"{len(absent)} of {len(jars.pinned())} files to fetch; `b12 up` does, once (54 MB)"
        yield Finding(subject, "worth knowing", words)


def _memory(_home: Home) -> Iterator[Finding]:
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    good = free >= LEAST_MEMORY
    words = f"{free / (1 << 30):.1f} GB" + ("" if good else "; the whole stack wants 2 GB")
    yield Finding("memory", "good" if good else "worth knowing", words)


def _open_files(_home: Home) -> Iterator[Finding]:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    good = limit >= LEAST_OPEN_FILES or limit == resource.RLIM_INFINITY
    words = str(limit) + ("" if good else f"; raise it to {LEAST_OPEN_FILES} or more with `ulimit -n`")
    yield Finding("open files", "good" if good else "missing", words)


def _disk(home: Home) -> Iterator[Finding]:
    place = next(path for path in (home.path, *home.path.parents) if path.exists())
    free = shutil.disk_usage(place).free
    good = free >= broker.LEAST_DISK
    words = f"{free / (1 << 30):.1f} GB free at {place}"
    advice = "; the broker wants 1 GB: make room, or set B12_HOME to another disk"
    yield Finding("disk", "good" if good else "missing", words if good else words + advice)
    if not os.access(place, os.W_OK):
        yield Finding("home", "missing", f"{place} is not writable; set B12_HOME to another directory")


def _ports(home: Home) -> Iterator[Finding]:
    wanted = Ports.from_env()
    groups = [] if os.environ.get("B12_BROKERS") else [("broker", wanted.of_broker())]
    for process, group in [*groups, ("dagster-web", wanted.of_dagster())]:
        if processes.alive(home, process):
            continue  # they are taken, by us
        try:
            ports.require_free(group)
        except B12Error as error:
            yield Finding("ports", "missing", str(error))
        else:
            yield Finding("ports", "good", f"{', '.join(map(str, group.values()))} free for the {process}")


def _broker(home: Home) -> Iterator[Finding]:
    try:
        formatted = broker.is_formatted(home)
    except B12Error as error:
        yield Finding("broker directory", "missing", str(error))
    else:
        if formatted:
            yield Finding("broker directory", "good", f"{home.broker} is formatted")


def _secrets(home: Home) -> Iterator[Finding]:
    if not home.secrets.exists():
        return
    open_ = [path for path in [home.secrets, *home.secrets.rglob("*")] if _others_can_read(path)]
    if open_:
        words = f"others can read {open_[0]}: `chmod -R go= {home.secrets}`"
        yield Finding("secrets", "missing", words)
    else:
        yield Finding("secrets", "good", f"only you can read {home.secrets}")


def _pseudonym_key(home: Home) -> Iterator[Finding]:
    key = home.secrets / "pseudonym.key"
    if not key.exists() and (home.sites_file.exists() or Path(home.lake).exists()):
        words = f"{key} is gone, and no other key makes the same pseudonyms: restore it from a backup"
        yield Finding("pseudonym key", "missing", words)


def _erasure_key(home: Home) -> Iterator[Finding]:
    if home.erased_file.exists() and not home.erasure_key.exists():
        words = f"{home.erasure_key} is gone, and no build can tell who was erased: restore it from a backup"
        yield Finding("erasure key", "missing", words)


def _left_over(home: Home) -> Iterator[Finding]:
    running = processes.running(home)
    if running and "supervisor" not in running:
        words = f"{', '.join(running)} runs and nothing looks after it: `b12 down`, then `b12 up`"
        yield Finding("processes", "worth knowing", words)


def _others_can_read(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
