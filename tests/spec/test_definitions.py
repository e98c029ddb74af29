"""The default definitions: what the numbers are, where each comes from, and that no query holds one of its own."""

import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from contracts.codes import closed_list, table
from contracts.kinds.care import Dose, Feeding
from contracts.kinds.measured import LabResult
from contracts.kinds.observed import Symptom
from contracts.kinds.subject import Status
from contracts.shapes import choices
from registry import definitions
from registry.definition_comments import described_tables, meaning_of
from registry.errors import DefinitionsWrong
from registry.models import load_models

MODELS = [model for model in load_models() if model.layer in ("research", "summary", "operators")]
TABLES = {found.name: found for found in definitions.tables()}
SHIPPED = Path(definitions.__file__).parents[1] / "contracts" / "definitions"

ALLOWED = {"0", "1"}
"""Numbers that say nothing clinical: none, and first or next."""


def rows(name: str) -> list[dict[str, Any]]:
    found = TABLES[name]
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def column(name: str, of: str) -> set[Any]:
    return {row[of] for row in rows(name)}


def codes_of(struct: type, field: str) -> set[str]:
    """The codes that the contract lets a field hold."""
    hint = get_type_hints(struct)[field]
    return {code for part in (hint, *get_args(hint)) for code in get_args(part) if isinstance(code, str)}


# -- the numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threshold", "rule"),
    [
        ("b12_deficient", ("infant", "b12", "<", "148", "pmol/L", 0, 60)),
        ("b12_low_from", ("infant", "b12", ">=", "148", "pmol/L", 0, 60)),
        ("b12_low_to", ("infant", "b12", "<", "221", "pmol/L", 0, 60)),
        ("homocysteine_raised", ("infant", "homocysteine", ">=", "10", "umol/L", 0, 60)),
        ("homocysteine_above_target", ("infant", "homocysteine", ">", "6.5", "umol/L", 0, 60)),
        ("mma_raised_infant", ("infant", "mma", ">", "1.25", "umol/L", 0, 12)),
        ("mma_raised_child", ("infant", "mma", ">", "0.30", "umol/L", 12, 120)),
        ("holotranscobalamin_low", ("infant", "holotranscobalamin", "<", "40", "pmol/L", 2, 24)),
        ("anaemia_6_to_23_months", ("infant", "haemoglobin", "<", "105", "g/L", 6, 24)),
        ("anaemia_24_to_59_months", ("infant", "haemoglobin", "<", "110", "g/L", 24, 60)),
        ("macrocytosis", ("infant", "mcv", ">", "95", "fL", 0, 60)),
        ("folate_low", ("infant", "folate", "<", "6.8", "nmol/L", 0, 60)),
        ("mother_b12_deficient", ("mother", "b12", "<", "148", "pmol/L", 0, 60)),
    ],
)
def test_a_threshold_is_the_default(threshold: str, rule: tuple[object, ...]) -> None:
    (row,) = (row for row in rows("threshold") if row["id"] == threshold)
    told = [row[name] for name in ("person", "analyte", "operator", "value", "unit", "from_months", "to_months")]
    assert told == [Decimal(part) if place == 3 else part for place, part in enumerate(rule)]


def test_there_is_no_other_threshold() -> None:
    assert len(rows("threshold")) == 13


def test_every_parameter_is_the_default() -> None:
    assert {row["id"]: row["value"] for row in rows("parameter")} == {
        "eligible_below_months": 36,
        "eligible_below_days": 1096,
        "pair_days": 14,
        "class_days_after_treatment": 14,
        "class_days_untreated": 30,
        "signs_days_before": 30,
        "blood_count_days_before": 14,
        "therapeutic_without_purpose_ug": 100,
        "regimen_days": 14,
        "post_dose_to_day": 14,
        "transfusion_effect_days": 90,
    }


