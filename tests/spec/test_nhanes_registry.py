"""What the registry makes of NHANES 2003-2004: real toddlers and comparators, none of them a case.

The counts stand in the data's own README. The files go through the mappings and the lake without Kafka; the whole way
is in tests/integration/test_nhanes.py.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest

from contracts.site import Site
from lake.home import Home
from lake.snapshot import snapshot
from registry import build, inputs
from sites import mapping_file
from sites.checking import Report, check_table
from tests import nhanes
from tests.lake_fixture import record

SITE = Site(id="NHANES", name="NHANES 2003-2004", country="US", time_zone="America/New_York")
RECEIVED = datetime(2026, 11, 22, 12, tzinfo=UTC)

Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Rows of an answer of a release that holds everything that NHANES has to say."""
    directory = nhanes.directory()
    home = Home(tmp_path_factory.mktemp("nhanes"))
    home.make()
    home.ensure_secret()
    home.put_site(SITE)
    said: list[bytes] = []
    for name, file in nhanes.FILES.items():
        mapping = mapping_file.load(nhanes.MAPPINGS / f"{name}.toml")
        statements = check_table(directory / file, mapping, SITE, RECEIVED, Report(directory / file))
        said += [statement.raw for statement in statements]
    record(home, SITE, said, received=RECEIVED)
    given = inputs.pinned(home, snapshot(home), date(2004, 12, 31))
    candidate = home.path / "candidate.duckdb"
    for _ in build.run(given, candidate, home.path / "operators.duckdb", commented=False):
        pass
    with duckdb.connect(str(candidate), read_only=True) as connection:
        yield lambda query: connection.execute(query).fetchall()


def test_nobody_is_a_case(ask: Ask) -> None:
    assert ask("SELECT count(*), count(*) FILTER (is_case) FROM research.cases") == [(10_122, 0)]


def test_the_toddlers_with_b12_are_none_and_eight_of_them_low(ask: Ask) -> None:
    query = """
        SELECT class, reason, is_low_b12, is_isolated_functional, count(*)
        FROM research.cases WHERE class <> 'not_eligible' GROUP BY ALL
    """
    assert set(ask(query)) == {
        ("none", None, False, False, 422),
        ("none", None, True, False, 8),
        ("not_assessable", "no_baseline", False, False, 693),
    }
    measured = """
        SELECT c.class, count(*) FROM research.cases AS c INNER JOIN core.lab_results AS l USING (subject_key)
        WHERE l.analyte = 'b12' AND l.age_months BETWEEN 12 AND 35 GROUP BY ALL
    """
    assert ask(measured) == [("none", 430)]


def test_everyone_older_and_nobody_else_is_not_eligible(ask: Ask) -> None:
    query = """
        SELECT c.class = 'not_eligible', s.person, count(*), min(s.enrolled_age_days), max(s.enrolled_age_days)
        FROM research.cases AS c INNER JOIN core.subjects AS s USING (subject_key) GROUP BY ALL ORDER BY ALL
    """
    (_, *infants), (_, *older) = ask(query)
    assert infants[:2] == ["infant", 1_123]
    assert older[:2] == ["comparator", 8_999]
    # The reference day is the 15th of a month and so is every birth: 35 and 36 calendar months apart.
    assert infants[3] < 1_095 <= older[2]


def test_anaemia_in_the_second_year_is_as_counted_by_the_rule_of_its_age(ask: Ask) -> None:
    query = """
        SELECT count(*), count(*) FILTER (state = 'true'),
            count(*) FILTER (subject_key IN (SELECT subject_key FROM core.lab_results WHERE analyte = 'b12')),
            count(*) FILTER (
                state = 'true' AND subject_key IN (SELECT subject_key FROM core.lab_results WHERE analyte = 'b12')
            ),
            any_value(limits)
        FROM research.criterion_tests WHERE criterion = 'anaemia' AND age_months BETWEEN 12 AND 23
    """
    assert ask(query) == [(237, 5, 221, 4, "< 105")]


def test_comparators_meet_no_criterion_whatever_their_values(ask: Ask) -> None:
    assert ask("SELECT DISTINCT person FROM research.criterion_tests") == [("infant",)]


# The reasons, in sentences.

LOW = (
    "Nearest above: possible, alternative 5, at AGE days; it lacks 1 of 2.",
    "Missing: homocysteine_raised is unknown and would have to be true: Homocysteine at or above the cut-off of"
    " clinical cases. It was not measured, or only where it says nothing.",
)
ENOUGH = (
    "Nearest above: possible, alternative 1, though no specimen is abnormal; it lacks 1 of 1.",
    "Missing: b12_deficient is false and would have to be true: B12 below the deficient cut-off.",
    "At AGE days b12 was VALUE pmol/L; < 148 pmol/L is not met (b12_deficient v1, cited).",
)
UNMEASURED = (
    "Nearest above: possible, alternative 1, though no specimen is abnormal; it lacks 1 of 1.",
    "Missing: b12_deficient is unknown and would have to be true: B12 below the deficient cut-off. It was not measured,"
    " or only where it says nothing.",
)


def test_the_reasons_of_near_misses_read_well(ask: Ask) -> None:
    lines = ask(
        """
        SELECT subject_key, list(sentence ORDER BY line)
        FROM research.explanation_lines
        WHERE topic IN ('near_miss', 'missing') OR (topic = 'evidence' AND line > (
            SELECT min(n.line) FROM research.explanation_lines AS n
            WHERE n.subject_key = explanation_lines.subject_key AND n.topic = 'near_miss'
        ))
        GROUP BY subject_key
        """
    )
    told = Counter(tuple(map(_without_numbers, sentences)) for _, sentences in lines)
    assert told == {LOW: 8, ENOUGH: 422, UNMEASURED: 693}


def test_who_is_too_old_is_told_that_and_no_near_miss(ask: Ask) -> None:
    query = """
        SELECT DISTINCT sentence FROM research.explanation_lines AS x
        INNER JOIN research.cases AS c USING (subject_key) WHERE c.class = 'not_eligible'
    """
    assert {sentence for (sentence,) in ask(query)} == {
        "not_eligible by the definition default, version 1: Not an infant, not under 36 completed months, or with an"
        " inborn error of cobalamin.",
        "infant is false: The subject is an infant of the registry, not a comparator of another age.",
        "No treatment with B12 is reported.",
    }


def _without_numbers(sentence: str) -> str:
    aged = re.sub(r"\b([Aa]t) \d+ days", r"\1 AGE days", sentence)
    return re.sub(r"was [\d.]+ ", "was VALUE ", aged)
