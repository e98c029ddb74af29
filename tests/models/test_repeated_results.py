"""Results of a person that are all the same as on an earlier day: a question to the site that closes itself."""

from pathlib import Path

import pytest

from tests.registry_fixture import BLR01, built
from tests.sample_events import event

RULE = "same_results_as_before"
TIME = "2026-04-20T08:00:00Z"
BARE = dict.fromkeys(("reference_low", "reference_high", "limit_low", "limit_high"))
BLOOD = "venous_whole_blood"
TESTS = (
    ("14685-2", "pmol/L", "serum"),
    ("13965-9", "umol/L", "plasma"),
    ("718-7", "g/L", BLOOD),
    ("787-2", "fL", BLOOD),
)

STORIES = {
    "copied": ("infant 2026-01-10 118 9.1 104; infant 2026-03-10 118 9.1 104", 1),
    "copied twice": ("infant 2026-01-10 118 9.1 104; infant 2026-02-10 118 9.1 104; infant 2026-03-10 118 9.1 104", 2),
    "one is new": ("infant 2026-01-10 118 9.1 104 80; infant 2026-03-10 118 9.1 104 81", 0),
    "one was not measured again": ("infant 2026-01-10 118 9.1 104 80; infant 2026-03-10 118 9.1 104", 1),
    "too few": ("infant 2026-01-10 118 9.1; infant 2026-03-10 118 9.1", 0),
    "mother and infant": ("infant 2026-01-10 118 9.1 104; mother 2026-03-10 118 9.1 104", 0),
    "the mother's": ("mother 2026-01-10 118 9.1 104; mother 2026-03-10 118 9.1 104", 1),
    "one day": ("infant 2026-01-10 118 9.1 104; infant 2026-01-10 118 9.1 104", 0),
    "perhaps one day": ("infant 2026-01-10 118 9.1 104; infant 2026-01 118 9.1 104", 0),
    "a bound": ("infant 2026-01-10 118 9.1 <104; infant 2026-03-10 118 9.1 <104", 0),
}


def results(subject: str, story: str, time: str = TIME) -> list[bytes]:
    made: list[bytes] = []
    for part in story.split("; "):
        person, day, *values = part.split()
        for (loinc, unit, specimen), value in zip(TESTS, values, strict=False):
            data = {
                "person": person,
                "loinc": loinc,
                "unit": unit,
                "specimen": specimen,
                "collected": day,
                "resulted": None,
                **BARE,
            }
            data |= {"value": float(value.lstrip("<")), "comparator": "<" if value.startswith("<") else None}
            record = f"{subject}-{len(made)}"
            made.append(event(id=f"{record}-{time}", record=record, subject=subject, time=time, data=data))
    return made


def asked(directory: Path, events: list[bytes]) -> list[tuple[object, ...]]:
    with built(directory, {BLR01: events}, ["staging.findings"], ruled=False) as connection:
        query = (
            'SELECT d."offset", f.is_confirmed FROM staging.findings AS f JOIN staging.deliveries AS d USING (delivery)'
        )
        return connection.execute(f"{query} WHERE f.rule = '{RULE}' ORDER BY ALL").fetchall()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How often each story is asked about."""
    events: list[bytes] = []
    of: list[str] = []
    for name, (story, _) in STORIES.items():
        made = results(name.replace(" ", "-").replace("'", ""), story)
        events += made
        of += [name] * len(made)
    questions = [of[int(str(offset))] for offset, _ in asked(tmp_path_factory.mktemp("repeats"), events)]
    return {name: questions.count(name) for name in STORIES}


@pytest.mark.parametrize("name", STORIES)
def test_each_day_that_is_a_copy_is_asked_about_once(found: dict[str, int], name: str) -> None:
    assert found[name] == STORIES[name][1]


def test_it_closes_when_it_is_mended_or_confirmed(tmp_path: Path) -> None:
    story = results("s", "infant 2026-01-10 118 9.1 104; infant 2026-03-10 118 9.1 104")
    [(offset, is_confirmed)] = asked(tmp_path, story)
    assert is_confirmed is False
    answer = {"target_kind": "lab_result", "target_record": f"s-{offset}", "rule": RULE, "reason": "checked_source"}
    later = "2026-04-21T08:00:00Z"
    confirmed = event("confirmation", id="c", record="c", subject="s", time=later, data=answer | {"until": None})
    assert asked(tmp_path, [*story, confirmed]) == [(offset, True)]
    mended = results("s", "infant 2026-01-10 118 9.1 104; infant 2026-03-10 171 8.0 106", later)[3:]
    assert asked(tmp_path, [*story, *mended]) == []
