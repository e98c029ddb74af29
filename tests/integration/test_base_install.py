"""A lab's install, the wheel with its base dependencies alone, checks and pushes without the platform's libraries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab_tables import RESULT

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
PLATFORM_ONLY = (
    "pyarrow",
    "pandas",
    "numpy",
    "duckdb",
    "deltalake",
    "faust",
    "aiokafka",
    "dagster",
    "great_expectations",
)

POSIX_ONLY = ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty")


def run(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The scripts' directory of an environment that holds the wheel and what it asks for, as the lock pins it."""
    directory = tmp_path_factory.mktemp("base")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", directory / "dist", cwd=ROOT)
    (wheel,) = (directory / "dist").glob("*.whl")
    run(UV, "venv", "--quiet", "--python", sys.executable, directory / "venv")
    scripts = directory / "venv" / "bin"
    install = (
        UV,
        "pip",
        "install",
        "--quiet",
        "--python",
        scripts / "python",
        "--constraint",
        ROOT / "requirements.lock",
    )
    # What made this environment left the same wheels in uv's cache.
    offline = subprocess.run([*map(str, install), "--offline", str(wheel)], capture_output=True, timeout=120)
    if offline.returncode:
        run(*install, wheel)
    return scripts


def test_it_holds_none_of_the_platforms_libraries(lab):
    found = run(
        lab / "python",
        "-c",
        f"import importlib.util as u; print([name for name in {PLATFORM_ONLY!r} if u.find_spec(name)])",
    )
    assert found.strip() == "[]"


@pytest.mark.parametrize("command", [["doctor"], ["status"], ["sql", "SELECT 1"], ["build"]])
def test_a_command_of_the_platform_names_the_extra(lab, tmp_path, command):
    done = subprocess.run([lab / "b12", *command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert "b12-registry[platform,local]" in line


def test_what_a_lab_runs_needs_no_module_that_windows_lacks(lab, tmp_path):
    (tmp_path / "lab.toml").write_text(RESULT)
    (tmp_path / "results.csv").write_text("code,sample,b12,taken\nA,S1,150,2026-03-14\n")
    without = f"""
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys({POSIX_ONLY!r}))
import contracts, sites
for room in (contracts, sites):
    for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        importlib.import_module(module.name)
from b12 import cli
sys.exit(cli.main(["check", "results.csv", "--map", "lab.toml"]))
"""
    assert "1 good event" in run(lab / "python", "-c", without, cwd=tmp_path)


def test_it_checks_and_pushes(lab, kafka_home, add_site, tmp_path):
    site = add_site()
    (tmp_path / f"{site.id}.toml").write_bytes(kafka_home.lab_config(site.id).read_bytes())
    (tmp_path / "lab.toml").write_text(RESULT)
    (tmp_path / "results.csv").write_text("code,sample,b12,taken\nA,S1,150,2026-03-14\nB,S2,<90,2026-03-14\n")
    environment = {"HOME": str(tmp_path), "PATH": os.defpath, "PYTHONWARNINGS": "error::ImportWarning"}

    def b12(*arguments):
        return run(lab / "b12", *arguments, cwd=tmp_path, env=environment)

    assert "2 good events" in b12("check", "results.csv", "--map", "lab.toml")
    assert "topic: good" in b12("ping", "--as", site.id)
    assert "2 sent" in b12("push", "results.csv", "--map", "lab.toml", "--as", site.id)
    assert "0 new, 0 changed, 2 as they were." in b12("push", "results.csv", "--map", "lab.toml", "--as", site.id)
    assert "0 accepted" in b12("receipts", "--as", site.id)
    assert "[[event]]" in b12("map", "init", "results.csv")
