"""How dead letters are replayed: what is written, what is passed over; by a command's hand or in Dagster."""

import dagster as dg
import pytest

from contracts.errors import EnvironmentProblem
from lake.dead_letters import Place
from lake.home import REPLAY_TOPIC
from lake.origins import Origin, origin_of
from pipelines.replays import replay_job
from streams import replays
from tests.dead_letters_fixture import RECEIVED_MS, SECRET_VALUE, UNIT, UUID, kept
from tests.lake_fixture import record_replays
from tests.registry_fixture import BLR01


def test_a_replay_is_the_record_byte_by_byte_with_its_senders_headers_and_its_origin(home, producer, open_):
    with open_(home) as opened:
        progress = []
        done = opened.replay(opened.ready("BLR01", None, again=False), progress.append)
    assert (done, sum(progress)) == ((3, 0, 0), 3)
    assert [sent.value for sent in producer.sent] == [SECRET_VALUE, UNIT, None]
    assert {(sent.topic, sent.partition) for sent in producer.sent} == {(REPLAY_TOPIC, 0)}
    assert producer.sent[1].headers[:2] == [("traceparent", b"00"), ("ce_id", b"")]
    assert len(producer.sent[1].headers) == 3
    assert origin_of(producer.sent[1].headers) == Origin("BLR01", BLR01.events_topic, UUID, 0, 2, RECEIVED_MS)
    assert producer.sent[2].key == f"{UUID}/0/4".encode()


def test_a_replay_of_a_replay_names_the_first_delivery(home, producer, open_):
    record_replays(home, [(BLR01, 2, b"{}")])
    with open_(home) as opened:
        letters = opened.ready("BLR01", "field_missing", again=True)
        assert opened.ready("BLR01", "field_missing", again=False) == []
        assert opened.replay(letters).written == 1
    assert origin_of(producer.sent[0].headers) == Origin("BLR01", BLR01.events_topic, UUID, 0, 2, RECEIVED_MS)


def test_what_kafka_deletes_meanwhile_and_what_it_takes_no_more_is_said(home, producer, open_, records):
    del records.found[Place(UUID, 0, 1)]
    records.found[Place(UUID, 0, 2)] = kept(b"x" * (replays.MOST_BYTES + 1))
    records.found[Place(UUID, 0, 4)] = kept(producer.too_large)
    with open_(home) as opened:
        assert opened.replay(opened.ready("BLR01", None, again=False)) == (0, 1, 2)


def test_a_kafka_that_fails_on_the_way_says_how_far_it_came(home, producer, open_):
    producer.fails_after = 2
    with open_(home) as opened, pytest.raises(EnvironmentProblem, match=r"2 of 3 are written; run it again"):
        opened.replay(opened.ready("BLR01", None, again=False))


# The same in Dagster


def executed(home, open_, **config):
    with dg.DagsterInstance.ephemeral() as instance:
        return replay_job(home, open_).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={
                "ops": {"replay": {"config": config}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
        )


def test_an_operator_replays_in_dagster(home, open_, producer):
    result = executed(home, open_, site="BLR01", rule="unit_not_for_code")
    assert result.success
    [output] = [event for event in result.all_events if event.is_successful_output]
    told = {name: value.value for name, value in output.step_output_data.metadata.items()}
    assert told == {"written": 1, "on their way before": 0, "expired": 0, "too large": 0, "refused again before": 0}
    assert [sent.value for sent in producer.sent] == [UNIT]
    assert "furlong" not in str(result.all_events)


def test_a_wrong_site_ends_the_run_with_a_sentence(home, open_, producer):
    result = executed(home, open_, site="NOT01")
    assert not result.success
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert "NOT01" in str(failure.step_failure_data.user_failure_data.description)
    assert producer.sent == []
