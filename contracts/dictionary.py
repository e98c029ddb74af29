"""The data dictionary as one page of Markdown: kinds, fields, codes, units, and every rule with its standing.

The tables of a release have their own pages, made from the models' descriptions.
"""

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

from msgspec import inspect

from contracts import VERSION, codes
from contracts.events import DATA, KINDS, Envelope
from contracts.json_schemas import alternatives, closed, type_info, unwrapped
from contracts.judge import rules as door_rules
from contracts.rulebook import rules as row_rules
from contracts.shapes import field_docs, shapes

_LINKED = {
    ("lab_result", "loinc"): "[LOINC code](#analytes-and-units)",
    ("lab_result", "unit"): "[unit of the code](#analytes-and-units)",
    ("milestone", "code"): "[milestone](#milestones)",
    ("symptom", "code"): "[sign](#signs)",
    ("imaging", "region"): "[region](#regions)",
    ("imaging", "unit"): "[unit](#units-of-diffusivity)",
    ("assessment", "instrument"): "[instrument](#instruments)",
    ("assessment", "edition"): "[edition](#instruments)",
    ("assessment", "domain"): "[domain](#instruments)",
}
_SHAPES = {
    "decimal": "number",
    "int": "whole number",
    "bool": "true or false",
    "when": "date",
    "mother": "code, hashed",
    "scan": "code, hashed",
    "record": "code, hashed",
    "listed": "text, kept if registered",
    "str": "text",
}
_INTRODUCTION = f"""# Data dictionary

What a site may say, version {VERSION} of the contract. This page is made from the contract by
`make fix`; do not edit it.

**How sure are we?** Each entry of a table has a status. *cited*: read in the named source. *unverified*: from general
knowledge, not yet checked against a source. *proposed*: ours, open to replacement.

- [The envelope](#the-envelope)
- Kinds: {", ".join(f"[{kind}](#{kind})" for kind in KINDS)}
- Codes: [analytes and units](#analytes-and-units), [units of diffusivity](#units-of-diffusivity),
  [milestones](#milestones), [signs](#signs), [regions](#regions), [instruments](#instruments)
- Rules: [of the door](#rules-of-the-door), [of a row](#rules-of-a-row)

A **date** is `2026-03` (a month), `2026-03-14` (a day) or, where a time is allowed, `2026-03-14T09:30+05:30` with its
zone. The day is the one in the site's own time zone; a month stands as its 15th, flagged. A **number** is a JSON number
or one spelled the same as a string, with at most 16 digits before and 12 after the point. **Code, hashed**: kept only
as a keyed hash, which the site alone can turn back. An optional field that is absent or null says nothing. Every field
is there since version 1 of its kind, unless its meaning says since when."""


def page() -> str:
    """The page, ending in a line feed."""
    parts = [_INTRODUCTION, _envelope(), *map(_kind, KINDS), _analytes(), _diffusivity(), _milestones()]
    parts += [_signs(), _regions(), _instruments(), _door(), _rows()]
    return "\n\n".join(parts) + "\n"


def _envelope() -> str:
    rows = [
        (f"`{field.name}`", "yes" if field.required else "no", field_docs(Envelope)[field.name])
        for field in type_info(Envelope).fields
    ]
    rows.append(("`type`", "yes", "`b12.KIND.v1` with one of the kinds below."))
    rows.append(("`data`", "yes", "The fields of the kind. A field that the kind does not have is refused."))
    return (
        "## The envelope\n\nAn event is a CloudEvents 1.0 JSON object in structured mode. Other CloudEvents attributes "
        "are accepted and not stored.\n\n" + _table(("attribute", "required", "meaning"), rows)
    )


def _kind(kind: str) -> str:
    docs = field_docs(DATA[kind])
    rows = [
        (f"`{field.name}`", _values(kind, field), "yes" if field.required else "no", docs[field.name])
        for field in type_info(DATA[kind]).fields
    ]
    example = files("contracts").joinpath("examples", f"{kind}.json").read_text(encoding="utf-8").strip()
    return (
        f"## {kind}\n\n{DATA[kind].__doc__}\n\n"
        + _table(("field", "value", "required", "meaning"), rows)
        + f"\n\n[JSON Schema](schemas/b12.{kind}.v1.json). An example:\n\n```json\n{example}\n```"
    )


def _values(kind: str, field: inspect.Field) -> str:
    """What may stand in a field, in a few words."""
    if (kind, field.name) in _LINKED:
        return _LINKED[kind, field.name]
    assert closed(kind, field.name) is None, "a closed list needs its link"  # noqa: S101
    info, _ = unwrapped(field.type)
    listed = ", ".join(f"`{value}`" for value in alternatives(DATA[kind], field.name))
    match info:
        case inspect.LiteralType():
            return listed
        case inspect.VarTupleType():
            return f"list of {listed or 'whole numbers'}"
        case inspect.IntType(ge=low, le=high) if high is not None and high < 2**31 - 1:
            return f"{low} to {high:,}"
    shape = shapes(DATA[kind])[field.name]
    with_time = shape == "when" and "T" in getattr(info, "pattern", "")
    return "date, with time if known" if with_time else _SHAPES[shape]


