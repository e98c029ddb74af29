"""When a worker counts as stuck: never while it is slow, idle, held or dealt anew, and soon when it is."""

import pytest
from faust.types import TP
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import UsageError
from streams.watchdog import BUSY_FACTOR, JOIN_FACTOR, LONGEST_LOOK, Look, Partition, View, Watchdog, patience

PATIENCE = 30
ONE, TWO = TP("b12.site.BLR01.events", 0), TP("b12.site.BLR01.events", 1)
ME, OTHER = "me", "other"


class Model:
    """A worker and its Kafka, of which one partition is read; `second` is what passes in one look."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.look = Look(
            at=self.at,
            member=ME,
            assigned=frozenset({ONE}),
            reading={ONE: Partition(0, 0, 0)},
            view=View({ONE: 0, TWO: 0}, "Stable", {ME: frozenset({ONE}), OTHER: frozenset({TWO})}),
        )
        self.watchdog = Watchdog(PATIENCE)

    def second(self, polls: bool = True, seconds: float = 1.0, **changes: object) -> object:
        self.at += seconds
        self.look = self.look._replace(at=self.at, polls=self.look.polls + polls, **changes)
        return self.watchdog.stuck(self.look)

    def partition(self, **changes: int) -> dict[TP, Partition]:
        return {ONE: self.look.reading[ONE]._replace(**changes)}

    def kafka(self, **changes: object) -> View:
        return self.look.view._replace(**changes)

    def until_stuck(self, most: int, **every_second: object) -> tuple[int, object]:
        """Seconds until it is stuck, with the same look again and again."""
        for second in range(most):
            if found := self.second(**every_second):
                return second, found
        return most, None


def waits(model: Model, count: int = 10) -> View:
    """Kafka's side when so many more deliveries stand ready."""
    return model.kafka(stable={**model.look.view.stable, ONE: model.look.view.stable[ONE] + count})


def test_a_quiet_worker_is_never_stuck():
    assert Model().until_stuck(10_000) == (10_000, None)


@pytest.mark.parametrize("part", ["coordinator", "fetcher", "thread"])
def test_a_part_that_ended_is_noticed_at_once(part):
    found = Model().second(ended=(part,))
    assert found.sign.name == "ended"
    assert part in found.sign.words


@pytest.mark.parametrize(
    ("sign", "changes", "seconds"),
    [
        ("reading", lambda m: {"view": waits(m)}, PATIENCE),
        ("storing", lambda m: {"reading": m.partition(position=5, handed=5)}, PATIENCE),
        ("polling", lambda _: {"polls": False}, PATIENCE),
        ("membership", lambda m: {"view": m.kafka(members={OTHER: frozenset({ONE, TWO})})}, PATIENCE),
        ("membership", lambda m: {"view": m.kafka(state="Empty", members={})}, PATIENCE),
        ("membership", lambda _: {"assigned": frozenset({ONE, TWO})}, PATIENCE),
        ("dealing", lambda m: {"view": m.kafka(members={ME: frozenset({ONE}), OTHER: frozenset()})}, PATIENCE),
        ("joining", lambda _: {"settled": False}, PATIENCE * JOIN_FACTOR),
        ("storing", lambda m: {"reading": m.partition(position=5, handed=5), "busy": True}, PATIENCE * BUSY_FACTOR),
    ],
)
def test_each_standstill_is_found_after_its_time_and_not_before(sign, changes, seconds):
    model = Model()
    model.second()
    took, found = model.until_stuck(10_000, **changes(model))
    assert found.sign.name == sign
    assert found.seconds == seconds
    assert took in (seconds, seconds - 1)  # a worker that has not been polled yet may have stopped before


def test_one_partition_that_stands_is_found_while_the_other_moves():
    model = Model()
    model.second(assigned=frozenset({ONE, TWO}), view=model.kafka(members={ME: frozenset({ONE, TWO})}))
    for offset in range(10_000):
        reading = {ONE: Partition(3, 3, 3), TWO: Partition(offset + 1, offset + 1, offset)}
        busy = offset % 2 == 0
        if found := model.second(reading=reading, busy=busy, view=model.kafka(stable={ONE: 9, TWO: offset + 1})):
            break
    assert found.sign.name == "reading"
    assert "partition 0" in found.sign.words
    assert PATIENCE <= found.seconds <= 3 * PATIENCE


