"""Ages, units and the merging of reports in `core`, over small inputs with the expected rows beside them."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import msgspec
import pyarrow.parquet as pq

from contracts import codes
from contracts.events import DATA
from contracts.pseudonyms import as_uuid, halves
from contracts.site import Site
from lake.schema import PARTITIONS, schema
from registry import definitions
from registry.lake_views import SQL_TYPES, uuid_of
from tests.registry_fixture import BLR01, OSL01, built, given, key
from tests.sample_events import event

TIME = "2026-04-20T08:00:00Z"
MOLAR = {"loinc": "14685-2", "unit": "pmol/L", "local_code": None}
BLOOD = {"loinc": "718-7", "unit": "g/L", "specimen": "venous_whole_blood"}
BLANK = {"reference_low": None, "reference_high": None, "limit_low": None, "limit_high": None}


def enrolment(subject: str = "s", site: Site = BLR01, **data: Any) -> bytes:
    dates = {"birth": "2025-06-02", "enrolled": None, "diagnosed": None, "symptom_onset": None}
    return event(
        "enrolment",
        site.id,
        id=f"enrolment-{subject}",
        subject=subject,
        time=TIME,
        data={**dates, "mother": None, **data},
    )


def result(record: str = "a", subject: str = "s", site: Site = BLR01, time: str = TIME, **data: Any) -> bytes:
    code = f"{subject}-{record}"
    plain = {**BLANK, "resulted": None, "value": 200}
    return event(site=site.id, id=code, record=code, subject=subject, time=time, data={**plain, **data})


def read_by(select: str) -> list[str]:
    """The models that a query names."""
    return re.findall(r"\b(?:staging|core)\.\w+", select)


def rows(
    tmp_path: Path, events: Iterable[bytes] | Mapping[Site, list[bytes]], select: str, **settings: Any
) -> list[Any]:
    """What `select` answers over a build of these events."""
    deliveries = events if isinstance(events, Mapping) else {BLR01: list(events)}
    with built(tmp_path, deliveries, read_by(select), **settings) as connection:
        return connection.execute(select).fetchall()


def by_subject(
    tmp_path: Path, events: Iterable[bytes] | Mapping[Site, list[bytes]], subjects: Mapping[str, Site], select: str
) -> dict[str, list[Any]]:
    """The rows of `select`, whose first column is the subject's key, by the subject's code."""
    codes_of = {key(site, "subject", code): code for code, site in subjects.items()}
    found: dict[str, list[Any]] = {}
    for subject, *row in rows(tmp_path, events, select):
        found.setdefault(codes_of[str(subject)], []).append(tuple(row))
    return found


# Ages


def test_age_is_in_days_and_in_completed_months(tmp_path: Path) -> None:
    cases = {
        # Counting boundaries between months would make the first one a month.
        ("2026-01-31", "2026-02-01"): (1, 0),
        # February has no 31st: its last day completes the month.
        ("2026-01-31", "2026-02-28"): (28, 1),
        ("2026-01-30", "2026-02-27"): (28, 0),
        ("2024-02-29", "2025-02-28"): (365, 12),
        ("2025-06-02", "2026-06-01"): (364, 11),
        ("2025-06-02", "2026-06-02"): (365, 12),
        ("2025-06-02", "2025-06-02"): (0, 0),
        # A month stands as its 15th.
        ("2025-06", "2026-03"): (273, 9),
    }
    events = []
    for place, (birth, day) in enumerate(cases):
        time = "2026-11-01T00:00:00Z"
        events += [enrolment(f"s{place}", birth=birth), result("a", f"s{place}", time=time, collected=day)]
    subjects = {f"s{place}": BLR01 for place in range(len(cases))}
    found = by_subject(tmp_path, events, subjects, "SELECT subject_key, age_days, age_months FROM core.lab_results")
    assert found == {f"s{place}": [ages] for place, ages in enumerate(cases.values())}


def test_a_time_is_read_in_the_site_s_own_zone(tmp_path: Path) -> None:
    cases = [
        (BLR01, "2026-03-14T00:30+05:30", 285, 30),  # yesterday in UTC
        (BLR01, "2026-03-13T19:00Z", 285, 30),  # the same moment, as another clock writes it
        (OSL01, "2026-03-14T23:30+01:00", 285, 1410),
        (OSL01, "2026-03-29T03:30+02:00", 300, 210),  # the day on which the clocks go forward
        (OSL01, "2025-10-26T02:30+02:00", 146, 150),  # an hour that happens twice: the first
        (OSL01, "2025-10-26T02:30+01:00", 146, 150),  # and the second
    ]
    events: dict[Site, list[bytes]] = {BLR01: [], OSL01: []}
    for place, (site, collected, _, _) in enumerate(cases):
        events[site] += [enrolment(f"s{place}", site), result("a", f"s{place}", site, collected=collected)]
    subjects = {f"s{place}": case[0] for place, case in enumerate(cases)}
    select = "SELECT subject_key, age_days, minute_of_day, collected_precision FROM core.lab_results"
    expected = {f"s{place}": [(days, minute, "time")] for place, (_, _, days, minute) in enumerate(cases)}
    assert by_subject(tmp_path, events, subjects, select) == expected


def test_a_precision_stands_beside_every_age(tmp_path: Path) -> None:
    events = [enrolment(birth="2025-06", diagnosed="2026-03-02"), result(collected="2026-03")]
    select = """
        SELECT s.birth_precision, s.diagnosed_precision, r.collected_precision, r.minute_of_day
        FROM core.subjects AS s INNER JOIN core.lab_results AS r ON s.subject_key = r.subject_key
    """
    assert rows(tmp_path, events, select) == [("month", "day", "month", None)]


def test_the_cut_off_answers_as_of_and_filters_nothing(tmp_path: Path) -> None:
    select = """
        SELECT o.cut_off_age_days, s.cut_off_age_months, (SELECT count(*) FROM core.lab_results)
        FROM core.subjects AS s INNER JOIN staging.observed AS o ON s.subject_key = o.subject_key
    """
    assert rows(tmp_path, [enrolment(), result()], select, cut_off=date(2025, 7, 1)) == [(29, 0, 1)]


def test_gestation_is_in_weeks_and_days(tmp_path: Path) -> None:
    cases: dict[tuple[int | None, int | None], tuple[Any, ...]] = {
        (40, 0): (280, False, 0),
        (37, 0): (259, False, 0),
        (36, 6): (258, True, 22),
        (28, 3): (199, True, 81),
        (36, None): (252, True, 28),
        (None, None): (None, None, None),
    }
    events = [
        enrolment(f"s{place}", gestation_weeks=weeks, gestation_days=days) for place, (weeks, days) in enumerate(cases)
    ]
    select = "SELECT subject_key, gestation_total_days, is_preterm, age_correction_days FROM core.subjects"
    found = by_subject(tmp_path, events, {f"s{place}": BLR01 for place in range(len(cases))}, select)
    assert found == {f"s{place}": [expected] for place, expected in enumerate(cases.values())}


def test_a_family_is_the_mother_s_key_else_the_subject_s_own(tmp_path: Path) -> None:
    events = [enrolment("twin-1", mother="M-7"), enrolment("twin-2", mother="M-7"), enrolment("alone")]
    families = dict(rows(tmp_path, events, "SELECT subject_key::VARCHAR, family_key::VARCHAR FROM core.subjects"))
    mother, alone = key(BLR01, "mother", "M-7"), key(BLR01, "subject", "alone")
    assert families == {
        key(BLR01, "subject", "twin-1"): mother,
        key(BLR01, "subject", "twin-2"): mother,
        alone: alone,
    }


# Results


def test_a_value_is_kept_as_reported_and_in_the_canonical_unit(tmp_path: Path) -> None:
    events = [enrolment(), result(value=200, unit="pg/mL", reference_low=211)]
    select = "SELECT value, unit, value_reported, unit_reported, reference_low, reference_high FROM core.lab_results"
    assert rows(tmp_path, events, select) == [
        (Decimal("147.5612"), "pmol/L", Decimal(200), "pg/mL", Decimal("155.677066"), None)
    ]


def test_one_assay_reported_in_two_units_is_one_result(tmp_path: Path) -> None:
    events = [enrolment(), result("mass", value=200), result("molar", value=147.6, **MOLAR)]
    select = """
        SELECT record_key::VARCHAR, other_record_key::VARCHAR, value, value_reported, unit_reported,
            other_value_reported, other_unit_reported, relative_disagreement, is_usable
        FROM core.lab_results
    """
    molar, mass = key(BLR01, "record", "s-molar"), key(BLR01, "record", "s-mass")
    value = Decimal("147.6")
    assert rows(tmp_path, events, select) == [
        (molar, mass, value, value, "pmol/L", Decimal(200), "pg/mL", Decimal("0.000263"), True)
    ]


def test_reports_of_another_draw_or_assay_are_results_of_their_own(tmp_path: Path) -> None:
    cases: dict[str, dict[str, Any]] = {
        "none": {},
        "draw": {"collected": "2026-03-14T09:31+05:30"},
        "specimen": {"specimen": "plasma"},
        "method": {"method": "lc_ms_ms"},
        "platform": {"platform": "siemens_centaur"},
        "bound": {"comparator": "<"},
        "state": {"status": "preliminary"},
        "person": {"person": "mother"},
    }
    events = [enrolment(subject) for subject in cases]
    for subject, other in cases.items():
        events += [result("mass", subject), result("molar", subject, value=147.6, **{**MOLAR, **other})]
    # Two reports in one unit are two measurements.
    events += [enrolment("unit"), result("a", "unit"), result("b", "unit", value=210)]
    select = "SELECT subject_key, count(*), count(other_record_key) FROM core.lab_results GROUP BY subject_key"
    found = by_subject(tmp_path, events, dict.fromkeys([*cases, "unit"], BLR01), select)
    assert found == {subject: [(1, 1) if subject == "none" else (2, 0)] for subject in [*cases, "unit"]}


def test_the_newest_statement_of_a_day_has_the_greatest_rank(tmp_path: Path) -> None:
    events = [
        enrolment(),
        result("a", time="2026-04-20T08:02:00Z", value=200),
        result("b", time="2026-04-20T08:01:00Z", value=210),
        result("c", time="2026-04-20T08:00:00Z", value=220),
    ]
    select = "SELECT value_reported::INTEGER, event_time_rank FROM core.lab_results ORDER BY ALL"
    assert rows(tmp_path, events, select) == [(200, 3), (210, 2), (220, 1)]


def test_a_result_that_may_not_count_says_why(tmp_path: Path) -> None:
    cases: dict[str, tuple[dict[str, Any], str | None]] = {
        "final": ({"status": "final"}, None),
        "corrected": ({"status": "corrected"}, None),
        "preliminary": ({"status": "preliminary"}, "preliminary"),
        "cancelled": ({"status": "cancelled"}, "cancelled"),
        "empty": ({"status": "cancelled", "value": None, "unit": None}, "cancelled"),
        "slip": ({**BLOOD, "value": 11.2}, "unit_unconfirmed"),
    }
    events = []
    for subject, (data, _) in cases.items():
        events += [enrolment(subject), result("a", subject, **data)]
    # 200 pg/mL are 147.5612 pmol/L. Rounded to a whole number, they are anything from 147.2 to 147.9.
    pairs = {"rounded": (200, 147.3), "apart": (200, 147.1), "precise": ("200.0", 147.3)}
    for subject, (mass, molar) in pairs.items():
        text = f'"value": {mass}'.encode()
        events += [
            enrolment(subject),
            result("mass", subject).replace(b'"value":200', text.replace(b": ", b":")),
            result("molar", subject, value=molar, **MOLAR),
        ]
    select = "SELECT subject_key, is_usable, unusable_reason FROM core.lab_results"
    found = by_subject(tmp_path, events, dict.fromkeys([*cases, *pairs], BLR01), select)
    expected = {subject: [(reason is None, reason)] for subject, (_, reason) in cases.items()}
    assert found == {
        **expected,
        "rounded": [(True, None)],
        "apart": [(False, "units_disagree")],
        "precise": [(False, "units_disagree")],
    }


def test_a_confirmed_unit_is_usable(tmp_path: Path) -> None:
    slip = {**BLOOD, "value": 11.2}
    with built(tmp_path, {BLR01: [enrolment(), result(**slip)]}, ["staging.findings"]) as connection:
        [(rule,)] = connection.execute("SELECT rule FROM staging.findings WHERE effect = 'unusable'").fetchall()
    answers = {
        "in_time": ("2026-04-20T08:01:00Z", None, True),
        # It confirms what had been said by then, and until its day.
        "too_early": ("2026-04-20T07:59:00Z", None, False),
        "lapsed": ("2026-04-20T08:01:00Z", "2026-11-21", False),
    }
    events = []
    for subject, (time, until, _) in answers.items():
        data = {"target_kind": "lab_result", "target_record": f"{subject}-a", "rule": rule, "until": until}
        events += [enrolment(subject), result("a", subject, **slip)]
        events.append(event("confirmation", id=f"confirmation-{subject}", subject=subject, time=time, data=data))
    found = by_subject(
        tmp_path, events, dict.fromkeys(answers, BLR01), "SELECT subject_key, is_usable FROM core.lab_results"
    )
    assert found == {subject: [(usable,)] for subject, (_, _, usable) in answers.items()}


# Exactness


def test_the_conversion_is_the_contract_s_to_the_last_digit() -> None:
    chance = Random(20261122)  # noqa: S311
    values = [Decimal(chance.randrange(10 ** chance.randrange(1, 23))).scaleb(-12) for _ in range(500)]
    values += [Decimal(0), Decimal("0.0000005"), Decimal("1e-12"), Decimal("9999999999")]
    listed = ", ".join(f"({place}, {value:f}::DECIMAL(28,12))" for place, value in enumerate(values))
    with duckdb.connect() as connection:
        definitions.load(connection)
        found = connection.execute(f"""
            SELECT place, loinc, unit, TRY((value * factor)::DECIMAL(28, 12))
            FROM (VALUES {listed}) AS reported(place, value) CROSS JOIN definitions.unit_factors
        """).fetchall()
    assert len(found) == len(values) * sum(len(code.factors) for code in codes.loinc_codes().values())
    assert [row for row in found if row[3] != codes.convert(row[1], row[2], values[row[0]]).value] == []


def test_every_factor_fits_its_column_exactly() -> None:
    for table in definitions.tables():
        if table.name == "unit_factors":
            assert all(factor == factor.quantize(Decimal("1e-10")) < 10**8 for _, _, _, factor, _ in table.rows)


def test_a_number_without_room_for_its_product_stops_nothing(tmp_path: Path) -> None:
    platelets = {"loinc": "777-3", "unit": "10*3/uL", "specimen": "venous_whole_blood"}
    haemoglobin = {**BLOOD, "unit": "g/dL"}
    events = [enrolment(), result("a", value=9999999999999999, **platelets)]
    events += [result("b", value=9999999999999999, **haemoglobin), result("c", value=9999999999999999)]
    assert rows(tmp_path, events, "SELECT count(*) FROM staging.verdicts") == [(4,)]


def test_a_key_is_the_contract_s_uuid() -> None:
    chance = Random(20261122)  # noqa: S311
    digests = [chance.randbytes(16) for _ in range(500)] + [
        bytes(16),
        b"\xff" * 16,
        b"\x7f" + b"\xff" * 15,
        b"\x80" * 16,
    ]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE keys (place INTEGER, high BIGINT, low BIGINT)")
        connection.executemany("INSERT INTO keys VALUES (?, ?, ?)", [(n, *halves(d)) for n, d in enumerate(digests)])
        found = connection.execute(f"SELECT {uuid_of('high', 'low')} FROM keys ORDER BY place").fetchall()
        ordered = connection.execute(f"SELECT place FROM keys ORDER BY {uuid_of('high', 'low')}").fetchall()
    assert [key for (key,) in found] == [as_uuid(digest) for digest in digests]
    assert [digests[place] for (place,) in ordered] == sorted(digests)


def test_a_column_that_no_file_has_yet_is_null(tmp_path: Path) -> None:
    inputs = given(tmp_path, {BLR01: [enrolment(), result()]})
    [file] = inputs.files["lab_result"]
    pq.write_table(pq.read_table(file).drop(["haemolysis", "reference_low"]), file)
    with built(tmp_path, inputs, ["core.lab_results"]) as connection:
        found = connection.execute("SELECT haemolysis, reference_low, value IS NULL FROM core.lab_results").fetchall()
    assert found == [(None, None, False)]


def test_every_type_of_the_lake_has_its_sql_type() -> None:
    assert {column.type for kind in PARTITIONS for column in schema(kind)} == set(SQL_TYPES)


# The other kinds


def test_diffusivities_are_in_mm2_per_s(tmp_path: Path) -> None:
    events = [
        enrolment(),
        event(
            "imaging", id="a", record="a", subject="s", data={"metric": "md", "value": 0.9, "unit": "um2/ms", "sd": 0.1}
        ),
        event("imaging", id="b", record="b", subject="s", data={"metric": "fa", "value": 0.4, "unit": "1", "sd": None}),
    ]
    select = "SELECT metric, value, unit, sd FROM core.imaging ORDER BY metric"
    assert rows(tmp_path, events, select) == [
        ("fa", Decimal("0.4"), "1", None),
        ("md", Decimal("0.0009"), "mm2/s", Decimal("0.0001")),
    ]


def test_a_diffusivity_in_a_doubtful_unit_is_unusable_until_it_is_confirmed(tmp_path: Path) -> None:
    slip = {"metric": "md", "value": 0.9, "unit": "mm2/s", "sd": None}
    answer = {"target_kind": "imaging", "target_record": "b", "rule": "diffusivity_thousand_times", "until": None}
    events = [
        enrolment(),
        *(event("imaging", id=name, record=name, subject="s", time=TIME, data=slip) for name in ("a", "b")),
        event("confirmation", id="c", subject="s", time="2026-04-20T08:01:00Z", data=answer),
    ]
    found = rows(tmp_path, events, "SELECT record_key, is_usable, unusable_reason FROM core.imaging")
    assert {str(record): usable for record, *usable in found} == {
        key(BLR01, "record", "a"): [False, "unit_unconfirmed"],
        key(BLR01, "record", "b"): [True, None],
    }


def test_a_missed_dose_has_only_the_age_at_which_it_was_due(tmp_path: Path) -> None:
    missed = {"status": "missed", "ug": None, "given": None, "scheduled": "2026-03-15", "compound": "folic_acid"}
    events = [enrolment(), event("dose", id="a", subject="s", data=missed)]
    select = "SELECT is_b12, scheduled_age_days, age_days, age_months, minute_of_day FROM core.doses"
    assert rows(tmp_path, events, select) == [(False, 286, None, None, None)]


def test_every_code_says_what_it_counts_as() -> None:
    def allowed(kind: str, field: str) -> set[str]:
        (info,) = [each for each in msgspec.inspect.type_info(DATA[kind]).fields if each.name == field]
        return set(info.type.values)

    tables = {table.name: table for table in definitions.tables()}
    assert {row[0] for row in tables["compound"].rows} == allowed("dose", "compound")
    assert {row[0] for row in tables["infant_feeding"].rows} == allowed("feeding", "infant")
    assert {row[0] for row in tables["result_status"].rows} == allowed("lab_result", "status")
