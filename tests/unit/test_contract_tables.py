"""The closed lists hold what the registry's sources say, and nothing that a typing error could have made."""

import re
from decimal import Decimal
from itertools import pairwise

import pytest

from contracts import codes
from contracts.fields import Hpo, Name

STATUSES = {"cited", "unverified", "proposed"}
ANALYTES = codes.table("analytes")["analyte"]
CODES = [(analyte, code) for analyte in ANALYTES for code in analyte["code"]]
NAME = re.compile(Name.__metadata__[0].pattern)
HPO = re.compile(Hpo.__metadata__[0].pattern)

UNITS_OF = {
    "mass": {"pg/mL", "ng/L", "ng/mL", "ug/L", "mg/L", "mg/dL", "g/dL", "g/L", "mg/g", "ug/mg"},
    "substance": {"pmol/L", "nmol/L", "umol/L", "mmol/L", "nmol/mL", "meq/L", "mmol/mol", "umol/mmol"},
    "volume": {"fL", "um3"},
    "fraction": {"%", "L/L"},
    "number": {"10*3/uL", "10*9/L"},
}


@pytest.mark.parametrize("loinc", sorted(codes.loinc_codes()))
def test_every_loinc_code_ends_in_its_check_digit(loinc: str) -> None:
    assert codes.check_digit(loinc)


@pytest.mark.parametrize("loinc", ["2132-8", "13965-6", "718-8", "16695-0"])
def test_a_mistyped_loinc_code_does_not(loinc: str) -> None:
    assert not codes.check_digit(loinc)


def test_no_code_stands_twice() -> None:
    listed = [code["loinc"] for _, code in CODES]
    assert len(listed) == len(set(listed)) == len(codes.loinc_codes())
    assert len(ANALYTES) == len({analyte["id"] for analyte in ANALYTES})


@pytest.mark.parametrize(("analyte", "code"), CODES, ids=lambda entry: entry.get("loinc") or entry.get("id"))
def test_a_code_takes_only_units_of_its_own_property(analyte: dict, code: dict) -> None:
    foreign = set(code["units"]) - UNITS_OF[code["property"]]
    assert foreign == ({"ng/mL"} if code["loinc"] == "13964-2" else set())
    assert analyte["unit"] in {unit for sibling in analyte["code"] for unit in sibling["units"]}


def test_factors_are_written_as_exact_decimals_that_the_registry_multiplies_without_rounding() -> None:
    for analyte, code in CODES:
        for unit, factor in code["units"].items():
            assert isinstance(factor, str)
            assert Decimal(factor) == Decimal(factor).quantize(Decimal("1e-7")), "DECIMAL(10,7) holds it"
            assert Decimal(factor) < 1000
            if unit == analyte["unit"]:
                assert factor == "1"


def test_every_factor_that_is_no_power_of_ten_has_a_source() -> None:
    for analyte, code in CODES:
        assert code["status"] in STATUSES
        powers = {Decimal(10) ** n for n in range(-4, 4)}
        if not {Decimal(factor) for factor in code["units"].values()} <= powers:
            assert analyte["factor_source"]
            assert analyte["factor_status"] in STATUSES


def test_codes_refused_on_purpose_are_not_accepted() -> None:
    for entry in codes.table("analytes")["not_accepted"]:
        assert codes.check_digit(entry["loinc"])
        assert entry["loinc"] not in codes.loinc_codes()


def test_another_spelling_of_a_unit_has_the_same_factor() -> None:
    assert codes.loinc_codes()["2132-9"].factors["pg/ml"] == Decimal("0.737806")
    assert codes.loinc_codes()["13776-0"].factors["mg/g{creat}"] == 1


def test_methylmalonic_acid_in_urine_is_never_taken_for_that_in_plasma() -> None:
    known = codes.loinc_codes()
    assert len({known[loinc].analyte for loinc in ("13964-2", "13776-0", "25116-5")}) == 3
    assert known["13776-0"].specimens == {"urine_spot", "urine_24h"}


def test_a_value_is_multiplied_exactly() -> None:
    assert codes.convert("2132-9", "pg/mL", Decimal(200)) == ("b12", Decimal("147.5612"), "pmol/L")
    assert codes.convert("2132-9", "ng/L", Decimal(201)).value == Decimal("148.299006")
    assert codes.convert("718-7", "g/dL", Decimal("10.4")).value == 104
    widest = Decimal("9999999999999999.999999999999")
    assert codes.convert("59260-0", "mmol/L", widest).value == Decimal("161139999999999999.999999999984")


@pytest.mark.parametrize("name", ["milestones", "signs", "regions", "instruments"])
def test_closed_lists_hold_each_code_once_and_in_the_fields_format(name: str) -> None:
    entries = codes.table(name)[name.removesuffix("s")]
    listed = [entry["code"] for entry in entries]
    assert len(listed) == len(set(listed)) == len(codes.closed_list(name))
    assert all((HPO if name == "signs" else NAME).match(code) for code in listed)
    assert all(entry["name"] for entry in entries)


def test_milestone_ages_name_a_source_and_rise_with_the_centile() -> None:
    table = codes.table("milestones")
    for milestone in table["milestone"]:
        assert milestone["ages"]
        for age in milestone["ages"]:
            assert age["scale"] in table["source"]
            assert age["status"] in STATUSES
        for earlier, later in pairwise(milestone["ages"]):
            if earlier["scale"] == later["scale"]:
                assert earlier["centile"] < later["centile"]
                assert Decimal(earlier["months"]) < Decimal(later["months"])


def test_the_six_motor_milestones_of_who_have_their_windows() -> None:
    windows = {
        milestone["code"]: [age["months"] for age in milestone["ages"] if age["scale"] == "who_2006"]
        for milestone in codes.table("milestones")["milestone"]
    }
    assert {code: window for code, window in windows.items() if window} == {
        "sitting_without_support": ["3.8", "5.9", "9.2"],
        "standing_with_assistance": ["4.8", "7.4", "11.4"],
        "hands_and_knees_crawling": ["5.2", "8.3", "13.5"],
        "walking_with_assistance": ["5.9", "9.0", "13.7"],
        "standing_alone": ["6.9", "10.8", "16.9"],
        "walking_alone": ["8.2", "12.0", "17.6"],
    }


def test_the_milestones_that_the_study_asks_for_are_there() -> None:
    assert codes.closed_list("milestones") >= {"social_smile", "rolling", "babbling", "sitting_without_support"}


def test_signs_have_a_class_and_are_marked_unverified_until_checked_against_the_ontology() -> None:
    signs = codes.table("signs")["sign"]
    assert {sign["class"] for sign in signs} == {"major", "minor", "mri"}
    assert {sign["status"] for sign in signs} == {"unverified"}


def test_domains_belong_to_an_edition() -> None:
    bayley = codes.instruments()["bayley"]
    assert "mental" in bayley.editions["ii"]
    assert "mental" not in bayley.editions["iii"]
    for instrument in codes.instruments().values():
        for edition, domains in instrument.editions.items():
            assert domains
            assert all(NAME.match(name) for name in (edition, *domains))
