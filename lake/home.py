"""B12_HOME: where the state of one installation lies, and the few settings that every room of the platform reads.

Importable without pyarrow, Kafka or Dagster. What is in the files (tables, releases, brokers) does not belong here.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from contracts.errors import EnvironmentProblem, UsageError
from contracts.site import Site
from lake import settings_file

REPLAY_TOPIC = "b12.replay"
"""Deliveries to be judged again, of every site; operators alone may write there. It always exists, so that a worker
has something to subscribe to before the first site."""
WORKER_GROUP = "b12-intake"
"""The consumer group of the workers."""


@dataclass(frozen=True)
class InternalKafka:
    """How the platform itself reaches Kafka: mutual TLS when its files are there, else plain."""

    bootstrap: str
    """`host:port`, several separated by commas."""
    cafile: Path | None = None
    certfile: Path | None = None
    keyfile: Path | None = None

    @property
    def servers(self) -> list[str]:
        """The bootstrap servers one by one."""
        return [server.strip() for server in self.bootstrap.split(",") if server.strip()]

    @property
    def security_protocol(self) -> str:
        """Kafka's name of the transport: `SSL` or `PLAINTEXT`."""
        return "SSL" if self.cafile else "PLAINTEXT"

    def client_settings(self) -> dict[str, object]:
        """kafka-python's settings for a client of the platform itself: admin, producer or consumer."""
        settings: dict[str, object] = {"bootstrap_servers": self.servers, "security_protocol": self.security_protocol}
        files = {"ssl_cafile": self.cafile, "ssl_certfile": self.certfile, "ssl_keyfile": self.keyfile}
        return settings | {name: str(path) for name, path in files.items() if path}


@dataclass(frozen=True)
class SiteListener:
    """How partner labs reach Kafka: TLS and SCRAM."""

    bootstrap: tuple[str, ...]
    ca_pem: str | None
    """The authority to trust; None: the system's."""


