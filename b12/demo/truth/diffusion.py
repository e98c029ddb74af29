"""Scans and what their metrics say before and after, by the definitions' text.

The partners of the cohort scan with one scanner and agree with themselves; the models' fixtures try the rest. Means of
both sides that were computed are not told: none of the cohort's regions is scanned on both.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from math import sqrt
from typing import NamedTuple

from b12.demo.truth.core import Row, key_of
from b12.demo.truth.evidence import Evidence
from b12.demo.truth.keys import Key

_PLACE = ("atlas", "atlas_version", "region", "side", "method")
_PROTOCOL = ("scanner_model", "field_strength_t")
_PIPELINE = ("pipeline", "pipeline_version")

Place = tuple[str, ...]
Metrics = dict[str, Decimal]
"""FA, and MD, AD and RD in mm2/s."""


class Scan(NamedTuple):
    """One scan of one subject."""

    key: Key
    age_days: int
    study_day: int | None
    about: Row
    """What every event of it says."""
    places: dict[Place, Metrics]

    @property
    def metrics(self) -> int:
        """How many it has."""
        return sum(map(len, self.places.values()))


def tables(evidence: Evidence) -> dict[str, list[Row]]:
    """Scans, tensors, the values of the chosen scans, and how they changed."""
    scans = _scans(evidence)
    before = _chosen(scans, "before")
    after = _chosen(scans, "after")
    chosen = [scan for scan in (before, after) if scan]
    return {
        "research.dti_scans": [_scan(evidence, scan, is_chosen=scan in chosen) for scan in scans],
        "research.dti_tensors": [_tensor(evidence, scan, place) for scan in scans for place in scan.places],
        "research.dti_values": [row for scan in chosen for row in _values(evidence, scan)],
        "research.dti_changes": _changes(evidence, before, after),
    }


def _scans(evidence: Evidence) -> list[Scan]:
    subject = evidence.subject
    is_followed = evidence.start is not None and subject.enrolment["person"] == "infant"
    events: dict[str, list[Row]] = defaultdict(list)
    for said in subject.of("imaging"):
        events[said["scan"]].append(said)
    found = []
    for name, said in events.items():
        places: dict[Place, Metrics] = defaultdict(dict)
        for each in said:
            scale = 1 if each["metric"] == "fa" else 1000  # 1 um2/ms is 0.001 mm2/s
            places[tuple(each[part] for part in _PLACE)][each["metric"]] = each["value"] / scale
        age = subject.age(said[0]["scanned"])
        study_day = age - evidence.start.age_days if is_followed and evidence.start else None
        found.append(Scan(Key("scan", subject.site, name), age, study_day, said[0], dict(places)))
    return found


def _visit(day: int | None) -> str | None:
    if day is None:
        return None
    return "before" if -30 <= day <= 14 else "after" if 90 <= day <= 365 else "unscheduled"


def _chosen(scans: Iterable[Scan], visit: str) -> Scan | None:
    """Before treatment the scan with most metrics, of equal ones the earliest; after it the earliest."""
    within = [(scan.study_day, scan) for scan in scans if _visit(scan.study_day) == visit]
    by_metrics = visit == "before"
    return min(within, key=lambda at: (-at[1].metrics if by_metrics else 0, at[0]), default=(0, None))[1]


def _whose(evidence: Evidence) -> Row:
    return {"subject_key": key_of(evidence.subject), "site": evidence.subject.site}


def _scan(evidence: Evidence, scan: Scan, *, is_chosen: bool) -> Row:
    return {
        **_whose(evidence),
        "scan_key": scan.key,
        "age_days": scan.age_days,
        "study_day": scan.study_day,
        "visit": _visit(scan.study_day),
        "is_chosen": is_chosen,
        "metrics": scan.metrics,
        "quality": scan.about["quality"],
        **{name: scan.about[name] for name in _PROTOCOL},
        "disagreements": [],
        "is_usable": True,
    }


def _tensor(evidence: Evidence, scan: Scan, place: Place) -> Row:
    found = scan.places[place]
    along, across = float(found["ad"]), float(found["rd"])
    md = _twelve((along + 2 * across) / 3)
    fa = _twelve((along - across) / sqrt(along**2 + 2 * across**2))
    return {
        **_whose(evidence),
        "scan_key": scan.key,
        **dict(zip(_PLACE, place, strict=True)),
        **{metric: found[metric] for metric in ("fa", "md", "ad", "rd")},
        "md_of_ad_and_rd": md,
        "fa_of_ad_and_rd": fa,
        "is_md_apart": abs(found["md"] - md) > Decimal("0.02") * found["md"],
        "is_out_of_order": not found["ad"] >= found["md"] >= found["rd"],
        "is_fa_doubtful": abs(found["fa"] - fa) > Decimal("0.1"),
    }


def _twelve(value: float) -> Decimal:
    return Decimal(value).quantize(Decimal("1e-12"), ROUND_HALF_UP)


def _doubts(evidence: Evidence, scan: Scan, place: Place, metric: str) -> Row:
    """FA that does not fit is told; only what the tensor itself contradicts counts against a value."""
    tensor = _tensor(evidence, scan, place)
    return {
        "is_tensor_apart": metric != "fa" and (tensor["is_md_apart"] or tensor["is_out_of_order"]),
        "is_fa_doubtful": metric == "fa" and tensor["is_fa_doubtful"],
    }


def _values(evidence: Evidence, scan: Scan) -> list[Row]:
    return [
        {
            **_whose(evidence),
            "visit": _visit(scan.study_day),
            **dict(zip(_PLACE, place, strict=True)),
            "metric": metric,
            "unit": _unit(metric),
            "scan_key": scan.key,
            "study_day": scan.study_day,
            "age_days": scan.age_days,
            "value": value,
            **{name: scan.about[name] for name in (*_PROTOCOL, *_PIPELINE)},
            **_doubts(evidence, scan, place, metric),
        }
        for place, found in scan.places.items()
        for metric, value in found.items()
    ]


def _unit(metric: str) -> str:
    return "1" if metric == "fa" else "mm2/s"


def _changes(evidence: Evidence, before: Scan | None, after: Scan | None) -> list[Row]:
    scans = [scan for scan in (before, after) if scan]
    asked = dict.fromkeys((p, metric) for scan in scans for p, found in scan.places.items() for metric in found)
    return [_change(evidence, before, after, place, metric) for place, metric in asked]


def _change(evidence: Evidence, before: Scan | None, after: Scan | None, place: Place, metric: str) -> Row:
    there = [scan if scan and metric in scan.places.get(place, {}) else None for scan in (before, after)]
    values = [scan.places[place][metric] if scan else None for scan in there]
    one, two = values
    doubts = [_doubts(evidence, scan, place, metric) for scan in there if scan]
    apart, doubtful = (any(doubt[name] for doubt in doubts) for name in ("is_tensor_apart", "is_fa_doubtful"))
    change = two - one if one is not None and two is not None else None
    row = {**_whose(evidence), **dict(zip(_PLACE, place, strict=True)), "metric": metric, "is_derived": False}
    for name, scan, value in zip(("before", "after"), there, values, strict=True):
        row |= {f"{name}_scan_key": scan.key if scan else None, f"{name}_value": value}
        row |= {f"{name}_study_day": scan.study_day if scan else None}
        row |= {f"{name}_age_days": scan.age_days if scan else None}
    return row | {
        "change": change,
        "unit": _unit(metric),
        "reason": "no_baseline" if one is None else "no_follow_up" if two is None else None,
        "is_scanner_changed": False,
        "is_field_strength_changed": False,
        "is_pipeline_changed": False,
        "is_protocol_unknown": None in there,
        "is_tensor_apart": apart,
        "is_fa_doubtful": doubtful,
        "is_in_primary_contrast": change is not None and not apart,
    }