def test_the_windows_are_the_defaults() -> None:
    assert {row["id"]: (row["from_day"], row["to_day"], row["target_day"]) for row in rows("visit")} == {
        "months_3": (75, 120, 90),
        "months_6": (150, 210, 180),
        "months_12": (330, 420, 365),
    }
    assert {row["item"]: (row["from_day"], row["to_day"]) for row in rows("baseline_window")} == {
        "b12": (-30, 0),
        "homocysteine": (-30, 0),
        "mma": (-30, 0),
        "holotranscobalamin": (-30, 0),
        "haemoglobin": (-30, 3),
        "mcv": (-30, 3),
        "signs": (-30, 3),
        "assessment": (-30, 14),
        "growth": (-30, 14),
        "imaging": (-30, 14),
    }
    assert {row["id"]: row["days_before"] for row in rows("exposure")} == {
        "infant_dose": 180,
        "mother_dose": 90,
        "transfusion": 90,
        "feeding": 90,
    }


def test_the_elevation_takes_the_published_coefficients() -> None:
    (row,) = rows("elevation_adjustment")
    assert (row["linear"], row["quadratic"]) == (Decimal("0.0056384"), Decimal("0.0000003"))


def test_the_rules_of_recovery_are_the_defaults() -> None:
    assert [(r["criterion"], r["improvement"], r["improved_by"]) for r in rows("recovery_criterion")] == [
        ("homocysteine_above_target", "fall_share", Decimal("0.5")),
        ("mma_raised", "fall_share", Decimal("0.5")),
        ("anaemia", "gain", 10),
        ("macrocytosis", "none", 0),
    ]
    assert {row["id"]: row["value"] for row in rows("development_rule")} == {
        "at_risk_below": 85,
        "reliable_change_z": Decimal("1.96"),
        "change_without_sem": 15,
    }
    assert {row["id"]: row["value"] for row in rows("imaging_rule")} == {
        "fa_z_at_risk_below": -1,
        "diffusivity_z_at_risk_above": 1,
    }


def test_the_alerts_are_the_defaults() -> None:
    assert [
        (r["id"], r["analyte"], r["operator"], r["value"], r["unit"])
        for r in rows("alert")
        if r["kind"] == "lab_result"
    ] == [
        ("b12_deficient", "b12", "<", 148, "pmol/L"),
        ("severe_anaemia", "haemoglobin", "<", 70, "g/L"),
        ("b12_low", "b12", "<", 221, "pmol/L"),
    ]
    assert [(r["id"], r["kind"], r["reported"]) for r in rows("alert") if r["reported"]] == [
        ("lost_milestone", "milestone", "lost"),
        ("refused_dose", "dose", "refused"),
    ]
    assert column("alert", "within_days") == {14}
    assert column("alert", "person") == {"infant"}


def test_the_case_rules_are_the_defaults() -> None:
    letters = {row["code"]: row["letter"] or row["code"] for row in rows("criterion")}
    found: dict[str, list[str]] = {}
    wanted: dict[tuple[str, int], list[str]] = {}
    for row in rows("case_rule"):
        state = {"true": "", "false": "not ", "unknown": "no "}[row["wanted"]]
        wanted.setdefault((row["class"], row["alternative"]), []).append(state + letters[row["criterion"]])
    for (name, _), parts in wanted.items():
        found.setdefault(name, []).append(" and ".join(parts))
    assert found == {
        "not_eligible": ["not infant", "not eligible_age", "excluding_condition"],
        "definite": ["L and H", "L and M"],
        "probable": [
            "H and M",
            "l and H and C",
            "l and H and A",
            "l and H and A",
            "l and M and C",
            "l and M and A",
            "l and M and A",
            "T and H",
            "T and M",
            "L and C and not functional_usable",
        ],
        "possible": ["L", "H and C", "M and C", "T and C", "l and H", "l and M"],
        "suspected": [
            "C and breastfed and no marker_evidence",
            "C and mother_vegetarian and no marker_evidence",
            "C and mother_b12_deficient and no marker_evidence",
        ],
        "none": ["unexposed_b12_not_deficient"],
    }


def test_a_case_is_definite_to_suspected_and_a_primary_case_definite_or_probable() -> None:
    ordered = sorted(rows("case_class"), key=lambda row: row["class_order"])
    names = [row["class"] for row in ordered]
    assert names == ["not_eligible", "definite", "probable", "possible", "suspected", "none", "not_assessable"]
    assert [row["class"] for row in ordered if row["is_case"]] == names[1:5]
    assert [row["class"] for row in ordered if row["is_primary"]] == names[1:3]


