"""Real laboratory data through the whole chain: public files, mappings, Kafka, a worker, the lake, a release, SQL.

The expected numbers are counted from the files themselves and stand in the data's own README. Nothing here imports
the mappings, the contract or the registry: the commands are run as a lab, an operator and an analyst run them.
"""

import csv
import json
import os
import re
import subprocess
import sys

import duckdb
import pytest

from tests import nhanes


@pytest.fixture(scope="module")
def b12(running):
    """`b12(*words)` runs the command in a home whose release holds everything that NHANES has to say."""
    from b12 import registration
    from contracts.site import Site
    from tests.worker_processes import wait_for_rows

    home, _ = running
    site = Site(id="NHANES", name="NHANES 2003-2004", country="US", time_zone="America/New_York")
    registration.register(home, site)

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "b12.cli", *words],
            env={**os.environ, "B12_HOME": str(home.path)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"b12 {words[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    directory = nhanes.directory()
    pushed = 0
    for mapping, data in nhanes.FILES.items():
        words = run("push", str(directory / data), "--map", str(nhanes.MAPPINGS / f"{mapping}.toml"), "--as", "NHANES")
        pushed += int(re.search(r"([\d,]+) sent", words)[1].replace(",", ""))
    wait_for_rows(home, site, pushed)
    run("build", "--cut-off", "2004-12-31", "--yes")
    return run


@pytest.fixture(scope="module")
def ask(b12, running):
    """Rows of an answer of the current release, opened as any analyst with DuckDB opens it."""
    home, _ = running
    current = json.loads((home.releases / "current.json").read_bytes())["release"]
    with duckdb.connect(str(home.releases / f"{current}.duckdb"), read_only=True) as connection:
        yield lambda query: connection.sql(query).fetchall()


def test_every_b12_value_arrives_once_with_both_of_its_units(ask):
    query = """
        SELECT count(*), count(*) FILTER (unit_reported = 'pmol/L' AND other_unit_reported = 'pg/mL'),
            count(*) FILTER (relative_disagreement <= 0.001), count(*) FILTER (is_usable)
        FROM core.lab_results WHERE analyte = 'b12'
    """
    assert ask(query) == [(8267, 8267, 8267, 8267)]


def test_the_command_for_analysts_gives_the_same_answer(b12):
    query = "SELECT count(*) AS results FROM core.lab_results WHERE analyte = 'b12'"
    assert json.loads(b12("sql", query, "--format", "json")) == [{"results": 8267}]


def test_low_values_are_counted_in_the_unit_in_which_each_cut_off_was_published(ask):
    query = """
        SELECT count(*) FILTER (other_value_reported < 200), count(*) FILTER (value < 148),
            count(*) FILTER (value < 221)
        FROM core.lab_results WHERE analyte = 'b12'
    """
    assert ask(query) == [(112, 114, 801)]


def test_toddlers_have_the_known_distribution(ask):
    query = """
        SELECT count(*), count(*) FILTER (other_value_reported < 200), median(other_value_reported)
        FROM core.lab_results WHERE analyte = 'b12' AND age_months BETWEEN 12 AND 35
    """
    assert ask(query) == [(430, 0, 801.5)]


def test_haemoglobin_in_the_second_year_has_the_known_count_of_anaemia(ask):
    query = """
        WITH second_year AS (
            SELECT subject_key, value, subject_key IN (
                SELECT subject_key FROM core.lab_results WHERE analyte = 'b12'
            ) AS has_b12
            FROM core.lab_results WHERE analyte = 'haemoglobin' AND age_months BETWEEN 12 AND 23
        )
        SELECT count(*), count(*) FILTER (value < 105), count(*) FILTER (has_b12),
            count(*) FILTER (has_b12 AND value < 105)
        FROM second_year
    """
    assert ask(query) == [(237, 5, 221, 4)]


def test_functional_markers_have_the_known_counts(ask):
    query = """
        SELECT count(*) FILTER (analyte = 'homocysteine' AND value > 6.5),
            count(*) FILTER (analyte = 'mma' AND value > 0.26), min(age_months) >= 36
        FROM core.lab_results WHERE analyte IN ('homocysteine', 'mma')
    """
    assert ask(query) == [(4536, 506, True)]


def test_no_case_is_found_among_comparators(ask):
    assert ask("SELECT count(*) FROM research.cases WHERE is_primary_case") == [(0,)]
    query = """
        SELECT c.class, count(*) FROM research.cases AS c
        INNER JOIN core.subjects AS s USING (subject_key)
        WHERE s.cut_off_age_months IS NOT NULL GROUP BY ALL ORDER BY ALL
    """
    classes = dict(ask(query))
    assert classes["none"] == 430
    assert set(classes) == {"none", "not_eligible", "not_assessable"}
    assert sum(classes.values()) == 10122


def test_still_breastfed_is_no_end_and_unknown_is_no_age(ask):
    with (nhanes.directory() / "DBQ_C.csv").open(newline="") as file:
        stopped = [row["DBD030"] for row in csv.DictReader(file) if row["DBQ010"] == "1"]
    known = [int(days) for days in stopped if days not in ("", "777777", "999999")]
    query = """
        SELECT count(*) FILTER (end_age_days IS NULL), count(*) FILTER (end_age_days IS NOT NULL), max(end_age_days)
        FROM core.feeding WHERE is_breastfed
    """
    [(going_on, ended, longest)] = ask(query)
    assert (going_on, ended) == (known.count(0), len(known) - known.count(0))
    # Births and ends are known to the month, and a month stands as its 15th.
    assert abs(longest - max(known)) <= 31


def test_every_delivery_has_one_verdict(ask):
    rows = ask("SELECT verdict, sum(deliveries)::BIGINT FROM summary.verdicts GROUP BY ALL")
    assert dict(rows) == {"included": sum(count for _, count in rows)}
