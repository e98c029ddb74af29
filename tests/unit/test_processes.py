"""Pid files that cannot go stale, and stopping what they name."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from b12.local import processes

HOLDER = """
import signal, sys, time
from b12.local import processes
from lake.home import Home
{more}
assert processes.hold(Home(sys.argv[1]), "worker")
print("held", flush=True)
time.sleep(60)
"""


def hold(home, more=""):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER.format(more=more), str(home.path)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout.readline() == b"held\n"
    process.stdout.close()
    return process


def test_a_stale_pid_file_names_nobody(home):
    (home.run / "worker.pid").write_text("1\n")  # process 1 is alive, and is not ours
    assert processes.alive(home, "worker") is None
    processes.stop(home, "worker")
    processes.forget_ended(home)
    assert not (home.run / "worker.pid").exists()


def test_a_second_process_of_a_name_is_refused_until_the_first_ends(home):
    first = hold(home)
    assert processes.running(home) == {"worker": first.pid}
    assert not processes.hold(home, "worker")
    first.kill()
    first.wait()
    assert processes.running(home) == {}


def test_stop_asks_first(home):
    process = hold(home)
    processes.stop(home, "worker")
    assert process.wait(5) == -signal.SIGTERM


def test_stop_kills_what_does_not_listen(home):
    process = hold(home, "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    start = time.monotonic()
    processes.stop(home, "worker", seconds=0.3)
    assert process.wait(5) == -signal.SIGKILL
    assert time.monotonic() - start < 5


def test_children_that_outlive_a_killed_parent_are_ended_too(home):
    more = f"""
import os, subprocess
os.environ["B12_HOME"] = {str(home.path)!r}
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL)
open({str(home.run / "child")!r}, "w").write(str(child.pid))
"""
    parent = hold(home, more)
    child = int((home.run / "child").read_text())
    parent.kill()
    parent.wait()
    assert Path(f"/proc/{child}").exists()
    processes.forget_ended(home)
    end = time.monotonic() + 5  # a signal is sent at once and obeyed when the child's turn comes
    while is_running(child) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_running(child)


def test_another_programs_process_is_never_ended(home):
    (home.run / "worker.pid").write_text(f"{os.getpgid(0)}\n")
    processes.forget_ended(home)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
