"""A milestone that is not there after it was, without a loss: a question to the site that closes itself."""

from pathlib import Path

from tests.registry_fixture import BLR01, built
from tests.sample_events import event

TIME = "2026-04-20T08:00:00Z"
RULE = "not_yet_after_achieved"

STORIES = {
    "not there after it was": ("2026-01-10 achieved; 2026-03-10 not_yet", [1]),
    "only emerging after it was": ("2026-01-10 achieved; 2026-03-10 emerging", [1]),
    "not there after it came back": ("2026-01-10 lost; 2026-02-10 regained; 2026-03-10 not_yet", [2]),
    "lost between": ("2026-01-10 achieved; 2026-02-10 lost; 2026-03-10 not_yet", []),
    "lost on the day": ("2026-01-10 achieved; 2026-03-10 lost; 2026-03-10 not_yet", []),
    "lost afterwards": ("2026-01-10 achieved; 2026-03-10 not_yet; 2026-03-11 lost", [1]),
    "not there before it was": ("2026-01-10 not_yet; 2026-03-10 achieved", []),
    "both on one day": ("2026-03-10 achieved; 2026-03-10 not_yet", []),
    "perhaps on one day": ("2026-03-10 achieved; 2026-03 not_yet", []),
    "a month later": ("2026-02 achieved; 2026-03 not_yet", [1]),
}


def milestone(subject: str, place: int, told: str, time: str = TIME) -> bytes:
    observed, status = told.split()
    data = {"code": "rolling", "status": status, "observed": observed, "attained": None}
    record = f"{subject}-{place}"
    return event("milestone", id=f"{record}-{time}", record=record, subject=subject, time=time, data=data)


def asked(directory: Path, events: list[bytes], columns: str = "r.rule") -> list[tuple[object, ...]]:
    with built(directory, {BLR01: events}, ["staging.findings"], ruled=False) as connection:
        query = f'SELECT d."offset", {columns} FROM staging.findings AS r JOIN staging.deliveries AS d USING (delivery)'
        return connection.execute(f"{query} WHERE r.rule = '{RULE}' ORDER BY ALL").fetchall()


def test_each_story_is_asked_about_where_it_contradicts_itself(tmp_path: Path) -> None:
    events: list[bytes] = []
    expected: list[int] = []
    for name, (story, found) in STORIES.items():
        expected += [len(events) + place for place in found]
        events += [milestone(name.replace(" ", "-"), place, told) for place, told in enumerate(story.split("; "))]
    assert [row[0] for row in asked(tmp_path, events)] == expected


def test_it_closes_when_it_is_mended_or_confirmed(tmp_path: Path) -> None:
    story = [milestone("s", 0, "2026-01-10 achieved"), milestone("s", 1, "2026-03-10 not_yet")]
    mended = milestone("s", 1, "2026-03-10 lost", time="2026-04-21T08:00:00Z")
    answer = {"target_kind": "milestone", "target_record": "s-1", "rule": RULE, "reason": "checked_source"}
    confirmed = event(
        "confirmation", id="c", record="c", subject="s", time="2026-04-21T08:00:00Z", data=answer | {"until": None}
    )
    assert asked(tmp_path, story, "r.severity, r.effect, r.is_confirmed") == [(1, "critical", "finding", False)]
    assert asked(tmp_path, [*story, confirmed], "r.is_confirmed") == [(1, True)]
    assert asked(tmp_path, [*story, mended]) == []
