"""A dangerous value on a real broker: pushed, alerted although the worker was killed, seen, posted and acknowledged."""

import json
import time
from datetime import UTC, datetime, timedelta

from b12 import cli, registration
from contracts.site import Site
from lake import crash
from streams.alert_webhook import hook
from tests.alert_receiver import receiving
from tests.sample_events import event
from tests.worker_processes import SECONDS, Worker, forget_dead_workers

NOW = datetime.now(UTC)


def result(site, number, **data):
    taken = (NOW - timedelta(days=1)).date().isoformat()
    return event(
        site=site.id,
        id=f"r-{number}",
        record=f"LIS-{number}",
        subject=f"S-{number}",
        time=NOW.isoformat(),
        data={"person": "infant", "collected": taken, "resulted": taken} | data,
    )


def wait_for(found):
    end = time.monotonic() + SECONDS
    while not found() and time.monotonic() < end:
        time.sleep(0.1)
    assert found()


def test_a_dangerous_value_reaches_people_once_although_the_worker_was_killed_before_it_told(
    intake_home, start_worker, new_site_id, tmp_path, capsys, monkeypatch
):
    site = Site(id=new_site_id(), name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
    registration.register(intake_home, site)
    config = tmp_path / f"{site.id}.toml"
    config.write_bytes(intake_home.lab_config(site.id).read_bytes())
    events = tmp_path / "events.ndjson"
    events.write_bytes(
        b"\n".join(
            [result(site, 1, value=93.75), *(result(site, number, value=400 + number) for number in range(2, 40))]
        )
    )

    def b12(*arguments):
        assert cli.main([*map(str, arguments), "--as", site.id, "--config", str(config)]) == 0
        return capsys.readouterr().out

    b12("push", events)
    victim = start_worker(**{crash.SETTING: "committed"})
    assert victim.wait_for_end() == -9
    forget_dead_workers(intake_home)
    assert b12("alerts").startswith("0 alerts to acknowledge.")

    start_worker()
    wait_for(lambda: b12("alerts").count("\n") > 1)
    told = b12("alerts")
    assert told.startswith("critical: infant S-1: lab_result LIS-1: b12_deficient: ")
    assert "1 alert to acknowledge. An alert does not replace the laboratory's own call" in told
    alert_id = told.partition("b12 acknowledge ")[2].split()[0]

    with receiving() as receiver:
        receiver.refuses_first = True
        monkeypatch.setenv("B12_ALERT_WEBHOOK_URL", receiver.url)
        hook(intake_home)
        receiver.trust(intake_home)
        ours = Worker(intake_home, ("-m", "b12.cli", "alert-webhook"))
        try:
            wait_for(lambda: sum(id_ == alert_id for id_, _, _ in receiver.heard) == 2)
        finally:
            assert ours.stop() == 0
    heard = [(body, is_signed) for id_, body, is_signed in receiver.heard if id_ == alert_id]
    assert heard[0] == heard[1]
    assert heard[0][1]
    assert json.loads(heard[0][0])["data"]["rule"] == "b12_deficient"
    assert not any("93.75" in text for text in (told, heard[0][0].decode(), ours.log.read_text()))

    said = b12("acknowledge", alert_id[:12], "--reason", "treated")
    assert said == "Acknowledged: b12_deficient of infant S-1: treated.\n"
    assert b12("alerts").startswith("0 alerts to acknowledge.")
    assert "acknowledged" in b12("alerts", "--all")
