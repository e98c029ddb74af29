"""Offsets that are missing: what is read again, what is passed over, and what holds a partition."""

from lake import gaps
from lake.snapshot import snapshot
from streams.transport import Grant
from tests.intake_fixture import ONE, SITE, TWO, UUID, ids, offsets, run, said


def test_a_missing_fetch_leads_back_to_the_lake(home, kafka, new_intake, caplog):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        first = kafka.granted[ONE].lease
        await intake.accept(kafka.fetch(ONE, 5, *ids(1, 5)))  # the fetch from 2 to 5 was lost
        assert kafka.withdrawn == [ONE]
        assert kafka.granted[ONE].offset == 0
        await intake.accept(kafka.fetch(ONE, 6, *ids(1, 6), lease=first))  # still on its way
        await intake.accept(kafka.fetch(ONE, 0, *ids(7)))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, number) for number in range(7)]
    assert len(said(caplog, "chain_broken")) == 1


def test_a_last_fetch_that_never_arrives_is_read_again_after_a_while(home, kafka, new_intake, monkeypatch, caplog):
    monkeypatch.setattr("streams.intake.RETRY_SECONDS", 0)

    async def story(patience):
        monkeypatch.setattr("streams.intake.PATIENCE_SECONDS", patience)
        intake = new_intake()
        await intake.take([ONE])
        lease = kafka.granted[ONE].lease
        kafka.handed[ONE] = Grant(3, lease)
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        for _ in range(3):
            await intake.tick()
        return kafka.granted[ONE].lease != lease

    assert not run(story(patience=60))
    assert run(story(patience=0))
    assert len(said(caplog, "chain_broken")) == 1


def test_offsets_that_no_record_has_break_no_chain(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.accept(kafka.fetch(ONE, 2, *ids(2, 5), offset=5))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, 0), (0, 1), (0, 5), (0, 6)]
    assert (kafka.sent[0]["from_offset"], kafka.sent[0]["to_offset"], kafka.sent[0]["accepted"]) == (0, 7, 4)


def test_a_gap_holds_its_partition_alone_until_it_is_accepted(home, kafka, new_intake, monkeypatch, caplog):
    monkeypatch.setattr("streams.intake.RETRY_SECONDS", 0)

    async def story():
        before = new_intake()
        await before.take([ONE, TWO])
        await before.accept(kafka.fetch(ONE, 0, *ids(2)))
        await before.accept(kafka.fetch(TWO, 0, *ids(2)))
        await before.flush()
        kafka.log[ONE] = (10, 1000)
        kafka.granted.clear()
        intake = new_intake()
        await intake.take([ONE, TWO])
        assert list(kafka.granted) == [TWO]
        await intake.tick()
        assert list(kafka.granted) == [TWO]
        await intake.accept(kafka.fetch(TWO, 2, *ids(1, 2)))
        (gap,) = gaps.accept(home, SITE.events_topic)
        assert (gap.from_offset, gap.to_offset) == (2, 10)
        await intake.tick()
        assert kafka.granted[ONE].offset == 10
        await intake.accept(kafka.fetch(ONE, 10, *ids(1, 10)))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, 0), (0, 1), (0, 10), (1, 0), (1, 1), (1, 2)]
    assert snapshot(home).positions[UUID, 0][:2] == (11, 3)
    assert len(said(caplog, "held")) == 1


def test_what_was_deleted_before_the_first_flush_is_a_gap_too(home, kafka, new_intake, monkeypatch):
    monkeypatch.setattr("streams.intake.RETRY_SECONDS", 0)

    async def story():
        kafka.log[ONE] = (10, 1000)
        intake = new_intake()
        await intake.take([ONE, TWO])
        assert list(kafka.granted) == [TWO]
        (gap,) = gaps.accept(home, SITE.events_topic)
        assert (gap.from_offset, gap.to_offset) == (0, 10)
        await intake.tick()
        await intake.accept(kafka.fetch(ONE, 10, *ids(1, 10)))
        await intake.flush()

    run(story())
    assert offsets(home) == [(0, 10)]


def test_a_partition_whose_offset_kafka_lost_while_it_was_read_is_looked_at_again(home, kafka, new_intake):
    async def story():
        intake = new_intake()
        await intake.take([ONE])
        await intake.accept(kafka.fetch(ONE, 0, *ids(2)))
        await intake.flush()
        kafka.log[ONE], kafka.out_of_range = (10, 1000), {ONE}
        await intake.tick()

    run(story())
    assert [gap.to_offset for gap in gaps.gaps(home)] == [10]


def test_a_log_that_ends_before_the_lakes_offset_is_held_for_good(home, kafka, new_intake, caplog):
    async def story():
        before = new_intake()
        await before.take([ONE])
        await before.accept(kafka.fetch(ONE, 0, *ids(5)))
        await before.flush()
        kafka.log[ONE] = (0, 3)
        kafka.granted.clear()
        await new_intake().take([ONE])
        assert kafka.granted == {}

    run(story())
    assert [record.fields["reason"] for record in said(caplog, "held")] == ["log_ends_early"]
