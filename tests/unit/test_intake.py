"""What the intake takes, stores and commits, with a lake of its own and a stand-in of Kafka."""

import itertools

import pytest
from faust.types import TP

from contracts.errors import EnvironmentProblem, UsageError
from contracts.pseudonyms import pseudonym, site_key
from contracts.site import Site
from lake.snapshot import snapshot
from streams.intake import FENCES
from tests.intake_fixture import ONE, OTHER_UUID, SITE, TWO, UUID, ids, offsets, run, said
from tests.lake_fixture import rows
from tests.sample_events import event


def test_what_is_accepted_is_stored_answered_and_then_committed(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE, TWO])
        await intake.accept(kafka.fetch(ONE, 0, *ids(3)))
        await intake.accept(kafka.fetch(TWO, 0, b"not json", event(id="x", subject="S-9", data={"value": "7 units"})))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert [(data["partition"], data["from_offset"], data["to_offset"], data["accepted"]) for data in kafka.sent] == [
        (0, 0, 3, 3),
        (1, 0, 2, 0),
    ]
    unreadable, wrong = kafka.sent[1]["refused"]
    assert (unreadable["offset"], unreadable["rule"]) == (0, "not_json")
    assert "id_key" not in unreadable
    key = site_key(home.secret(), SITE.id)
    assert (wrong["kind"], wrong["path"]) == ("lab_result", "$.data.value")
    assert wrong["id_key"] == pseudonym(key, "id", "x").hex()
    assert wrong["subject_key"] == pseudonym(key, "subject", "S-9").hex()
    assert wrong["fix"]
    assert kafka.commits == {ONE: 3, TWO: 2}


def test_a_quiet_worker_writes_nothing(home, new_intake, monkeypatch):
    monkeypatch.setattr("streams.intake.FLUSH_SECONDS", 0)

    async def story():
        intake = new_intake()
        await intake.take([ONE, TWO])
        before = snapshot(home).version
        for _ in range(20):
            await intake.tick()
        await intake.close()
        return snapshot(home).version - before

    assert run(story()) == 0


def test_reading_starts_at_the_first_record_of_an_unknown_topic_and_then_at_the_lakes_offset(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        assert kafka.granted[ONE].offset == 0
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.flush()
        kafka.commits[ONE] = 30  # never used for progress
        await new_intake().take([ONE])
        assert kafka.granted[ONE].offset == 2

    run(story())


def test_a_topic_of_no_site_is_never_read(kafka, new_intake):
    run(new_intake().take([TP("b12.site.GONE01.events", 0)]))
    assert kafka.granted == {}


def test_revocation_discards_what_is_buffered(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        fetch = kafka.fetch(ONE, 0, *ids(2))
        await intake.accept(fetch)
        intake.drop()
        await intake.flush()
        await intake.accept(fetch)
        await intake.flush()

    run(story())
    assert snapshot(home).positions == {}
    assert kafka.sent == []
    assert kafka.commits == {}


def test_a_fenced_buffer_is_read_again_from_where_the_lake_is(home, kafka, new_intake, caplog):
    async def story():
        intake, other = new_intake(), new_intake()
        await intake.take([ONE, TWO])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.accept(kafka.fetch(TWO, 0, *ids(1)))
        ours = dict(kafka.granted)
        await other.take([ONE])
        await other.accept(kafka.fetch(ONE, 0, *ids(3)))
        await other.flush()
        kafka.granted = ours
        await intake.flush()
        assert {tp: grant.offset for tp, grant in kafka.granted.items()} == {ONE: 3, TWO: 0}
        await intake.accept(kafka.fetch(ONE, 3, *ids(1, 3)))
        await intake.accept(kafka.fetch(TWO, 0, *ids(1)))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0)]
    assert len(said(caplog, "fenced")) == 1


def test_one_who_is_fenced_again_and_again_names_the_likely_second_deployment(home, kafka, new_intake):
    async def story():
        intake, other = new_intake(), new_intake()
        await intake.take([ONE])
        for turn in itertools.count():
            await intake.accept(kafka.fetch(ONE, turn, *ids(1, turn)))
            await other.take([ONE])
            await other.accept(kafka.fetch(ONE, turn, *ids(1, turn)))
            await other.flush()
            await intake.flush()
            assert turn <= FENCES

    with pytest.raises(EnvironmentProblem, match="second deployment"):
        run(story())