# -- where they come from ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", sorted(SHIPPED.glob("*.toml")), ids=lambda file: file.stem)
def test_every_status_is_one_of_three_words(file: Path) -> None:
    told = set(re.findall(r'^status = "(.*)"$', file.read_text(encoding="utf-8"), re.MULTILINE))
    assert told <= {"cited", "unverified", "proposed"}


@pytest.mark.parametrize(
    "name",
    [
        "threshold",
        "elevation_adjustment",
        "parameter",
        "exposure",
        "visit",
        "baseline_window",
        "recovery_criterion",
        "development_rule",
        "imaging_rule",
        "imaging_window",
        "regimen",
        "screening",
        "alert",
        "absence",
    ],
)
def test_every_number_carries_id_version_status_and_its_source_when_it_is_cited(name: str) -> None:
    for row in rows(name):
        assert row["version"] >= 1
        assert row["status"] in ("cited", "unverified", "proposed")
        assert row["citation"] or row["status"] != "cited"


def test_there_is_no_consensus_so_every_class_rule_is_a_proposal() -> None:
    assert column("case_definition", "status") == {"proposed"}


# -- that they fit together -------------------------------------------------------------------------------------------


def test_a_threshold_stands_in_the_canonical_unit_of_its_analyte() -> None:
    units = {analyte["id"]: analyte["unit"] for analyte in table("analytes")["analyte"]}
    for row in [*rows("threshold"), *(row for row in rows("alert") if row["analyte"])]:
        assert row["unit"] == units[row["analyte"]]


def test_recovery_compares_the_one_threshold_of_an_age() -> None:
    for criterion in {row["criterion"] for row in rows("recovery_criterion")}:
        ages = sorted((r["from_months"], r["to_months"]) for r in rows("threshold") if r["criterion"] == criterion)
        assert all(first[1] <= second[0] for first, second in pairwise(ages))


def test_every_rule_asks_for_a_criterion_of_its_class_s_basis() -> None:
    basis = {row["class"]: row["basis"] for row in rows("case_class")}
    known = {(row["code"], row["basis"]) for row in rows("criterion")}
    assert {(row["criterion"], basis[row["class"]]) for row in rows("case_rule")} <= known
    assert {(row["class"], row["class_order"]) for row in rows("case_rule")} <= {
        (row["class"], row["class_order"]) for row in rows("case_class")
    }


def test_every_rule_about_a_marker_has_its_thresholds() -> None:
    read = {row["code"] for row in rows("criterion") if row["span"] in ("pair", "blood_count")}
    assert read | column("recovery_criterion", "criterion") <= column("threshold", "criterion")
    assert column("threshold", "analyte") <= column("marker", "analyte")


def test_codes_are_codes_of_the_contract() -> None:
    assert column("exposing_feeding", "code") <= codes_of(Feeding, "infant")
    assert column("maternal_diet", "code") == codes_of(Feeding, "mother_diet")
    assert column("closing_state", "code") <= codes_of(Status, "state")
    assert column("injected_route", "code") <= codes_of(Dose, "route")
    assert column("threshold", "person") <= codes_of(LabResult, "person")
    assert column("exposure", "person") <= codes_of(Dose, "person")
    assert column("sign_count", "class") < {sign["class"] for sign in table("signs")["sign"]}
    assert closed_list("signs")


def test_a_reason_is_one_of_the_vocabulary() -> None:
    reasons = column("reason", "code")
    assert column("closing_state", "reason") <= reasons
    assert len(reasons) == 22


# -- what a study may put in their place ------------------------------------------------------------------------------


def studied(directory: Path, old: str, new: str) -> None:
    """Read the definitions with the contract's markers changed in one place."""
    text = (SHIPPED / "markers.toml").read_text(encoding="utf-8")
    assert old in text
    (directory / "markers.toml").write_text(text.replace(old, new), encoding="utf-8")
    definitions.tables(directory)


