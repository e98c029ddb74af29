"""What is known of mothers, by the definitions' text: twins share one, and what each of them reports of her is one.

The truth knows the dates, so one day is one day whatever the ages of her children.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from b12.demo.truth.core import Row, family_of, key_of
from b12.demo.truth.evidence import unusable
from b12.demo.truth.keys import Key, Least, Ordered
from b12.demo.truth.records import B12_COMPOUNDS, CANONICAL, Subject
from b12.demo.truth.treatment import share


class Report(NamedTuple):
    """What one child's site reports of the mother."""

    subject: Subject
    record: str
    age_days: int | None
    """Of the child."""

    @property
    def record_key(self) -> Key:
        """Its key."""
        return Key("record", self.subject.site, self.record)


Said = dict[tuple[Any, ...], list[Report]]
"""What is said, once, with the reports of it."""


def tables(everyone: Iterable[Subject]) -> dict[str, list[Row]]:
    """The four tables of mothers."""
    families: dict[Key, list[Subject]] = defaultdict(list)
    for subject in everyone:
        families[family_of(subject)].append(subject)
    found: dict[str, list[Row]] = defaultdict(list)
    for family, children in families.items():
        doses = _doses(family, children)
        found["research.maternal_doses"] += doses
        found["research.maternal_adherence"] += _adherence(family, doses)
        found["research.maternal_results"] += _results(family, children)
        found["research.maternal_intake"] += _intake(family, children)
    return found


def _once(children: Sequence[Subject], told: Callable[[Subject], Iterable[tuple[tuple[Any, ...], Report]]]) -> Said:
    """What siblings report alike is one; what one of them reports twice is two."""
    found: Said = defaultdict(list)
    for child in children:
        times: Counter[tuple[Any, ...]] = Counter()
        for what, report in told(child):
            times[what] += 1
            found[*what, times[what]].append(report)
    return found


def _of(family: Key, reports: Sequence[Report]) -> Row:
    return {
        "record_key": Least(tuple(report.record_key for report in reports)),
        "family_key": family,
        "site": family.site,
        "subject_keys": Ordered.of(key_of(report.subject) for report in reports),
        "record_keys": Ordered(tuple((key_of(report.subject), report.record_key) for report in reports)),
    }


def _ages(reports: Sequence[Report]) -> Ordered:
    return Ordered(tuple((key_of(report.subject), report.age_days) for report in reports))


def _doses(family: Key, children: Sequence[Subject]) -> list[Row]:
    def told(child: Subject) -> Iterable[tuple[tuple[Any, ...], Report]]:
        for by in child.by("dose"):
            said = by.statement.data
            if said["person"] == "mother" and said["compound"] in B12_COMPOUNDS:
                moment = said.get("given") or said["scheduled"]
                what = [said.get(name) for name in ("compound", "route", "ug", "status", "purpose")]
                yield (moment.date, *what), Report(child, by.record, child.age(moment))

    rows: list[Row] = []
    series = sorted(_once(children, told).items(), key=lambda dose: dose[0][0])
    for (day, compound, route, ug, status, purpose, _), reports in series:
        given = [what[0] for what, _ in series[: len(rows)] if what[4] == "given"]
        rows.append(
            {
                **_of(family, reports),
                "compound": compound,
                "route": route,
                "ug": ug,
                "status": status,
                "purpose": purpose,
                "series_day": (day - series[0][0][0]).days,
                "since_given_days": (day - max(given)).days if given else None,
                "ages": _ages(reports),
            }
        )
    return rows


def _adherence(family: Key, doses: Sequence[Row]) -> list[Row]:
    if not doses:
        return []
    statuses = Counter(dose["status"] for dose in doses)
    gaps = [dose["since_given_days"] for dose in doses if dose["since_given_days"] is not None]
    return [
        {
            "family_key": family,
            "site": family.site,
            "doses_due": len(doses),
            **{f"doses_{status}": statuses[status] for status in ("given", "missed", "refused")},
            "given_share": share(statuses["given"], len(doses)),
            "longest_gap_days": max(gaps, default=None),
        }
    ]


def _results(family: Key, children: Sequence[Subject]) -> list[Row]:
    def told(child: Subject) -> Iterable[tuple[tuple[Any, ...], Report]]:
        for result in child.results:
            if result.said["person"] == "mother":
                what = (result.analyte, result.value, result.comparator, result.said["specimen"], unusable(result))
                report = Report(child, result.by.record, result.age_days)
                yield (result.said["collected"].date, *what), report

    return [
        {
            **_of(family, reports),
            "analyte": analyte,
            "value": value,
            "comparator": comparator,
            "unit": CANONICAL[analyte],
            "specimen": specimen,
            "is_usable": reason is None,
            "unusable_reason": reason,
            "ages": _ages(reports),
        }
        for (_, analyte, value, comparator, specimen, reason, _), reports in _once(children, told).items()
    ]


def _intake(family: Key, children: Sequence[Subject]) -> list[Row]:
    reported: Said = defaultdict(list)
    for child in children:
        for by in child.by("feeding"):
            said = by.statement.data
            diet, ug = said.get("mother_diet"), said.get("maternal_b12_ug_per_day")
            end = said.get("end")
            if diet or ug is not None:
                reported[said["start"].date, end.date if end else None, diet, ug].append(Report(child, by.record, None))
    return [
        {
            **_of(family, reports),
            "mother_diet": diet,
            "maternal_b12_ug_per_day": ug,
            "period_days": (end - start).days + 1 if end else None,
            "subject_keys": Ordered.of({key_of(report.subject) for report in reports}),
            "record_keys": Ordered.of(report.record_key for report in reports),
        }
        for (start, end, diet, ug), reports in reported.items()
    ]