def test_a_process_that_was_stopped_for_long_has_not_watched_for_long():
    model = Model()
    model.second(view=waits(model))
    assert model.second(seconds=3600) is None
    took, found = model.until_stuck(1000)
    assert found is not None
    assert took >= PATIENCE - LONGEST_LOOK - 1


STEPS = {
    # A partition that moves again within the patience, whatever else happens.
    "quiet": st.integers(1, 400),
    "produce": st.just(1),
    "read": st.just(1),
    "flush": st.integers(1, PATIENCE * (BUSY_FACTOR - 1)),
    "marker": st.just(1),
    "rebalance": st.integers(1, PATIENCE * JOIN_FACTOR - 1),
    "away": st.integers(1, 400),
    "hold": st.integers(1, 400),
    "stop": st.integers(1, 4000),
}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(STEPS)).flatmap(lambda step: st.tuples(st.just(step), STEPS[step])), max_size=12)
)
def test_a_worker_that_works_never_counts_as_stuck(story):
    """Each step leaves nothing waiting for longer than a healthy worker would."""
    model = Model()

    def second(**changes: object) -> None:
        found = model.second(**changes)
        assert found is None, found

    def catch_up() -> None:
        end = model.look.view.stable[ONE] if model.look.view else model.look.reading[ONE].position
        last = model.look.reading[ONE]
        second(reading={ONE: Partition(end, max(last.handed, end), last.stored)})
        second(reading={ONE: Partition(end, max(last.handed, end), max(last.handed, end))})

    for step, seconds in story:
        if step == "quiet":
            for _ in range(seconds):
                second()
        elif step == "produce":
            second(view=waits(model))
            catch_up()
        elif step == "read":
            second(view=waits(model))
            second(reading=model.partition(position=model.look.view.stable[ONE]))
            catch_up()
        elif step == "flush":  # nothing is polled and nothing moves while a slow disk is waited for
            last = model.look.reading[ONE]
            second(view=waits(model), reading=model.partition(position=last.position + 3, handed=last.position + 3))
            for _ in range(seconds):
                second(busy=True, polls=False)
            second(busy=False)
            catch_up()
        elif step == "marker":  # the end of a transaction: an offset of no delivery, never handed over nor stored
            second(view=waits(model, 1))
            second(reading=model.partition(position=model.look.view.stable[ONE]))
        elif step == "rebalance":
            for number in range(seconds):
                state = "PreparingRebalance" if number % 2 else "CompletingRebalance"
                second(settled=False, polls=False, reading={}, view=model.kafka(state=state, members={}))
            end = model.look.view.stable[ONE]
            second(
                settled=True,
                deals=model.look.deals + 1,
                reading={ONE: Partition(end, end, end)},
                view=model.kafka(state="Stable", members={ME: frozenset({ONE}), OTHER: frozenset({TWO})}),
            )
        elif step == "away":  # a broker is down: nobody can tell whether the worker stands or has nothing to do
            view = model.look.view
            for _ in range(seconds):
                second(view=None)
            second(view=view)
        elif step == "hold":  # a gap: deliveries wait, and the partition is not read until somebody acts
            reading = model.look.reading
            second(reading={}, view=waits(model))
            for _ in range(seconds):
                second()
            second(reading=reading)
            catch_up()
        else:  # SIGSTOP while something waits
            second(view=waits(model))
            second(seconds=seconds)
            catch_up()


def test_the_patience_is_a_setting(monkeypatch):
    assert patience() == 30
    monkeypatch.setenv("B12_WATCHDOG_SECONDS", "5")
    assert patience() == 5
    monkeypatch.setenv("B12_WATCHDOG_SECONDS", "soon")
    with pytest.raises(UsageError, match="B12_WATCHDOG_SECONDS"):
        patience()
