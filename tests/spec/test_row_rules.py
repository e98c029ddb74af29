"""The row rules, one by one: what each finds, in the infant and nobody else, and what it then does.

Each example is the one that the reference pages show, changed as little as the rule needs.
"""

import re
from typing import Any

import pytest
from msgspec import json

from contracts import rows
from contracts.events import KINDS, Event
from contracts.fields import Name
from contracts.judge import is_refusal, judge
from contracts.rulebook import Reference, rules
from contracts.when import parse_when
from tests.arbitrary_events import SITE
from tests.sample_events import event as sample
from tests.spec.test_row_rules_in_sql import in_sql

BIRTH = parse_when("2025-06-02", SITE.zone)


def lab(loinc: str, value: float, unit: str, **others: Any) -> tuple[str, dict[str, Any]]:
    specimen = "venous_whole_blood" if loinc in BLOOD else "serum"
    nothing = dict.fromkeys(("reference_low", "reference_high", "limit_low", "limit_high"))
    return "lab_result", {"loinc": loinc, "value": value, "unit": unit, "specimen": specimen, **nothing, **others}


BLOOD = ("718-7", "59260-0", "787-2", "4544-3", "788-0", "777-3", "6690-2", "17849-1", "2283-0", "14731-4")
CANCELLED = {"status": "cancelled", "value": None}


def score(
    instrument: str, edition: str, domain: str, kind: str, value: float | None, **others: Any
) -> tuple[str, dict[str, Any]]:
    coded = {"instrument": instrument, "edition": edition, "domain": domain, "score_type": kind, "score": value}
    return "assessment", {**dict.fromkeys(("sem", "interval_low", "interval_high")), **coded, **others}


def dti(value: float, unit: str = "mm2/s") -> tuple[str, dict[str, Any]]:
    return "imaging", {"metric": "md", "value": value, "unit": unit, "sd": None}


