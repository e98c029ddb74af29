"""Which classes are reached where and why, and what the nearest above lack, by the definitions' text.

The rule of each class as the text has it, written out: one alternative a line, in the order of the text.
"""

from itertools import count
from typing import NamedTuple

from b12.demo.truth.core import Row
from b12.demo.truth.criteria import Criteria, Found, Place, who
from b12.demo.truth.evidence import Evidence
from b12.demo.truth.keys import Ordered

ORDER = {"not_eligible": 0, "definite": 1, "probable": 2, "possible": 3, "suspected": 4, "none": 5, "not_assessable": 6}
CASES = ("definite", "probable", "possible", "suspected")
BASIS = dict.fromkeys(("definite", "probable", "possible"), "marker") | {"suspected": "sign"}

_LETTERS = {
    "L": "b12_deficient",
    "l": "b12_low",
    "H": "homocysteine_raised",
    "M": "mma_raised",
    "T": "holotranscobalamin_low",
    "C": "signs",
    "A": "anaemia",
    "V": "macrocytosis",
}
# A is anaemia or a large MCV, here A and V.
_RULES = {
    "definite": ("LH", "LM"),
    "probable": ("HM", "lHC", "lHA", "lHV", "lMC", "lMA", "lMV", "TH", "TM", "LC"),
    "possible": ("L", "HC", "MC", "TC", "lH", "lM"),
}

Wanted = dict[str, str]


def _rules() -> dict[str, list[Wanted]]:
    found: dict[str, list[Wanted]] = {
        name: [{_LETTERS[letter]: "true" for letter in letters} for letters in alternatives]
        for name, alternatives in _RULES.items()
    }
    found["probable"][-1]["functional_usable"] = "false"
    risks = ("breastfed", "mother_vegetarian", "mother_b12_deficient")
    found["suspected"] = [{"signs": "true", risk: "true", "marker_evidence": "unknown"} for risk in risks]
    found["not_eligible"] = [{"infant": "false"}, {"eligible_age": "false"}, {"excluding_condition": "true"}]
    found["none"] = [{"unexposed_b12_not_deficient": "true"}]
    return found


RULES = _rules()


class Match(NamedTuple):
    """An alternative of a class that is reached at a place."""

    order: int
    alternative: int
    place: Place
    name: str


class Miss(NamedTuple):
    """An alternative at a place, and how much it lacks; least first."""

    lacking: int
    contradicted: int
    alternative: int
    anchor: int
    index: int
    place: Place
    wanted: Wanted
    found: dict[str, Found]


def tables(evidence: Evidence) -> dict[str, list[Row]]:
    """Places, criteria, matches, what decided the class, and the near misses."""
    criteria = Criteria(evidence)
    known = {place: criteria.at(place) for place in criteria.places}
    matches = [match for place, found in known.items() for match in _matches(place, found)]
    best = _best(matches)
    own = ORDER["not_assessable"] if best is None else best.order
    return {
        "research.case_candidates": [_candidate(criteria, place) for place in known],
        "research.criteria": [row for place, found in known.items() for row in _criteria(criteria, place, found)],
        "research.case_matches": [_match(criteria, match) for match in matches],
        "research.explanations": [_explanation(criteria, best, known)],
        "research.near_misses": _near_misses(criteria, known, own),
    }


def _candidate(criteria: Criteria, place: Place) -> Row:
    return {
        **who(criteria),
        **_where(place),
        "end_age_days": place.end,
        "is_after_treatment": place.is_after_treatment,
    }


def _where(place: Place) -> Row:
    return {"basis": place.basis, "index_age_days": place.index, "anchor_age_days": place.anchor}


def _criteria(criteria: Criteria, place: Place, found: dict[str, Found]) -> list[Row]:
    return [
        {
            **who(criteria),
            **_where(place),
            "criterion": name,
            "state": told.state,
            "is_at_anchor": told.is_at_anchor,
            "record_keys": told.record_keys,
        }
        for name, told in found.items()
    ]