def test_a_topic_made_again_is_read_from_its_start_and_its_rows_name_the_new_uuid(home, kafka, new_intake, caplog):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(3)))
        await intake.flush()
        await intake.accept(kafka.fetch(ONE, 3, *ids(1, 3)))  # fetched from the new topic, as it turns out
        kafka.uuids[SITE.events_topic] = OTHER_UUID
        await intake.flush()
        assert kafka.granted[ONE].offset == 0
        await intake.accept(kafka.fetch(ONE, 0, *ids(4, 100)))
        await intake.flush()

    run(story())
    found = {(row["topic_uuid"], row["offset"]) for row in rows(home)}
    assert found == {(UUID, 0), (UUID, 1), (UUID, 2), *((OTHER_UUID, number) for number in range(4))}
    assert len(said(caplog, "topic_remade")) == 1


def test_a_lake_restored_from_a_backup_judges_and_answers_anew(home, kafka, new_intake):
    async def story():
        kafka.commits[ONE] = 50
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.flush()

    run(story())
    assert [(data["from_offset"], data["to_offset"]) for data in kafka.sent] == [(0, 2)]
    assert kafka.commits == {ONE: 2}


def test_a_full_buffer_is_flushed_before_its_time(home, kafka, new_intake, monkeypatch):
    monkeypatch.setattr("streams.intake.FLUSH_ROWS", 3)
    monkeypatch.setattr("streams.intake.FLUSH_SECONDS", 3600)

    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.tick()
        assert offsets(home) == []
        await intake.accept(kafka.fetch(ONE, 2, *ids(2, 2)))
        await intake.tick()
        assert len(offsets(home)) == 4

    run(story())


def test_more_than_two_flushes_are_never_in_hand(home, kafka, new_intake, monkeypatch):
    monkeypatch.setattr("streams.intake.FLUSH_ROWS", 3)

    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(5)))
        assert offsets(home) == []
        await intake.accept(kafka.fetch(ONE, 5, *ids(1, 5)))
        assert len(offsets(home)) == 6

    run(story())


def test_closing_takes_nothing_more_and_flushes_what_is_there(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.close()
        await intake.accept(kafka.fetch(ONE, 2, *ids(2, 2)))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, 0), (0, 1)]


def test_a_sites_changed_codes_count_from_the_next_fetch(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        fields = {name: getattr(SITE, name) for name in Site.__struct_fields__}
        intake.register({SITE.events_topic: Site(**fields | {"lab_codes": ("B12-SER",)})})
        await intake.accept(kafka.fetch(ONE, 0, event(data={"local_code": "B12-SER"})))
        await intake.flush()

    run(story())
    assert [row["local_code"] for row in rows(home)] == ["B12-SER"]


def test_the_tables_are_compacted_every_fifty_commits(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        for number in range(52):
            await intake.accept(kafka.fetch(ONE, number, *ids(1, number)))
            await intake.flush()

    run(story())
    assert len(snapshot(home).files["lab_result"]) < 10
    assert len(offsets(home)) == 52


@pytest.mark.parametrize("way", ["compiled", "columns", "off", "broken"])
def test_many_events_of_one_form_are_stored_and_answered_whichever_way_they_are_judged(
    home, kafka, new_intake, monkeypatch, caplog, way
):
    monkeypatch.setenv("B12_FORMS", "compiled" if way == "broken" else way)
    if way == "broken":
        monkeypatch.setattr("streams.fast.quick.learn", lambda _: 1 / 0)
        monkeypatch.setattr("streams.fast.compiled.learn", lambda _: 1 / 0)

    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(100), b"not json", *ids(100, 100)))
        assert intake.places[ONE].rows == 201
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, number) for number in range(201)]
    [told] = kafka.sent
    assert (told["accepted"], [entry["offset"] for entry in told["refused"]]) == (200, [100])
    assert len(said(caplog, "forms_failed")) == (way == "broken")


def test_a_setting_of_forms_that_is_none_is_refused(kafka, new_intake, monkeypatch):
    monkeypatch.setenv("B12_FORMS", "yes")
    with pytest.raises(UsageError, match="B12_FORMS"):
        run(new_intake().take([ONE]))