FOUND: dict[str, list[tuple[str, dict[str, Any]]]] = {
    # dates
    "dated_in_the_future": [
        ("enrolment", {"birth": "2026-03-18", "enrolled": None, "diagnosed": None, "symptom_onset": None}),
        ("lab_result", {"collected": "2026-03-18", "resulted": None}),
        ("milestone", {"observed": "2026-03-18"}),
        ("assessment", {"assessed": "2026-04"}),
        ("dose", {"given": "2026-03-18T00:30+05:30"}),
        ("feeding", {"start": "2026-04"}),
        ("symptom", {"observed": "2026-12-03"}),
        ("condition", {"onset": "2026-03-18"}),
        ("growth", {"measured": "2026-03-18"}),
        ("imaging", {"scanned": "2026-03-18"}),
        ("status", {"effective": "2026-03-18", "last_contact": None}),
        ("consent", {"effective": "2026-03-18"}),
    ],
    "dated_before_birth": [
        ("lab_result", {"collected": "2025-06-01", "resulted": None}),
        ("milestone", {"observed": "2025-05", "attained": None}),
        ("assessment", {"assessed": "2025-06-01"}),
        ("dose", {"given": "2025-06-01T23:59+05:30"}),
        ("symptom", {"observed": "2025-06-01", "onset": None}),
        ("growth", {"measured": "2025-06-01"}),
        ("imaging", {"scanned": "2025-06-01"}),
        ("feeding", {"start": "2025-06-01"}),
        ("status", {"effective": "2025-06-01", "last_contact": None}),
    ],
    "condition_before_birth": [("condition", {"onset": "2025-06-01"})],
    "resulted_before_collected": [("lab_result", {"resulted": "2026-03-13"})],
    "resolved_before_onset": [("condition", {"onset": "2026-03-14", "resolved": "2026-02"})],
    "onset_after_observed": [("symptom", {"onset": "2026-04"})],
    "onset_before_birth": [("symptom", {"onset": "2025-05"})],
    "attained_after_observed": [("milestone", {"attained": "2026-04"})],
    "attained_before_birth": [("milestone", {"attained": "2025-05"})],
    "attained_without_achievement": [("milestone", {"status": "not_yet"})],
    "end_before_start": [("feeding", {"end": "2025-06-01"})],
    "contact_in_the_future": [("status", {"effective": "2026-03-14", "last_contact": "2026-03-18"})],
    # enrolment
    "gestation_unlikely": [("enrolment", {"gestation_weeks": 44, "gestation_days": 1})],
    "gestation_days_without_weeks": [("enrolment", {"gestation_weeks": None})],
    "gestation_missing": [("enrolment", {"gestation_weeks": None, "gestation_days": None})],
    "birth_weight_unit": [("enrolment", {"birth_weight_g": 2.85})],
    "birth_weight_unlikely": [("enrolment", {"birth_weight_g": 285})],
    "enrolled_before_birth": [("enrolment", {"enrolled": "2025-06-01"})],
    "diagnosed_before_birth": [("enrolment", {"diagnosed": "2025-06-01"})],
    "symptom_onset_before_birth": [("enrolment", {"symptom_onset": "2025-05"})],
    "comparator_in_another_group": [("enrolment", {"person": "comparator", "group": "screened"})],
    # laboratory: hard bounds
    "b12_impossible": [lab("2132-9", 0, "pg/mL"), lab("14685-2", "220000.000001", "pmol/L")],
    "homocysteine_impossible": [lab("13965-9", 501, "umol/L"), lab("2428-1", 68, "mg/L")],
    "mma_impossible": [lab("13964-2", 5001, "umol/L")],
    "holotranscobalamin_impossible": [lab("72160-5", -1, "pmol/L")],
    "haemoglobin_impossible": [lab("718-7", 271, "g/dL"), lab("59260-0", 17, "mmol/L")],
    "mcv_impossible": [lab("787-2", 39.9, "fL"), lab("787-2", 151, "fL")],
    "folate_impossible": [lab("2284-8", 1001, "ng/mL")],
    "ferritin_impossible": [lab("2276-4", 0, "ng/mL")],
    "fraction_impossible": [lab("788-0", 101, "%"), lab("17849-1", -1, "%")],
    "negative_result": [lab("1988-5", -1, "mg/L"), lab("2823-3", -4, "mmol/L")],
    # laboratory: slips of the unit
    "haemoglobin_g_per_l_as_g_per_dl": [lab("718-7", 104, "g/dL"), lab("718-7", "27.1", "g/dL")],
    "haemoglobin_g_per_dl_as_g_per_l": [lab("718-7", 10.4, "g/L")],
    "mma_nmol_as_umol": [lab("13964-2", 260, "umol/L"), lab("13964-2", 40, "umol/L")],
    "mma_umol_as_nmol": [lab("13964-2", 0.26, "nmol/L")],
    "haematocrit_fraction_as_percent": [lab("4544-3", 0.33, "%")],
    "haematocrit_percent_as_fraction": [lab("4544-3", 33, "L/L")],
    "platelets_per_microlitre": [lab("777-3", 250_000, "10*3/uL")],
    "leukocytes_per_microlitre": [lab("6690-2", 8000, "10*9/L")],
    "creatinine_umol_as_mg": [lab("2160-0", 25, "mg/dL")],
    "creatinine_mg_as_umol": [lab("14682-9", 0.3, "umol/L")],
    # laboratory: soft bounds
    "b12_unusual": [lab("2132-9", 50, "pg/mL"), lab("14685-2", 1501, "pmol/L")],
    "homocysteine_unusual": [lab("13965-9", 61, "umol/L"), lab("13965-9", 1.9, "umol/L")],
    "mma_unusual": [lab("13964-2", 5.1, "umol/L"), lab("13964-2", 39, "nmol/L")],
    "holotranscobalamin_unusual": [lab("72160-5", 4, "pmol/L")],
    "haemoglobin_unusual": [lab("718-7", 4.9, "g/dL")],
    "haemoglobin_high_after_newborn": [lab("718-7", 17.1, "g/dL")],
    "mcv_unusual": [lab("787-2", 116, "fL")],
    "folate_unusual": [lab("14732-2", 4.4, "nmol/L")],
    "ferritin_unusual": [lab("2276-4", 2, "ug/L")],
    # laboratory: the report
    "reference_interval_reversed": [("lab_result", {"reference_low": 946, "reference_high": 211})],
    "assay_limits_reversed": [("lab_result", {**CANCELLED, "limit_low": 2000, "limit_high": 50})],
    "below_the_assay_limit": [("lab_result", {"limit_low": 150})],
    "above_the_assay_limit": [("lab_result", {"limit_high": 100})],
    "separation_late": [lab("13965-9", 8, "umol/L", separated_minutes=61)],
    "separation_unknown": [lab("13965-9", 8, "umol/L", separated_minutes=None)],
    # doses
    "dose_impossible": [("dose", {"ug": 0}), ("dose", {"ug": 20_001})],
    "dose_unusual": [("dose", {"ug": 5001}), ("dose", {"ug": 0.3, "purpose": "prophylactic"})],
    "therapeutic_dose_small": [("dose", {"ug": 1})],
    "amount_negative": [("dose", {"compound": "iron", "ug": 0})],
    "amount_without_dose": [("dose", {"status": "missed", "given": None})],
    "purpose_missing": [("dose", {"purpose": None})],
    # feeding
    "maternal_intake_unlikely": [("feeding", {"maternal_b12_ug_per_day": 2501})],
    # assessments
    "score_without_assessment": [("assessment", {"status": "untestable"})],
    "category_missing": [score("denver", "ii", "overall", "ordinal", 1)],
    "gmfcs_level": [score("gmfcs", "e_r", "gross_motor_function", "ordinal", 1, category="normal")],
    "denver_result": [score("denver", "ii", "overall", "ordinal", 1, category="V")],
    "interval_reversed": [
        score("denver", "ii", "overall", "ordinal", None, category="normal", interval_low=84, interval_high=68)
    ],
    "score_below_its_interval": [("assessment", {"score": 67})],
    "score_above_its_interval": [("assessment", {"score": 85})],
    "sem_not_positive": [("assessment", {"sem": 0})],
    "dasii_age": [score("dasii", "1997", "mental", "ratio_dq", 70, assessed="2025-06-10")],
    "score_bayley_ii_composite": [score("bayley", "ii", "mental", "composite", 49)],
    "score_bayley_iii_composite": [
        score("bayley", "iii", "cognitive", "composite", 39),
        score("bayley", "iii", "motor", "composite", 161),
    ],
    "score_bayley_iii_scaled": [score("bayley", "iii", "cognitive", "scaled", 20)],
    "score_bayley_4_composite": [score("bayley", "4", "cognitive", "composite", 161)],
    "score_bayley_4_scaled": [score("bayley", "4", "cognitive", "scaled", 0)],
    "score_dasii_1997_ratio_dq": [score("dasii", "1997", "motor", "ratio_dq", 201)],
    "score_asq_3_raw": [score("asq", "3", "communication", "raw", 61)],
    "score_vineland_3_composite": [score("vineland", "3", "communication", "composite", 19)],
    "score_vsms_malin_ratio_dq": [score("vsms", "malin", "social_quotient", "ratio_dq", -1)],
    "score_capute_2005_ratio_dq": [score("capute", "2005", "cat", "ratio_dq", 201)],
    # symptoms
    "scan_finding_without_scan": [("symptom", {"code": "HP:0002059"})],
    "scan_shows_no_such_sign": [("symptom", {"source": "mri"})],
    # growth
    "weight_not_positive": [("growth", {"weight_g": 0})],
    "length_not_positive": [("growth", {"length_cm": -67})],
    "head_not_positive": [("growth", {"head_circumference_cm": 0})],
    "weight_impossible": [("growth", {"weight_g": 6.9})],
    "length_impossible": [("growth", {"length_cm": 0.675})],
    "head_impossible": [("growth", {"head_circumference_cm": 418})],
    "position_missing": [("growth", {"position": None})],
    # imaging
    "fa_impossible": [("imaging", {"value": 41}), ("imaging", {"value": -0.1})],
    "diffusivity_impossible": [dti(0.0036), dti(0.00009), dti(9, "um2/ms"), dti(-0.0009), dti(0)],
    "diffusivity_thousand_times": [dti(0.9), dti(900, "10*-3.mm2/s"), dti(900, "um2/ms")],
    "diffusivity_million_times": [dti(900)],
    "diffusivity_thousandth": [dti(0.0009, "um2/ms"), dti(0.9, "um2/s")],
    "diffusivity_millionth": [dti(0.0009, "um2/s")],
    "corpus_callosum_side": [("imaging", {"side": "left"})],
    "paired_region_side": [("imaging", {"region": "thalamus"})],
    "sd_negative": [("imaging", {"sd": -0.01})],
    "directions_too_few": [("imaging", {"directions": 5})],
    "field_strength_unlikely": [("imaging", {"field_strength_t": 30})],
    "empty_region": [("imaging", {"roi_voxels": 0})],
}