def _matches(place: Place, found: dict[str, Found]) -> list[Match]:
    """At a specimen, one of the criteria must be met by that very specimen."""
    return [
        Match(ORDER[name], number, place, name)
        for name, alternatives in RULES.items()
        if BASIS.get(name, "subject") == place.basis
        for number, wanted in zip(count(1), alternatives, strict=False)
        if all(found[criterion].state == state for criterion, state in wanted.items())
        and (place.basis != "marker" or any(found[criterion].is_at_anchor for criterion in wanted))
    ]


def _match(criteria: Criteria, match: Match) -> Row:
    told = {"class": match.name, "class_order": match.order, "alternative": match.alternative}
    return {"definition": "default", **who(criteria), **_where(match.place), **told}


def _best(matches: list[Match]) -> Match | None:
    """The best class in the span of the first index, by its first alternative, at its first specimen."""
    first: dict[str, int] = {}
    for match in matches:
        index = match.place.index
        if index is not None and index == match.place.anchor:
            first[match.place.basis] = min(first.get(match.place.basis, index), index)
    within = [match for match in matches if match.place.index == first.get(match.place.basis)]
    return min(within, key=lambda match: (match.order, match.alternative, match.place.anchor or 0), default=None)


def _explanation(criteria: Criteria, best: Match | None, known: dict[Place, dict[str, Found]]) -> Row:
    names = sorted(RULES[best.name][best.alternative - 1]) if best else []
    found = {name: known[best.place][name] for name in names} if best else {}
    return {
        "definition": "default",
        **who(criteria),
        "site": criteria.subject.site,
        "class": best.name if best else "not_assessable",
        "alternative": best.alternative if best else None,
        "criteria": names,
        "states": [found[name].state for name in names],
        "index_age_days": best.place.index if best else None,
        "anchor_age_days": best.place.anchor if best else None,
        "class_end_age_days": best.place.end if best else None,
        "is_index_after_treatment": bool(best and best.place.is_after_treatment),
        "record_keys": Ordered.joined(found[name].record_keys for name in names),
    }


def _near_misses(criteria: Criteria, known: dict[Place, dict[str, Found]], own: int) -> list[Row]:
    places = dict(known)
    if not any(place.basis == "marker" for place in known):
        places[Place("marker")] = criteria.altogether()
    nearest: dict[str, Miss] = {}
    for name in CASES:
        if ORDER[name] < own:
            misses = [miss for place, found in places.items() for miss in _missed(name, place, found)]
            if misses:
                nearest[name] = min(misses, key=lambda miss: miss[:5])
    if not nearest:
        return []
    first = min(nearest, key=lambda name: (nearest[name].lacking, nearest[name].contradicted, ORDER[name]))
    return [_near_miss(criteria, name, miss, is_nearest=name == first) for name, miss in nearest.items()]


def _missed(name: str, place: Place, found: dict[str, Found]) -> list[Miss]:
    if place.basis != BASIS[name]:
        return []
    misses = []
    for number, wanted in zip(count(1), RULES[name], strict=False):
        lacking = [criterion for criterion, state in wanted.items() if found[criterion].state != state]
        is_there = place.index is None or any(found[criterion].is_at_anchor for criterion in wanted)
        # Markers that meet an alternative without the specimen meet it at another.
        if lacking or is_there or place.basis == "sign":
            contradicted = sum(found[criterion].state != "unknown" for criterion in lacking)
            at = (place.anchor or 0, place.index or 0)
            misses.append(Miss(len(lacking), contradicted, number, *at, place, wanted, found))
    return misses


def _near_miss(criteria: Criteria, name: str, miss: Miss, *, is_nearest: bool) -> Row:
    asked = sorted(miss.wanted)
    missing = [criterion for criterion in asked if miss.found[criterion].state != miss.wanted[criterion]]
    return {
        "definition": "default",
        **who(criteria),
        "site": criteria.subject.site,
        "class": name,
        "class_order": ORDER[name],
        "alternative": miss.alternative,
        **_where(miss.place),
        "criteria": len(asked),
        "lacking": miss.lacking,
        "met": [criterion for criterion in asked if criterion not in missing],
        "missing": missing,
        "missing_states": [miss.found[criterion].state for criterion in missing],
        "missing_wanted": [miss.wanted[criterion] for criterion in missing],
        "is_nearest": is_nearest,
    }
