"""`b12 up`, `status`, `down`: a supervisor and a broker for real, and what people are told when something is wrong."""

import os
import signal
import socket
import subprocess
import time

from b12 import cli
from b12.local import broker, processes, stack


def belonging_to(home):
    """Command lines of every process on this machine that names the home."""
    listing = subprocess.run(["ps", "ax", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout  # noqa: S607
    return [line for line in listing.splitlines() if str(home.path) in line]


def test_up_twice_is_one_stack_and_down_leaves_nothing(stack_home, capfd):
    home = stack_home
    assert cli.main(["up", "--only", "broker"]) == 0
    first = processes.running(home)
    assert set(first) == {"supervisor", "broker"}
    assert cli.main(["up", "--only", "broker"]) == 0
    assert processes.running(home) == first

    assert cli.main(["site", "add", "BLR01", "--name", "A", "--country", "IN", "--time-zone", "Asia/Kolkata"]) == 0
    config = home.lab_config("BLR01")
    before = config.read_bytes()
    assert cli.main(["site", "add", "BLR01", "--name", "A", "--country", "IN", "--time-zone", "Asia/Kolkata"]) == 0
    assert cli.main(["site", "add", "BLR01", "--name", "A", "--country", "KE", "--time-zone", "Asia/Kolkata"]) == 2
    assert cli.main(["site", "list"]) == 0
    told = capfd.readouterr()
    assert "exists already" in told.out
    assert "registered already, with other settings" in told.err
    assert "Traceback" not in told.err
    assert config.read_bytes() == before
    password = next(line for line in before.decode().splitlines() if line.startswith("password")).split('"')[1]
    everything_said = told.out + told.err + "".join(p.read_text() for p in home.logs.iterdir())
    assert password not in everything_said + "".join(belonging_to(home))

    # A broker that dies is started again by the supervisor.
    os.kill(first["broker"], signal.SIGKILL)
    end = time.monotonic() + 30
    while processes.alive(home, "broker") in (None, first["broker"]) and time.monotonic() < end:
        time.sleep(0.1)
    assert cli.main(["up", "--only", "broker"]) == 0
    states = {state.process: state.word for state in stack.status(home)}
    assert states["broker"] == "up"
    assert cli.main(["status"]) == 3  # the workers were not asked for

    # Nothing is left, even when nothing looks after the broker any more.
    os.kill(processes.alive(home, "supervisor"), signal.SIGKILL)
    while processes.alive(home, "supervisor"):
        time.sleep(0.05)
    assert {state.process: state.word for state in stack.status(home)}["broker"] == "orphaned"
    assert cli.main(["down"]) == 0
    assert processes.running(home) == {}
    assert belonging_to(home) == []
    assert cli.main(["down"]) == 0
    assert "nothing ran" in capfd.readouterr().out


def test_a_taken_port_stops_up_before_anything_starts(stack_home, capfd):
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(os.environ["B12_SITE_PORT"])))
        other.listen()
        assert cli.main(["up", "--only", "broker"]) == 3
    message = capfd.readouterr().err
    assert os.environ["B12_SITE_PORT"] in message
    assert "B12_SITE_PORT" in message
    assert message.count("\n") == 1
    assert processes.running(stack_home) == {}


def test_a_half_formatted_directory_stops_up(stack_home, capfd):
    (stack_home.broker / "data" / "__cluster_metadata-0").mkdir(parents=True)
    assert cli.main(["up", "--only", "broker"]) == 3
    assert "half-formatted" in capfd.readouterr().err
    assert processes.running(stack_home) == {}


def test_an_interrupted_formatting_is_done_again(stack_home):
    (stack_home.broker / "data.making" / "__cluster_metadata-0").mkdir(parents=True)
    broker.prepare(stack_home, stack.Ports.from_env())
    assert broker.is_formatted(stack_home)
    assert not (stack_home.broker / "data.making").exists()


def test_an_unknown_part_is_a_usage_error(stack_home, capfd):
    assert cli.main(["up", "--only", "brokr"]) == 2
    assert "broker, worker, dagster" in capfd.readouterr().err
