"""Kahn's matrix of the current release: conformance, completeness and plausibility of each site's kinds of event.

What the suites found is in the release's manifest, what the row rules found in the operators' database. Counts only:
no value, no subject and no date. How the page looks stands in quality.html.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import duckdb
import jinja2

from contracts import rulebook
from contracts.history_rules import history_rules
from lake.home import Home
from registry import release
from registry.errors import NoRelease
from registry.manifest import Manifest

CATEGORIES = ("conformance", "completeness", "plausibility")
"""Kahn et al., eGEMs 2016;4:1244."""
EVERY_KIND = "all kinds"
"""What is asked of a site's deliveries together."""
_WORST = ("error", "fail", "pass", "not_applicable")

_FOUND = """
SELECT f.site, f.kind, f.category, f.severity, f.effect, f.rule,
    (count(*) FILTER (WHERE NOT f.is_confirmed))::INTEGER, (count(*) FILTER (WHERE f.is_confirmed))::INTEGER
FROM {found} AS f
INNER JOIN verdicts AS v ON f.delivery = v.delivery AND v.verdict IN ('included', 'quarantined')
GROUP BY ALL
ORDER BY ALL
"""
_WITH_SITES = "(FROM findings UNION ALL BY NAME FROM level_hits UNION ALL BY NAME FROM digit_hits)"
"""Of a database of an earlier version, which asked nothing of many rows together, only the findings."""


class Cell(NamedTuple):
    """The checks of one category that one kind of one site was asked."""

    outcome: str
    """The worst: error, fail, pass, or not_applicable where nothing was asked."""
    outcomes: Mapping[str, int]
    """How many checks ended so."""


class Failing(NamedTuple):
    """A check that fails or could not be evaluated."""

    site: str
    kind: str
    category: str
    severity: str
    outcome: str
    asks: str
    failing: int
    of: int
    is_new: bool
    """In the release before it did not."""


class Found(NamedTuple):
    """What one rule finds in the current rows of a site, or in many of them together."""

    site: str
    kind: str
    category: str
    severity: str
    effect: str
    """quarantine keeps the row out, unusable its value; a finding of severity critical is asked of the site."""
    rule: str
    asks: str
    open: int
    confirmed: int
    """Rows of which the site has said that it is true."""


class Quality(NamedTuple):
    """What is shown."""

    release: str
    before: str | None
    """The release that the changes are counted from."""
    matrix: Mapping[str, Mapping[str, Mapping[str, Cell]]]
    """By site, kind and category; only kinds that were asked anything."""
    failing: Sequence[Failing]
    mended: Sequence[Failing]
    """What failed in the release before and passes now."""
    found: Sequence[Found]

    def html(self) -> str:
        """One page that needs nothing beside it."""
        environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
        template = files("registry").joinpath("quality.html").read_text(encoding="utf-8")
        return environment.from_string(template).render(quality=self, categories=CATEGORIES)


def read(home: Home) -> Quality:
    """The quality of the current release. NoRelease without one, or for one that was made before this was kept."""
    now = release.current(home)
    if not all("category" in each for each in now.suites):
        raise NoRelease(
            f"{now.id} was made before its checks were kept by category; `b12 build` makes one that has them"
        )
    earlier = [each for each in release.history(home) if each.number < now.number and not each.beside]
    before = earlier[-1] if earlier else None
    failed = _failing(before.suites) if before else []
    places = {_place(each) for each in failed}
    passes = {_place(each) for each in now.suites if each["outcome"] == "pass"}
    return Quality(
        now.id,
        before.id if before else None,
        _matrix(now),
        sorted(_told(each, is_new=before is not None and _place(each) not in places) for each in _failing(now.suites)),
        sorted(_told(each, is_new=False) for each in failed if _place(each) in passes),
        list(_found(home)),
    )


def _matrix(now: Manifest) -> dict[str, dict[str, dict[str, Cell]]]:
    counts: dict[str, dict[str, dict[str, Counter[str]]]] = {}
    for each in now.suites:
        if each["site"] is not None:
            cell = counts.setdefault(each["site"], {}).setdefault(_kind(each), {})
            cell.setdefault(each["category"], Counter())[each["outcome"]] += 1
    return {
        site: {
            kind: {category: _cell(of_kind.get(category, Counter())) for category in CATEGORIES}
            for kind, of_kind in sorted(kinds.items())
        }
        for site, kinds in sorted(counts.items())
    }


def _cell(outcomes: Counter[str]) -> Cell:
    return Cell(next((outcome for outcome in _WORST if outcomes[outcome]), _WORST[-1]), dict(outcomes))


def _found(home: Home) -> Iterator[Found]:
    with duckdb.connect(str(home.operators), read_only=True) as connection:
        compared = connection.execute("FROM duckdb_tables() WHERE table_name = 'digit_hits'").fetchall()
        rows = connection.execute(_FOUND.format(found=_WITH_SITES if compared else "findings")).fetchall()
    for site, kind, category, severity, effect, rule, open_, confirmed in rows:
        asks = (history_rules().get((kind, rule)) or rulebook.rule(kind, rule)).asks
        yield Found(site, kind, category, severity, effect, rule, asks, open_, confirmed)


def _failing(suites: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in suites if each["outcome"] in ("fail", "error") and "category" in each]


def _place(each: Mapping[str, Any]) -> tuple[str | None, str]:
    return each["site"], each["check"]


def _kind(each: Mapping[str, Any]) -> str:
    table = each["check"].partition(": ")[0]
    return table.removeprefix("staging.current_") if table.startswith("staging.current_") else EVERY_KIND


def _told(each: Mapping[str, Any], *, is_new: bool) -> Failing:
    return Failing(
        each["site"] or "release",
        _kind(each),
        each["category"],
        each["severity"],
        each["outcome"],
        each["asks"],
        each["failing"],
        each["of"],
        is_new,
    )