def _analytes() -> str:
    table = codes.table("analytes")
    sections = ["## Analytes and units", _ANALYTES]
    rows = []
    for analyte in table["analyte"]:
        for code in analyte["code"]:
            units = ", ".join(f"`{unit}`" + ("" if f == "1" else f" x {f}") for unit, f in code["units"].items())
            rows.append(
                (
                    f"{analyte['name']} (`{analyte['id']}`)",
                    f"`{code['loinc']}` {code['name']}",
                    units,
                    f"`{analyte['unit']}`",
                    ", ".join(analyte["specimens"]).replace("_", " "),
                    code["status"],
                )
            )
    sections.append(_table(("analyte", "code", "units and factors", "canonical", "specimens", "status"), rows))
    sources = [
        (analyte["name"], analyte["factor_source"], analyte["factor_status"])
        for analyte in table["analyte"]
        if "factor_source" in analyte
    ]
    sections.append("Where the factors come from:\n\n" + _table(("analyte", "source", "status"), sources))
    refused = [(f"`{entry['loinc']}`", entry["why"]) for entry in table["not_accepted"]]
    sections.append("Refused on purpose:\n\n" + _table(("code", "why"), refused))
    return "\n\n".join(sections)


_ANALYTES = (
    "The canonical value is the reported value times the factor, exactly; the reported value, unit and code are kept "
    "beside it. A code fixes whether it takes units of mass or of substance: a unit that does not fit its code is "
    "refused, never guessed. The litre may be written `L` or `l`."
)


def _diffusivity() -> str:
    rows = [(f"`{unit}`", f"{factor:f}") for unit, factor in codes.diffusivity_factors().items()]
    return "## Units of diffusivity\n\nFractional anisotropy has the unit `1`.\n\n" + _table(("unit", "mm2/s"), rows)


def _milestones() -> str:
    table = codes.table("milestones")
    rows = []
    for milestone in table["milestone"]:
        ages = [f"{age['centile']} % at {age['months']} ({age['scale']}, {age['status']})" for age in milestone["ages"]]
        rows.append((f"`{milestone['code']}`", milestone["name"], milestone["area"].replace("_", " "), "; ".join(ages)))
    sources = "\n".join(f"- `{scale}`: {text}." for scale, text in table["source"].items())
    return (
        "## Milestones\n\nAges in months of 30.4375 days at which a share of children attains them. A window "
        "describes; past the 99th centile is a flag for referral, not a diagnosis.\n\n"
        + _table(("code", "milestone", "area", "attained by"), rows)
        + f"\n\n{sources}"
    )


def _signs() -> str:
    rows = [(f"`{s['code']}`", s["name"], s["class"], s["status"]) for s in codes.table("signs")["sign"]]
    return (
        "## Signs\n\nTerms of the Human Phenotype Ontology. The class (major, minor, seen on MRI) is a proposal, and "
        "every code is yet to be checked against a release.\n\n" + _table(("code", "sign", "class", "status"), rows)
    )


def _regions() -> str:
    rows = [
        (f"`{region['code']}`", region["name"], region["tissue"], ", ".join(f"`{side}`" for side in region["sides"]))
        for region in codes.table("regions")["region"]
    ]
    return "## Regions\n\nBy name, never by an atlas index.\n\n" + _table(("code", "region", "matter", "sides"), rows)


def _instruments() -> str:
    rows = [
        (
            f"`{instrument['code']}` {instrument['name']}",
            f"`{edition['code']}` {edition['name']}",
            ", ".join(f"`{domain}`" for domain in edition["domains"]),
            "; ".join(f"{s['type']} {s['low']} to {s['high']} ({s['status']})" for s in edition["scores"])
            or "category",
        )
        for instrument in codes.table("instruments")["instrument"]
        for edition in instrument["edition"]
    ]
    return (
        "## Instruments\n\nThe edition is part of a score: scores of two instruments or editions are never pooled.\n\n"
        + _table(("instrument", "edition", "domains", "scores"), rows)
    )


def _door() -> str:
    rows = [(f"`{rule.name}`", rule.asks, rule.fix) for rule in door_rules().values()]
    return (
        "## Rules of the door\n\nAsked of every delivery by itself. A refused one is answered on the receipts topic "
        "with the rule, the place and what to do, and never with the value.\n\n"
        + _table(("rule", "asks", "what to do"), rows)
    )


def _rows() -> str:
    sections = [f"### Of {kind}\n\n{_rows_of(kind)}" for kind in KINDS if row_rules(kind)]
    return "\n\n".join(["## Rules of a row", _ROWS, *sections])


_ROWS = (
    "Asked by `b12 check` before anything is sent, and of every current record by the registry. *quarantine*: the "
    "record is set aside until it is corrected or confirmed. *unusable*: it is kept and shown, and counts nowhere "
    "until corrected or confirmed. *finding*: it is told; nothing else changes. What is critical and no quarantine is "
    "a question: `b12 push` sends it, and the site confirms or corrects it. A rule with * needs the subject's "
    "enrolment."
)


def _rows_of(kind: str) -> str:
    rows = [
        (
            f"`{rule.name}`{'*' if rule.needs_enrolment else ''}",
            f"`{rule.field}`",
            rule.asks,
            f"{rule.category}, {rule.severity}",
            rule.effect if rule.reason is None else f"{rule.effect} (`{rule.reason}`)",
            rule.fix,
            f"{rule.source} ({rule.status})",
        )
        for rule in row_rules(kind)
    ]
    return _table(("rule", "field", "asks", "nature", "effect", "what to do", "source"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
