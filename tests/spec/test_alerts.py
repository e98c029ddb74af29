"""An alert looks at one accepted event alone: whose it is, what it says, and how long ago that was."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from contracts.alert_rules import alert_rules
from contracts.alerts import alert_id
from contracts.codes import convert, loinc_codes
from contracts.judge import Refusal, judge
from contracts.kinds.care import Dose
from contracts.pseudonyms import pseudonym
from contracts.site import Site
from lake.rows import Batch, tables
from streams.alerts import raised
from tests.sample_events import event

SITE = Site(id="BLR01", name="A laboratory", country="IN", time_zone="Asia/Kolkata", synthetic=True)
KEY = bytes(32)
RECEIVED = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
B12 = {"person": "infant", "loinc": "14685-2", "unit": "pmol/L", "specimen": "serum", "collected": "2026-03-19"}
HAEMOGLOBIN = B12 | {"loinc": "718-7", "unit": "g/L", "specimen": "venous_whole_blood"}
MILESTONE = {"status": "lost", "observed": "2026-03-19", "attained": None}
DOSE = {"person": "infant", "status": "refused", "scheduled": "2026-03-19", "given": None, "ug": None}


def found(*values, received=RECEIVED):
    milliseconds = int(received.timestamp() * 1000)
    judged = [judge(value, SITE, received) for value in values]
    count = len(values)
    batch = Batch(SITE, KEY, "a-topic", 0, [*range(count)], [milliseconds] * count, [1] * count, judged)
    return raised(SITE, tables(batch))


def rules(kind, data, **envelope):
    """The rules that one event raises; it must be accepted."""
    envelope = {"record": "a-record", "time": "2026-03-20T10:00:00Z"} | envelope
    content = json.decode(event(kind, **envelope))
    content["data"] = {name: value for name, value in (content["data"] | data).items() if value is not None}
    value = json.encode(content)
    assert not isinstance(judge(value, SITE, RECEIVED), Refusal)
    return [alert.event.data.rule for alert in found(value)]


def lab(of, value, **data):
    plain = {"value": value, "comparator": None, "reference_low": None, "reference_high": None, "limit_low": None}
    return rules("lab_result", of | plain | data)


@pytest.mark.parametrize(
    ("of", "value", "rule"),
    [
        (B12, "147.99", ["b12_deficient"]),
        (B12, "148", ["b12_low"]),
        (B12, "220.99", ["b12_low"]),
        (B12, "221", []),
        (HAEMOGLOBIN, "69.9", ["severe_anaemia"]),
        (HAEMOGLOBIN, "70", []),
    ],
)
def test_a_value_alerts_below_its_limit_and_not_at_it(of, value, rule):
    assert lab(of, value) == rule
    for person in ("mother", "comparator"):
        assert lab(of, value, person=person) == []


def test_other_units_are_counted_in_the_canonical_one():
    assert lab(HAEMOGLOBIN | {"unit": "g/dL"}, "6.9") == ["severe_anaemia"]
    assert lab(HAEMOGLOBIN | {"unit": "g/dL"}, "7.0") == []


@pytest.mark.parametrize(
    ("comparator", "value", "rule"),
    [("<", "148", ["b12_deficient"]), ("<=", "148", ["b12_low"]), ("<", "222", []), (">", "90", []), (">=", "90", [])],
)
def test_a_bound_alerts_only_when_all_that_it_can_mean_does(comparator, value, rule):
    assert lab(B12, value, comparator=comparator) == rule


def test_a_cancelled_result_alerts_nobody():
    assert lab(B12, "90", status="cancelled") == []


def test_a_lost_milestone_and_a_refused_dose_alert():
    assert rules("milestone", MILESTONE) == ["lost_milestone"]
    assert rules("milestone", MILESTONE | {"status": "not_yet"}) == []
    assert rules("dose", DOSE) == ["refused_dose"]
    assert rules("dose", DOSE | {"person": "mother"}) == []
    assert rules("dose", DOSE | {"status": "missed"}) == []


@pytest.mark.parametrize("compound", get_args(get_type_hints(Dose)["compound"]))
def test_only_a_refused_dose_that_holds_b12_alerts(compound):
    told = [] if compound in ("folic_acid", "iron", "other") else ["refused_dose"]
    assert rules("dose", DOSE | {"compound": compound}) == told


@pytest.mark.parametrize(
    ("day", "is_told"),
    [
        ("2026-03-06", True),
        ("2026-03-05", False),
        ("2026-03-05T20:00Z", True),  # the 6th at the site
        ("2026-03", True),
        ("2026-02", False),
    ],
)
def test_what_is_older_than_a_fortnight_at_receipt_alerts_nobody(day, is_told):
    assert bool(lab(B12, "90", collected=day)) is is_told
    assert bool(rules("milestone", MILESTONE | {"observed": day})) is is_told
    assert bool(rules("dose", DOSE | {"scheduled": day})) is is_told


def test_a_dose_without_a_day_alerts_nobody_for_an_old_table_of_them_is_stated_today():
    assert rules("dose", DOSE) == ["refused_dose"]
    assert rules("dose", DOSE | {"scheduled": None}) == []


def test_an_alert_names_its_event_by_pseudonyms_and_holds_nothing_that_was_reported():
    value = event(data=B12 | {"value": "93.7"}, id="an-id", subject="BLR-0042", record="a-record")
    [alert] = found(value)
    data = alert.event.data
    assert data.id_key == pseudonym(KEY, "id", "an-id").hex()
    assert data.subject_key == pseudonym(KEY, "subject", "BLR-0042").hex()
    assert alert.event.id == alert_id(SITE.id, data.id_key, "b12_deficient")
    assert (data.person, data.severity, data.raised_at) == ("infant", "critical", RECEIVED)
    told = json.encode(alert.event)
    assert not any(word in told for word in (b"93.7", b"an-id", b"BLR-0042", b"a-record", b"03-19"))


def test_no_refused_delivery_alerts():
    assert found(event(data=B12 | {"value": "90", "unit": "furlong"}), b"not json", None) == []


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([code for code in loinc_codes().values() if code.analyte in ("b12", "haemoglobin")]),
            st.decimals(0, 400, places=2),
            st.integers(0, 10),
        ),
        max_size=8,
    ),
    st.integers(0, 8),
)
def test_the_columns_pass_over_nothing_and_the_same_events_give_the_same_alerts_however_they_come(results, cut):
    values, wanted = [], set()
    for number, (code, value, unit) in enumerate(results):
        ucum = sorted(code.factors)[unit % len(code.factors)]
        data = B12 | {"loinc": code.loinc, "unit": ucum, "specimen": sorted(code.specimens)[0], "value": str(value)}
        values.append(event(data=data, id=f"e-{number}"))
        canonical = convert(code.loinc, ucum, value)
        rule = next(
            (r for r in alert_rules()["lab_result"] if r.analyte == canonical.analyte and canonical.value < r.value),
            None,
        )
        if rule:
            key = pseudonym(KEY, "id", f"e-{number}").hex()
            wanted.add(alert_id(SITE.id, key, rule.id))
    together = {alert.event.id for alert in found(*values)}
    apart = {alert.event.id for part in (values[:cut], values[cut:], values) for alert in found(*part)}
    assert together == apart == wanted


def test_a_limit_is_kept_exactly_in_a_unit_that_does_not_divide_it():
    code = next(c for c in loinc_codes().values() if c.analyte == "b12" and "pmol/L" not in c.factors)
    unit = sorted(code.factors)[0]
    nearest = (Decimal(148) / code.factors[unit]).quantize(Decimal("1e-10"))
    for value in (nearest - Decimal("1e-10"), nearest, nearest + Decimal("1e-10")):
        is_below = convert(code.loinc, unit, value).value < 148
        assert lab(B12 | {"loinc": code.loinc, "unit": unit}, str(value)) == [
            "b12_deficient" if is_below else "b12_low"
        ]


def test_every_rule_is_of_an_infant_and_of_a_day():
    assert {rule.person for rules in alert_rules().values() for rule in rules} == {"infant"}
    assert {rule.within_days for rules in alert_rules().values() for rule in rules} == {14}
