"""What a worker costs while nothing comes."""

import os
import time
from pathlib import Path

from lake.snapshot import snapshot
from tests.sample_events import event
from tests.worker_processes import add_to, send, wait_for_answers

SECONDS = 10.0
MOST = 0.02
"""Of a core. Half of it is what was measured, with three sites of two partitions."""


def test_a_quiet_worker_costs_little_and_commits_nothing(intake_home, start_worker, new_site_id):
    sites = [add_to(intake_home, new_site_id()) for _ in range(3)]
    worker = start_worker()
    for site in sites:
        send(intake_home, site, [event(site=site.id)])
    for site in sites:
        wait_for_answers(intake_home, site, 1)
    time.sleep(3)  # what follows a flush is done
    version, spent = snapshot(intake_home).version, processor_seconds(worker.process.pid)
    time.sleep(SECONDS)
    assert processor_seconds(worker.process.pid) - spent < MOST * SECONDS
    assert snapshot(intake_home).version == version


def processor_seconds(pid):
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
