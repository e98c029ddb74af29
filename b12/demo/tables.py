"""The cohort as the tables that a hospital keeps: one row per infant, draw, dose, visit, sign, assessment.

What a table looks like as a file belongs in `files`; how its columns are read is in the mappings beside this module.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from typing import Any

from b12.demo.statements import Delivery, Moment, Statement

Cell = str | int | Decimal | date | time | None
Row = dict[str, Cell]

SEX = {"female": "F", "male": "M", "unknown": "U"}
GROUP = {"suspected": "case", "screened": "screening", "control": "healthy", "sibling": "sibling"}
LETTER = {"achieved": "A", "emerging": "E", "not_yet": "N", "lost": "L", "regained": "R"}
SIGN = {
    "HP:0001337": "tremor",
    "HP:0001252": "hypotonia",
    "HP:0002376": "regression",
    "HP:0001263": "delay",
    "HP:0001250": "seizure",
    "HP:0000737": "irritable",
    "HP:0001254": "lethargic",
    "HP:0008872": "feeds poorly",
    "HP:0000980": "pallor",
    "HP:0000953": "dark skin",
}
MILESTONES = (
    "social_smile",
    "head_control",
    "rolling",
    "sitting_without_support",
    "babbling",
    "standing_with_assistance",
    "walking_alone",
)
ANALYTES = ("b12", "homocysteine", "mma", "holotranscobalamin", "haemoglobin", "mcv", "folate", "creatinine")


def tables(deliveries: Iterable[Delivery]) -> dict[str, list[Row]]:
    """Every table by name, as it stands after the last delivery; a later statement of a record replaces the earlier."""
    latest: dict[str, Statement] = {}
    for delivery in deliveries:
        latest[delivery.record] = delivery.statement
    rows: dict[str, dict[str, Row]] = {name: {} for name in _FILL}
    table_of = {kind: name for name, fill in _FILL.items() for kind in fill}
    for said in latest.values():
        name = table_of[said.kind]
        row = rows[name].setdefault(_row_of(said), defaultdict(lambda: None))
        _FILL[name][said.kind](row, said)
    return {name: list(found.values()) for name, found in rows.items()}


def _row_of(said: Statement) -> str:
    """What is reported in one row has these parts of the key in common."""
    return "/".join(said.key[1:]) if said.kind not in ("condition", "status", "consent") else "/".join(said.key)


def _infant(row: Row, said: Statement) -> None:
    data = said.data
    row |= {
        "study_id": said.subject,
        "born": _date(data["birth"]),
        "sex": SEX[data["sex"]],
        "weeks": data["gestation_weeks"],
        "days": data["gestation_days"],
        "weight_g": data["birth_weight_g"],
        "births": data["plurality"],
        "mother": data["mother"],
        "group": GROUP[data["group"]],
        "route": data.get("route"),
        "seen": _date(data["enrolled"]),
        "diagnosed": _date(data.get("diagnosed")),
        "first_sign": _date(data.get("symptom_onset")),
    }
    if data["birth"].precision == "day":
        row["age_days"] = (data["enrolled"].date - data["birth"].date).days


def _feeding(row: Row, said: Statement) -> None:
    data = said.data
    row |= {
        "study_id": said.subject,
        "fed": data["infant"],
        "fed_since": _date(data["start"]),
        "meat_milk_egg": {True: "yes", None: None}[data.get("animal_source_food")],
        "mother_eats": data["mother_diet"],
        "mother_b12_ug": data.get("maternal_b12_ug_per_day"),
    }


def _lab(row: Row, said: Statement) -> None:
    data = said.data
    row |= {
        "sample": said.key[1],
        "study_id": said.subject,
        "person": data["person"],
        "date": _date(data["collected"]),
        "time": _clock(data["collected"]),
        said.key[0]: f"{data['comparator']}{data['value']}" if "comparator" in data else data["value"],
    }


def _dose(row: Row, said: Statement) -> None:
    data = said.data
    row |= {
        "study_id": said.subject,
        "no": int(said.key[2]),
        "to": data["person"],
        "drug": data["compound"],
        "way": data["route"],
        "ug": data.get("ug"),
        "due": _date(data["scheduled"]),
        "given": _date(data.get("given")),
        "time": _clock(data.get("given")),
        "purpose": data.get("purpose"),
    }


def _growth(row: Row, said: Statement) -> None:
    data = said.data
    row |= {
        "visit": said.key[1],
        "study_id": said.subject,
        "date": _date(data["measured"]),
        "weight_g": data["weight_g"],
        "length_cm": data["length_cm"],
        "head_cm": data["head_circumference_cm"],
    }


def _milestone(row: Row, said: Statement) -> None:
    data = said.data
    row |= {"asked": {"examined": "no", "caregiver": "yes"}[data["source"]], data["code"]: LETTER[data["status"]]}
    if "attained" in data:
        row[f"{data['code']}_since"] = _date(data["attained"])


def _sign(row: Row, said: Statement) -> None:
    data = said.data
    row |= {
        "study_id": said.subject,
        "no": int(said.key[2]),
        "sign": SIGN[data["code"]],
        "seen": _date(data["observed"]),
        "state": data["status"],
        "since": _date(data.get("onset")),
        "severity": data.get("severity"),
    }


def _score(row: Row, said: Statement) -> None:
    data = said.data
    row |= {
        "assessment": said.key[1],
        "study_id": said.subject,
        "date": _date(data["assessed"]),
        "norms": data["age_used"],
        said.key[0]: data.get("score", "untestable"),
    }


def _condition(row: Row, said: Statement) -> None:
    data = said.data
    row |= _note(said) | {"what": data["category"], "code": data["code"], "since": _date(data["onset"])}


def _status(row: Row, said: Statement) -> None:
    data = said.data
    row |= _note(said) | {"what": data["state"], "since": _date(data["effective"])}
    row["last_contact"] = _date(data.get("last_contact"))


def _consent(row: Row, said: Statement) -> None:
    data = said.data
    row |= _note(said) | {"what": data["status"], "code": ", ".join(data["scopes"]), "since": _date(data["effective"])}


def _note(said: Statement) -> Row:
    return {"study_id": said.subject, "no": int(said.key[2]), "about": said.kind}


def _scan(row: Row, said: Statement) -> None:
    data = said.data
    row |= {
        "scan": data["scan"],
        "study_id": said.subject,
        "date": _date(data["scanned"]),
        "region": data["region"],
        "side": data["side"],
        "metric": data["metric"],
        "value": data["value"],
        "voxels": data["roi_voxels"],
    }


_FILL: dict[str, dict[str, Any]] = {
    "infants": {"enrolment": _infant, "feeding": _feeding},
    "lab": {"lab_result": _lab},
    "doses": {"dose": _dose},
    "visits": {"growth": _growth, "milestone": _milestone},
    "signs": {"symptom": _sign},
    "scores": {"assessment": _score},
    "notes": {"condition": _condition, "status": _status, "consent": _consent},
    "scans": {"imaging": _scan},
}

COLUMNS: dict[str, tuple[str, ...]] = {
    "infants": (
        *("study_id", "born", "age_days", "sex", "weeks", "days", "weight_g", "births", "mother", "group", "route"),
        *("seen", "diagnosed", "first_sign", "fed", "fed_since", "meat_milk_egg", "mother_eats", "mother_b12_ug"),
    ),
    "lab": ("sample", "study_id", "person", "date", "time", *ANALYTES),
    "doses": ("study_id", "no", "to", "drug", "way", "ug", "due", "given", "time", "purpose"),
    "visits": (
        *("visit", "study_id", "date", "asked", "weight_g", "length_cm", "head_cm"),
        *(*MILESTONES, "social_smile_since"),
    ),
    "signs": ("study_id", "no", "sign", "seen", "state", "since", "severity"),
    "scores": ("assessment", "study_id", "date", "norms", "motor", "mental"),
    "notes": ("study_id", "no", "about", "what", "code", "since", "last_contact"),
    "scans": ("scan", "study_id", "date", "region", "side", "metric", "value", "voxels"),
}
"""The columns of each table, in order."""


def _date(moment: Moment | None) -> Cell:
    if moment is None:
        return None
    return f"{moment.date:%Y-%m}" if moment.precision == "month" else moment.date


def _clock(moment: Moment | None) -> Cell:
    return None if moment is None or moment.minute is None else time(*divmod(moment.minute, 60))