def test_two_age_bands_of_one_criterion_may_touch(tmp_path: Path) -> None:
    studied(tmp_path, "from_months = 0\nto_months = 12", "from_months = 0\nto_months = 11")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "from_months = 6\nto_months = 24",
            "from_months = 6\nto_months = 36",
            "anaemia_6_to_23_months and anaemia_24_to_59_months of anaemia overlap from 24 to 36 months;"
            " let one end where the other begins",
        ),
        (
            'criterion = "b12_low"\noperator = "<"',
            'criterion = "b12_low"\noperator = ">="',
            "b12_low_from and b12_low_to of b12_low overlap from 0 to 60 months",
        ),
        (
            "from_months = 2\nto_months = 24",
            "from_months = 24\nto_months = 24",
            "holotranscobalamin_low ends at the age",
        ),
        ("from_months = 2\nto_months = 24", "from_months = 2", "holotranscobalamin_low needs to_months"),
        ('operator = ">"\nvalue = 95', 'operator = "<="\nvalue = 95', "the operator of the threshold macrocytosis"),
    ],
)
def test_bands_that_overlap_or_say_nothing_are_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    """They would be joined by an or, and nobody would know."""
    with pytest.raises(DefinitionsWrong, match=re.escape(said)):
        studied(tmp_path, old, new)


# -- what an analyst reads of them ------------------------------------------------------------------------------------


def test_every_table_and_column_says_what_it_means() -> None:
    missing = [name for name in TABLES if name not in described_tables()]
    missing += [f"{t.name}.{c}" for t in TABLES.values() for c in t.columns if not meaning_of(t.name, c)]
    assert missing == [], "describe them in registry/definitions.yml"


def test_nothing_is_described_that_is_not_there() -> None:
    described = {(name, column) for name, told in described_tables().items() for column in (*told["columns"], None)}
    there = {(t.name, column) for t in TABLES.values() for column in (*t.columns, None)}
    assert described - there == set()


def test_a_release_holds_the_words_as_comments() -> None:
    with duckdb.connect() as connection:
        definitions.load(connection)
        tables = dict(connection.execute("SELECT table_name, comment FROM duckdb_tables()").fetchall())
        columns = connection.execute(
            "SELECT table_name || '.' || column_name, comment FROM duckdb_columns() WHERE schema_name = 'definitions'"
        ).fetchall()
    assert tables["visit"] == "When a follow-up counts as a visit."
    assert dict(columns)["threshold.to_months"] == "Age in completed months from which it no longer holds."
    assert [name for name, comment in (*tables.items(), *columns) if not comment] == []


# -- and that no query has a number of its own ------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_no_threshold_stands_in_a_query(model: Any) -> None:
    tree = sqlglot.parse_one(model.sql, dialect="duckdb")
    numbers = {
        literal.this
        for literal in tree.find_all(exp.Literal)
        if not literal.is_string and literal.find_ancestor(exp.DataType) is None
    }
    assert numbers <= ALLOWED
    texts = {literal.this for literal in tree.find_all(exp.Literal) if literal.is_string}
    assert not [text for text in texts if re.fullmatch(r"[<>=]*\s*\.?[0-9][0-9.]*", text)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_setting_that_a_query_names_exists(model: Any) -> None:
    """A misspelt name would be a null, and a null would quietly make no case."""
    tree = sqlglot.parse_one(model.sql, dialect="duckdb")
    for select in tree.find_all(exp.Select):
        sources = {t.name for t in select.find_all(exp.Table) if t.db == "definitions"}
        known = {row.get("id") for name in sources for row in rows(name)}
        for equality in select.find_all(exp.EQ):
            if equality.this.name == "id" and equality.expression.is_string and equality.find_ancestor(exp.Filter):
                assert equality.expression.name in known


def test_criteria_that_queries_name_exist() -> None:
    known = column("criterion", "code") | column("threshold", "criterion") | column("reason", "code")
    known |= set(choices(Symptom)["severity"])
    named = set()
    for model in MODELS:
        for call in sqlglot.parse_one(model.sql, dialect="duckdb").find_all(exp.ArrayContains):
            named |= {literal.this for literal in call.find_all(exp.Literal) if literal.is_string}
    assert named
    assert named <= known