EXAMPLES = [(name, kind, changes) for name, examples in FOUND.items() for kind, changes in examples]


def accepted(kind: str, changes: dict[str, Any]) -> Event:
    """The kind's example with some fields changed; None takes a field out."""
    raw = json.decode(sample(kind))
    if kind == "status":
        raw["data"]["effective"] = raw["data"]["last_contact"] = "2026-03-14"
    raw["data"] = {name: value for name, value in (raw["data"] | changes).items() if value is not None}
    judged = judge(json.encode(raw), SITE)
    assert not is_refusal(judged), judged
    return judged


def found(kind: str, changes: dict[str, Any], birth: Any = BIRTH) -> list[str]:
    return [finding.rule for finding in rows.evaluate(accepted(kind, changes), SITE, birth)]


def test_every_rule_has_an_example() -> None:
    shown = {(kind, name) for name, kind, _ in EXAMPLES}
    assert shown == {(kind, rule.name) for kind in KINDS for rule in rules(kind)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_plausible_event_has_no_finding(kind: str) -> None:
    assert found(kind, {}) == []


@pytest.mark.parametrize(
    ("name", "kind", "changes"), EXAMPLES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_rule_finds_its_example(name: str, kind: str, changes: dict[str, Any]) -> None:
    assert found(kind, changes) == [name]


@pytest.mark.parametrize("kind", sorted({kind for _, kind, _ in EXAMPLES}))
def test_the_registry_finds_the_same_examples(kind: str) -> None:
    shown = [(name, changes) for name, its_kind, changes in EXAMPLES if its_kind == kind]
    events = [accepted(kind, changes) for _, changes in shown]
    births = [BIRTH for _ in events]
    assert [row[:2] for row in in_sql(kind, events, births)] == [(place, name) for place, (name, _) in enumerate(shown)]


MOTHERS = [
    (kind, changes)
    for name, kind, changes in EXAMPLES
    if kind == "lab_result" and name.endswith(("_unusual", "_after_newborn"))
]


@pytest.mark.parametrize(("kind", "changes"), MOTHERS)
def test_what_is_unusual_in_an_infant_is_not_asked_of_the_mother(kind: str, changes: dict[str, Any]) -> None:
    assert found(kind, changes | {"person": "mother"}) == []


@pytest.mark.parametrize("kind", ["lab_result", "dose"])
def test_a_mother_has_results_and_doses_before_the_infants_birth(kind: str) -> None:
    before = {"lab_result": {"collected": "2025-03-01", "resulted": None}, "dose": {"given": "2025-03-01"}}
    assert found(kind, before[kind] | {"person": "mother"}) == []


def test_a_hard_bound_holds_for_anybody() -> None:
    for person in ("infant", "mother", "comparator"):
        assert found(*lab("787-2", 200, "fL", person=person)) == ["mcv_impossible"]


def test_a_censored_value_is_not_unusual() -> None:
    assert found(*lab("14685-2", 30, "pmol/L", comparator="<")) == []
    assert found(*lab("14685-2", 0, "pmol/L", comparator="<")) == ["b12_impossible"]


def test_without_an_enrolment_nothing_is_known_of_age_and_birth() -> None:
    for name, kind, changes in EXAMPLES:
        asked = {rule.name: rule for rule in rules(kind)}
        if asked[name].needs_enrolment:
            assert found(kind, changes, birth=None) == []


def test_a_rule_says_that_it_needs_the_enrolment_exactly_when_it_does() -> None:
    for kind in set(KINDS) - {"enrolment"}:
        for rule in rules(kind):
            looked_at = {c.field for c in (rule.expects, *rule.when)}
            looked_at |= {c.operand.field for c in (rule.expects, *rule.when) if isinstance(c.operand, Reference)}
            assert rule.needs_enrolment == bool(looked_at & {"birth", "age_days"}), rule.name


@pytest.mark.parametrize("birth", ["2025-06", "2025-06-14"])
def test_a_month_counts_as_any_of_its_days(birth: str) -> None:
    born = parse_when(birth, SITE.zone)
    assert found("growth", {"measured": "2025-06"}, born) == []
    assert found("growth", {"measured": "2025-05"}, born) == ["dated_before_birth"]
    assert found("growth", {"measured": "2026-03"}, born) == []


def test_the_days_grace_covers_every_time_zone() -> None:
    assert found("growth", {"measured": "2026-03-17"}) == []


def test_haemoglobin_of_a_newborn_may_be_high() -> None:
    assert found(*lab("718-7", 22, "g/dL", collected="2025-06-30", resulted=None)) == []
    assert found(*lab("718-7", 22, "g/dL", collected="2025-07-01", resulted=None)) == ["haemoglobin_high_after_newborn"]


def test_a_slip_of_the_unit_is_kept_and_unusable_not_quarantined() -> None:
    (finding,) = rows.evaluate(accepted(*lab("718-7", 104, "g/dL")), SITE)
    assert (finding.effect, finding.reason) == ("unusable", "unit_unconfirmed")


def test_what_withdraws_or_ends_a_life_is_never_quarantined() -> None:
    for kind in ("consent", "status", "retraction", "confirmation", "acknowledgement"):
        assert {rule.effect for rule in rules(kind)} <= {"finding"}


def test_an_unusable_value_has_a_reason_and_nothing_else_has() -> None:
    for kind in KINDS:
        for rule in rules(kind):
            assert (rule.reason is not None) == (rule.effect == "unusable"), rule.name
            assert rule.effect == "finding" or rule.severity == "critical", rule.name


def test_a_name_fits_into_a_confirmation_and_means_the_same_in_every_kind() -> None:
    texts: dict[str, set[str]] = {}
    for kind in KINDS:
        names = [rule.name for rule in rules(kind)]
        assert len(names) == len(set(names))
        for rule in rules(kind):
            assert re.match(Name.__metadata__[0].pattern, rule.name)
            assert set(rule.unless) <= set(names)
            texts.setdefault(rule.name, set()).add(rule.asks)
    assert {name for name, asked in texts.items() if len(asked) > 1} == set()


def test_a_finding_says_which_field_and_what_to_do_and_never_the_value() -> None:
    (finding,) = rows.evaluate(accepted(*lab("787-2", 151.25, "fL")), SITE)
    assert finding.kind == "lab_result"
    assert finding.field == "value"
    assert finding.asks == "MCV lies between 40 and 150 fL."
    assert "report" in finding.fix
    assert "151" not in repr(finding)