class Home:
    """One installation's directory. Properties are paths, made on demand by whoever writes there."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()
        self._sites: tuple[tuple[int, ...], dict[str, Site]] | None = None

    @classmethod
    def from_env(cls) -> "Home":
        """The home that the environment names (`B12_HOME`), else `./var`."""
        return cls(os.environ.get("B12_HOME") or "var")

    def __repr__(self) -> str:
        return f"Home({str(self.path)!r})"

    @property
    def broker(self) -> Path:
        """Properties and log of the local Kafka broker."""
        return self.path / "broker"

    @property
    def lake(self) -> str:
        """Directory or URI of the Delta table of deliveries; `B12_LAKE` (such as `s3://bucket/table`) overrides."""
        return os.environ.get("B12_LAKE") or str(self.path / "lake" / "deliveries")

    @property
    def releases(self) -> Path:
        return self.path / "releases"

    @property
    def operators(self) -> Path:
        """The operators' database: rebuilt and swapped, never written in place."""
        return self.path / "operators.duckdb"

    @property
    def dagster(self) -> Path:
        """DAGSTER_HOME."""
        return self.path / "dagster"

    @property
    def secrets(self) -> Path:
        """Keys, certificates and passwords: directory 0700, files 0600."""
        return self.path / "secrets"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """Pid files, sockets and the gaps that workers found."""
        return self.path / "run"

    @property
    def sites_file(self) -> Path:
        return self.path / "sites.toml"

    @property
    def erased_file(self) -> Path:
        """Which families were erased, as keyed hashes (lake/tombstones.py)."""
        return self.path / "erased.toml"

    @property
    def erasure_key(self) -> Path:
        """The key of those hashes."""
        return self.secrets / "erasure.key"

    def make(self) -> None:
        """Make the directories that every command may lean on; the one of secrets is the owner's alone."""
        try:
            for directory in (self.path, self.logs, self.run, self.releases, self.dagster):
                directory.mkdir(parents=True, exist_ok=True)
            for directory in (self.secrets, self.secrets / "sites"):
                directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise EnvironmentProblem(
                f"{self.path}: cannot make the home ({error.strerror}); name another with B12_HOME"
            ) from error

    # Sites

    def sites(self) -> dict[str, Site]:
        """The registered sites by id, disabled ones too."""
        try:
            status = self.sites_file.stat()
            read = (status.st_ino, status.st_mtime_ns, status.st_size)
            if self._sites is None or self._sites[0] != read:  # workers ask every second
                self._sites = read, self._read_sites()
        except FileNotFoundError:
            return {}
        return dict(self._sites[1])

    def _read_sites(self) -> dict[str, Site]:
        tables = settings_file.read(self.sites_file)
        try:
            return {name: msgspec.convert({"id": name, **table}, Site) for name, table in tables.items()}
        except (msgspec.ValidationError, TypeError) as error:
            raise EnvironmentProblem(f"{self.sites_file}: {error}; mend the file") from None

    def site(self, site_id: str) -> Site:
        """One site; UsageError with the known ones when there is none of that name."""
        sites = self.sites()
        if site_id not in sites:
            known = ", ".join(sorted(sites)) or "none yet: add one with `b12 site add`"
            raise UsageError(f"site {site_id!r} is not registered here (registered: {known})")
        return sites[site_id]

    def put_site(self, site: Site) -> None:
        """Register or replace a site. The first site makes the home synthetic or real for good."""
        self.make()
        with self._locked():
            self.require_same_kind(site)
            sites = self.sites()
            tables = {name: _table(other) for name, other in {**sites, site.id: site}.items()}
            settings_file.write(self.sites_file, tables)

    def require_same_kind(self, site: Site) -> None:
        """UsageError when the home is synthetic and the site real, or the other way round."""
        if any(other.synthetic != site.synthetic for other in self.sites().values()):
            kind, offered = ("real", "synthetic") if site.synthetic else ("synthetic", "real")
            raise UsageError(
                f"site {site.id}: this home holds {kind} data and takes no {offered} site;"
                f" set B12_HOME to another directory for {offered} data"
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.run / "sites.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    # Secrets

    def ensure_secret(self) -> bytes:
        """The pseudonyms' secret, made on first use. Losing it means that no key can be made again: back it up.

        EnvironmentProblem when it is gone from a home that has used it: another would make other infants of the same.
        """
        self.make()
        path = self.secrets / "pseudonym.key"
        if not path.exists():
            with self._locked():
                if not path.exists():
                    if used := self._used_secret():
                        raise EnvironmentProblem(
                            f"{path} is gone, and {used} was made with it: restore it from your backup of the secrets,"
                            " since no other key gives the same pseudonyms; nothing was changed"
                        )
                    settings_file.write_bytes(path, secrets.token_bytes(32), settings_file.SECRET)
        return self.secret()

    def _used_secret(self) -> str | None:
        """Something that only a secret can have made."""
        lab_files = sorted((self.secrets / "sites").glob("*.toml"))
        lake = [self.lake] if (Path(self.lake) / "_delta_log").is_dir() else []
        return next((str(made) for made in (*lake, *lab_files)), None)

    def secret(self) -> bytes:
        """The pseudonyms' secret, 32 bytes."""
        path = self.secrets / "pseudonym.key"
        try:
            secret = path.read_bytes()
        except OSError as error:
            raise EnvironmentProblem(
                f"{path}: no pseudonym secret ({error.strerror}); `b12 up` makes one in a new home,"
                " an old home needs its own back from a backup"
            ) from None
        if len(secret) != 32:
            raise EnvironmentProblem(f"{path}: the pseudonym secret is damaged; restore it from a backup")
        return secret

    def lab_config(self, site_id: str) -> Path:
        """The file that is handed to a lab: how to connect, its password and its site key. Mode 0600."""
        return self.secrets / "sites" / f"{site_id}.toml"

    # Kafka

    def internal_kafka(self) -> InternalKafka:
        """How the platform reaches Kafka.

        `B12_BROKERS` names a cluster of one's own, with `B12_BROKERS_CA`, `B12_BROKERS_CERT` and `B12_BROKERS_KEY`
        for its TLS files; else what `b12 up` wrote. EnvironmentProblem when neither is there.
        """
        if brokers := os.environ.get("B12_BROKERS"):
            files = (os.environ.get(f"B12_BROKERS_{name}") for name in ("CA", "CERT", "KEY"))
            return InternalKafka(brokers, *(Path(file) if file else None for file in files))
        return InternalKafka(
            self._connection()["bootstrap"],
            *(self.secrets / name for name in ("ca.pem", "internal.crt.pem", "internal.key.pem")),
        )

    def site_listener(self) -> SiteListener:
        """How labs reach Kafka. For a cluster of one's own: `B12_SITE_BROKERS`, and `B12_SITE_CA` (a file)."""
        if os.environ.get("B12_BROKERS"):
            brokers = os.environ.get("B12_SITE_BROKERS") or os.environ["B12_BROKERS"]
            ca = os.environ.get("B12_SITE_CA")
            return SiteListener(tuple(brokers.split(",")), Path(ca).read_text() if ca else None)
        return SiteListener((self._connection()["site_bootstrap"],), (self.secrets / "ca.pem").read_text())

    def put_connection(self, bootstrap: str, site_bootstrap: str) -> None:
        """Record where the local broker listens, for every later command."""
        table = {"bootstrap": bootstrap, "site_bootstrap": site_bootstrap}
        settings_file.write(self.secrets / "internal.toml", table, settings_file.SECRET)

    def _connection(self) -> dict[str, str]:
        try:
            return settings_file.read(self.secrets / "internal.toml")
        except FileNotFoundError:
            raise EnvironmentProblem(
                f"{self.path}: no broker has been started here; run `b12 up`, or name a cluster with B12_BROKERS"
            ) from None


def partitions() -> int:
    """Partitions of every topic, the same for all (`B12_PARTITIONS`, default 2): Faust wants them equal."""
    text = os.environ.get("B12_PARTITIONS") or "2"
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        raise UsageError("B12_PARTITIONS: a whole number from 1 to 1000")
    return int(text)


def quick_way() -> str:
    """How events that fill in one form are accepted together (`B12_FORMS`, default `compiled`; see streams/fast)."""
    text = os.environ.get("B12_FORMS") or "compiled"
    if text not in ("compiled", "columns", "off"):
        raise UsageError("B12_FORMS: `compiled`, `columns` or `off`")
    return text


def _table(site: Site) -> dict[str, object]:
    fields = {name: getattr(site, name) for name in Site.__struct_fields__ if name != "id"}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
