"""The flow from deliveries to recovered infants, counted from the rows of the truth's other tables."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from b12.demo.statements import Delivery

Row = dict[str, Any]
Counts = Counter[tuple[str, str, str]]

STEPS = (
    *("received", "verdict", "reported", "withdrawn", "not_enrolled", "enrolled", "not_eligible", "eligible"),
    *("not_assessable", "assessable", "class", "primary_case", "treated", "baseline", "followed_up"),
    *("at_risk", "assessed", "recovered"),
)
"""In the order in which the flow is told; the first two count deliveries, the others subjects."""


def rows(
    deliveries: Sequence[Delivery],
    verdicts: Sequence[str],
    tables: Mapping[str, Sequence[Row]],
    excluded: Mapping[Any, str],
) -> list[Row]:
    """Steps that count anyone, for each site and for all; `excluded`: the criterion that excludes a subject."""
    counts: Counts = Counter(_of_deliveries(deliveries, verdicts, tables))
    counts.update(_of_cases(tables, excluded))
    for (step, part, _), count in list(counts.items()):
        counts[step, part, "all"] += count
    return [
        {
            "definition": "default",
            "step_order": STEPS.index(step) + 1,
            "step": step,
            "part": part,
            "site": site,
            "counted": "deliveries" if step in ("received", "verdict") else "subjects",
            "n": count,
        }
        for (step, part, site), count in counts.items()
    ]


def _of_deliveries(
    deliveries: Sequence[Delivery], verdicts: Sequence[str], tables: Mapping[str, Sequence[Row]]
) -> Iterator[tuple[str, str, str]]:
    enrolled = {row["subject_key"] for row in tables["core.subjects"]}
    named = {(key.site, key.value) for key in enrolled}
    heard: dict[tuple[str, str], set[str]] = {}
    for delivery, verdict in zip(deliveries, verdicts, strict=True):
        said = delivery.statement
        yield "received", "", said.site
        yield "verdict", verdict, said.site
        if verdict != "refused":
            heard.setdefault((said.site, said.subject), set()).add(verdict)
    for subject, found in heard.items():
        yield "reported", "", subject[0]
        if subject in named:
            yield "enrolled", "", subject[0]
        else:
            yield "withdrawn" if "withdrawn" in found else "not_enrolled", "", subject[0]


def _of_cases(tables: Mapping[str, Sequence[Row]], excluded: Mapping[Any, str]) -> Iterator[tuple[str, str, str]]:
    primary = {row["subject_key"] for row in tables["research.cases"] if row["is_primary_case"]}
    for row in tables["research.cases"]:
        site = row["site"]
        if row["class"] == "not_eligible":
            yield "not_eligible", excluded[row["subject_key"]], site
            continue
        yield "eligible", "", site
        if row["class"] == "not_assessable":
            yield "not_assessable", row["reason"], site
            continue
        yield "assessable", "", site
        yield "class", row["class"], site
        if row["is_primary_case"]:
            yield "primary_case", "", site
            if row["treatment_start_age_days"] is not None:
                yield "treated", "", site
    for row in tables["research.follow_up"]:
        if row["subject_key"] in primary and row["state"] == "in_window":
            is_baseline = row["visit"] == "baseline"
            yield "baseline" if is_baseline else "followed_up", "" if is_baseline else row["visit"], row["site"]
    for row in tables["research.recovery"]:
        if row["is_primary_case"] and row["is_at_risk"]:
            part = f"{row['dimension']}:{row['visit']}"
            yield "at_risk", part, row["site"]
            if row["state"] != "not_assessable":
                yield "assessed", part, row["site"]
            if row["state"] == "recovered":
                yield "recovered", part, row["site"]
