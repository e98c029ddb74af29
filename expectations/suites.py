"""The checks of each site: do its current rows conform to the contract, and are they complete and plausible as a whole?

They are of level `site`: a critical failure holds the site, not the release. Checks of the release candidate stand in
release.py; what is judged of one row (and quarantined) is the registry's. The shares below which a site is fine are
data, in thresholds.toml.
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from contracts import rulebook
from contracts.events import DATA
from expectations.checks import NO_ROWS, Check, Severity, literal, share
from expectations.conformance import conformance
from expectations.current import check


def site_checks() -> list[Check]:
    """Every check of level `site`, over the catalog `staging` of one build."""
    of_kinds = (made for kind in DATA for made in (*conformance(kind), *_thresholds(kind), *_findings(kind)))
    return [*of_kinds, *_verdicts()]


@cache
def thresholds() -> dict[str, Any]:
    """`thresholds.toml`, parsed."""
    return tomllib.loads(files("expectations").joinpath("thresholds.toml").read_text(encoding="utf-8"))


def _thresholds(kind: str) -> Iterator[Check]:
    for entry in thresholds()["share"]:
        if entry["kind"] == kind:
            applies, at_least = entry.get("applies", "true"), entry["at_least"]
            yield check(
                kind,
                entry["name"],
                entry["asks"],
                entry["failing"],
                category=entry["category"],
                severity=entry["severity"],
                applies=applies,
                at_least=at_least,
                breaks=share(entry["failing"], entry["at_most"], at_least, applies),
            )
    for entry in thresholds()["median"] if kind == "lab_result" else ():
        analyte, at_least = entry["analyte"], entry["at_least"]
        asked = f"analyte = {literal(analyte)} AND person = {literal(entry['person'])} AND comparator IS NULL"
        middle = f"median(canonical) FILTER (WHERE {asked})"
        yield check(
            kind,
            f"median_{analyte}_{entry['person']}",
            f"The site's median of {analyte} ({entry['person']}) lies between {entry['low']} and {entry['high']}"
            f" {entry['unit']}; elsewhere, its unit is wrong throughout.",
            None,
            category="plausibility",
            severity="critical",
            applies=asked,
            at_least=at_least,
            breaks=f"count(*) FILTER (WHERE {asked}) >= {at_least}"
            f" AND {middle} NOT BETWEEN {entry['low']} AND {entry['high']}",
        )


def _findings(kind: str) -> Iterator[Check]:
    limits = thresholds()["findings"]
    asked = {rule.category for rule in rulebook.rules(kind) if rule.effect != "quarantine"}
    for category in sorted(asked):
        failing = f"has_{category}_finding"
        yield check(
            kind,
            f"row_rules_{category}",
            f"At most {limits['at_most']:.0%} of the rows have an open {category} finding of the row rules.",
            failing,
            category=category,
            severity="warning",
            at_least=limits["at_least"],
            breaks=share(failing, limits["at_most"], limits["at_least"]),
        )


def _verdicts() -> Iterator[Check]:
    rows = "SELECT site, kind, verdict FROM staging.verdicts"
    for entry in thresholds()["verdict"]:
        failing = f"verdict = {literal(entry['verdict'])}"
        breaks = share(failing, entry["at_most"], entry["at_least"])
        severity: Severity = entry["severity"]
        yield Check(
            name=f"share_{entry['verdict']}",
            table="staging.verdicts",
            rows=rows,
            asks=entry["asks"],
            category="plausibility",
            severity=severity,
            level="site",
            expectation=NO_ROWS,
            arguments={"unexpected_rows_query": f"SELECT site FROM {{batch}} GROUP BY site HAVING {breaks}"},
            failing=failing,
            breaks=breaks,
            at_least=entry["at_least"],
        )
