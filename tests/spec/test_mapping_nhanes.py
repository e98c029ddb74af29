"""The mappings of NHANES 2003-2004 give what was counted from its files, without a problem."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from sites import mapping_file
from sites.checking import Report, check_table, unregistered_site
from tests import nhanes

SITE = unregistered_site("NHANES", "America/New_York")


@pytest.fixture(scope="module")
def checked():
    """The decoded events and the report of each mapping: about 70,000 events."""
    directory = nhanes.directory()
    decode = msgspec.json.Decoder(float_hook=Decimal).decode
    outcome = {}
    for name, file in nhanes.FILES.items():
        mapping = mapping_file.load(nhanes.MAPPINGS / f"{name}.toml")
        report = Report(directory / file)
        statements = check_table(directory / file, mapping, SITE, datetime.now(UTC), report)
        outcome[name] = [(statement.output, decode(statement.raw)) for statement in statements], report
    return outcome


def data(checked, name, output):
    return [event["data"] for of, event in checked[name][0] if of == output]


def test_every_row_with_a_value_is_an_event_and_nothing_is_wrong(checked):
    assert {name: Counter(output for output, _ in events) for name, (events, _) in checked.items()} == {
        "demographics": {"enrolment": 10_122},
        "vitamins": {"b12_mass": 8_267, "b12_substance": 8_267, "folate": 8_268},
        "blood-count": {"haemoglobin": 8_384, "mcv": 8_384},
        "metabolites": {"mma": 7_544, "homocysteine": 7_888},
        "feeding": {"breastfed": 1_117, "never_breastfed": 750},
    }
    assert {name: report.errors for name, (_, report) in checked.items()} == dict.fromkeys(checked, 0)


def test_b12_has_the_counts_of_both_of_its_units(checked):
    mass = [result["value"] for result in data(checked, "vitamins", "b12_mass")]
    substance = [result["value"] for result in data(checked, "vitamins", "b12_substance")]
    assert sum(value < 200 for value in mass) == 112
    assert sum(value < 148 for value in substance) == 114
    assert sum(value < 221 for value in substance) == 801


def test_the_two_units_are_two_records_of_one_draw(checked):
    by_subject = {}
    for output, event in checked["vitamins"][0]:
        by_subject.setdefault(event["subject"], {})[output] = event
    pairs = [outputs for outputs in by_subject.values() if "b12_mass" in outputs]
    assert all(p["b12_mass"]["data"]["collected"] == p["b12_substance"]["data"]["collected"] for p in pairs)
    assert all(p["b12_mass"]["record"] != p["b12_substance"]["record"] for p in pairs)
    ratios = [Decimal(p["b12_substance"]["data"]["value"]) / p["b12_mass"]["data"]["value"] for p in pairs]
    assert all(abs(ratio / Decimal("0.738") - 1) < Decimal("0.001") for ratio in ratios)


def test_infants_are_those_under_36_completed_months(checked):
    people = data(checked, "demographics", "enrolment")
    assert Counter(person["person"] for person in people) == {"infant": 1_123, "comparator": 8_999}
    assert {person["group"] for person in people} == {"comparator"}
    assert Counter(person["sex"] for person in people) == {"female": 5_152, "male": 4_970}
    months = [(2004 - int(p["birth"][:4])) * 12 + 1 - int(p["birth"][5:]) for p in people]
    assert sum(month < 36 for month in months) == 1_123
    assert months.count(85 * 12) >= 223


def ages_of(checked):
    return {
        event["subject"]: (2004 - int(event["data"]["birth"][:4])) * 12 + 1 - int(event["data"]["birth"][5:])
        for _, event in checked["demographics"][0]
    }


def values_at(checked, name, output, low, high):
    ages = ages_of(checked)
    return {
        event["subject"]: event["data"]["value"]
        for of, event in checked[name][0]
        if of == output and low <= ages[event["subject"]] <= high
    }


def test_the_known_answers_at_12_to_35_and_12_to_23_months(checked):
    b12 = sorted(values_at(checked, "vitamins", "b12_mass", 12, 35).values())
    assert (len(b12), sum(value < 200 for value in b12), sum(200 <= value <= 300 for value in b12)) == (430, 0, 8)
    assert (b12[214] + b12[215]) / 2 == Decimal("801.5")
    assert len(values_at(checked, "blood-count", "haemoglobin", 12, 35)) == 455
    haemoglobin = values_at(checked, "blood-count", "haemoglobin", 12, 23)
    assert len(haemoglobin) == 237
    assert sum(value < Decimal("10.5") for value in haemoglobin.values()) == 5
    assert sum(value < 11 for value in haemoglobin.values()) == 10
    both = haemoglobin.keys() & values_at(checked, "vitamins", "b12_mass", 12, 23).keys()
    assert (len(both), sum(haemoglobin[subject] < Decimal("10.5") for subject in both)) == (221, 4)


def test_homocysteine_and_mma_above_their_limits(checked):
    assert sum(r["value"] > Decimal("6.5") for r in data(checked, "metabolites", "homocysteine")) == 4_536
    assert sum(r["value"] > Decimal("0.26") for r in data(checked, "metabolites", "mma")) == 506


def test_breastfeeding_goes_on_has_stopped_or_never_was(checked):
    breastfed = data(checked, "feeding", "breastfed")
    assert sum("end" not in period for period in breastfed) == 128
    stopped = [period for period in breastfed if "end" in period]
    assert all(period["start"] <= period["end"] for period in stopped)
    assert sum(period["end"] > "2004-02" for period in stopped) == 1  # a mother's answer, in the file: kept as it is
    assert {period["infant"] for period in data(checked, "feeding", "never_breastfed")} == {"not_breastfed"}
