"""The checks of each site's current rows, made from the contract: its structs, closed lists, units and row rules.

They are of level `site`: a critical failure holds the site, not the release. Checks of the release candidate stand in
release.py; what is judged of one row (and quarantined) is the registry's. The shares below which a site is fine are
data, in thresholds.toml.
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, get_args

import msgspec

from contracts import codes, rulebook
from contracts.events import DATA, Data
from contracts.shapes import shapes
from expectations.checks import NO_ROWS, Category, Check, Severity, literal, share


def site_checks() -> list[Check]:
    """Every check of level `site`, over the catalog `staging` of one build."""
    return [check for kind in DATA for check in (*_conformance(kind), *_thresholds(kind), *_findings(kind))] + [
        *_verdicts()
    ]


@cache
def thresholds() -> dict[str, Any]:
    """`thresholds.toml`, parsed."""
    return tomllib.loads(files("expectations").joinpath("thresholds.toml").read_text(encoding="utf-8"))


def current(kind: str) -> str:
    """The model with a kind's current rows."""
    return f"staging.current_{kind}"


def _rows(kind: str) -> str:
    found = "SELECT delivery FROM staging.findings WHERE NOT is_confirmed AND kind = {kind} AND category = {category}"
    columns = [
        f"c.delivery IN ({found.format(kind=literal(kind), category=literal(category))}) AS has_{category}_finding"
        for category in get_args(Category)
    ]
    rows = f"SELECT c.*, {', '.join(columns)}"
    if kind != "lab_result":
        return f"{rows} FROM {current(kind)} AS c"
    factors = ", ".join(
        f"({literal(loinc)}, {literal(unit)}, {literal(code.analyte)}, {factor}::DECIMAL(18,10))"
        for loinc, code in sorted(codes.loinc_codes().items())
        for unit, factor in sorted(code.factors.items())
    )
    return (
        f"{rows}, f.analyte, (c.value * f.factor)::DOUBLE AS canonical FROM {current(kind)} AS c"
        f" LEFT JOIN (VALUES {factors}) AS f (loinc, unit, analyte, factor)"
        " ON c.loinc = f.loinc AND c.unit = f.unit"
    )


def _check(kind: str, name: str, asks: str, failing: str, **fields: Any) -> Check:
    """A check of a kind's current rows that fails with any failing row, unless told otherwise."""
    given = {"category": "conformance", "severity": "critical", "rows": _rows(kind), "table": current(kind), **fields}
    if "expectation" not in given:
        applies, breaks = given.get("applies", "true"), given.get("breaks")
        ending = f"GROUP BY site HAVING {breaks}" if breaks else f"WHERE ({applies}) AND ({failing})"
        given["expectation"] = NO_ROWS
        # What Great Expectations reads of a failing row is its site: never a value.
        given["arguments"] = {"unexpected_rows_query": f"SELECT site FROM {{batch}} {ending}"}
    return Check(name=name, asks=asks, failing=failing, level="site", **given)


def _conformance(kind: str) -> Iterator[Check]:
    struct = DATA[kind]
    required = [
        column for field in msgspec.structs.fields(struct) if field.required for column in _columns(struct, field.name)
    ]
    keys = ["id_key", "subject_key", "record_key", "event_time"]
    yield _check(
        kind,
        "required_fields",
        "Every required field has a value.",
        " OR ".join(f"{column} IS NULL" for column in keys + required),
    )
    for field, values in _listed(struct).items():
        if shapes(struct)[field] == "list":
            failing = f'len(list_filter("{field}", lambda code: code NOT IN ({_in(values)}))) > 0'
            yield _check(kind, f"{field}_listed", f"Every code in {field} is in the contract's list.", failing)
        else:
            yield _in_list(kind, field, values)
    if dates := [name for name, shape in shapes(struct).items() if shape == "when"]:
        failing = " OR ".join(f"(({field}_date IS NULL) <> ({field}_precision IS NULL))" for field in dates)
        yield _check(kind, "precisions", "Every date has a precision, and only a date has one.", failing)
    yield from _codes(kind)


def _in_list(kind: str, field: str, values: Any) -> Check:
    return _check(
        kind,
        f"{field}_listed",
        f"{field} is in the contract's list.",
        f'"{field}" NOT IN ({_in(values)})',
        expectation="expect_column_values_to_be_in_set",
        arguments={"column": field, "value_set": sorted(values)},
        applies=f'"{field}" IS NOT NULL',
    )


def _codes(kind: str) -> Iterator[Check]:
    if kind == "lab_result":
        loincs = codes.loinc_codes()
        units = ", ".join(
            f"({literal(k)}, {literal(unit)})" for k, code in sorted(loincs.items()) for unit in sorted(code.factors)
        )
        specimens = ", ".join(
            f"({literal(k)}, {literal(s)})" for k, code in sorted(loincs.items()) for s in sorted(code.specimens)
        )
        yield _in_list(kind, "loinc", loincs)
        yield _check(
            kind,
            "unit_fits_code",
            "The unit is one that the LOINC code can have, so it has a factor.",
            f"(loinc, unit) NOT IN ({units})",
            applies="unit IS NOT NULL",
        )
        yield _check(
            kind,
            "specimen_fits_code",
            "The specimen is one that the code is for.",
            f"(loinc, specimen) NOT IN ({specimens})",
        )
        yield _check(
            kind,
            "value_and_unit",
            "A result that is not cancelled has a value and a unit.",
            "value IS NULL OR unit IS NULL",
            applies="status <> 'cancelled'",
        )
    elif kind == "condition":
        yield _check(
            kind,
            "code_is_of_a_system",
            "The code names its system: ICD-10, SNOMED CT or HPO.",
            "NOT regexp_full_match(code, '(ICD10:[A-Z][0-9]{2}(\\.[0-9A-Z]{1,4})?|SNOMED:[0-9]{6,18}|HP:[0-9]{7})')",
        )
    elif kind == "assessment":
        domains = ", ".join(
            f"({literal(code)}, {literal(edition)}, {literal(domain)})"
            for code, instrument in sorted(codes.instruments().items())
            for edition, names in sorted(instrument.editions.items())
            for domain in sorted(names)
        )
        yield _check(
            kind,
            "domain_of_edition",
            "The domain belongs to the edition of the instrument.",
            f"(instrument, edition, domain) NOT IN ({domains})",
        )
    elif kind in _CLOSED_LISTS:
        field, name = _CLOSED_LISTS[kind]
        yield _in_list(kind, field, codes.closed_list(name))


_CLOSED_LISTS = {"milestone": ("code", "milestones"), "symptom": ("code", "signs"), "imaging": ("region", "regions")}


def _thresholds(kind: str) -> Iterator[Check]:
    for entry in thresholds()["share"]:
        if entry["kind"] == kind:
            applies, at_least = entry.get("applies", "true"), entry["at_least"]
            yield _check(
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
        yield _check(
            kind,
            f"median_{analyte}_{entry['person']}",
            f"The site's median is one that a hospital can have ({entry['low']} to {entry['high']} {entry['unit']}):"
            " else its unit is wrong throughout.",
            # All of the site's rows are in doubt when their middle is.
            asked,
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
        yield _check(
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


def _columns(struct: type[Data], field: str) -> list[str]:
    shape = shapes(struct)[field]
    ending = {"when": "_date", "mother": "_key", "scan": "_key", "record": "_key"}.get(shape, "")
    return [f'"{field}{ending}"']


def _listed(struct: type[Data]) -> dict[str, tuple[str, ...]]:
    """The fields whose codes stand in the struct itself."""
    found = {}
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)  # noqa: S101  # narrows the type
    for field in info.fields:
        if values := _literals(field.type):
            found[field.name] = values
    return found


def _literals(info: msgspec.inspect.Type) -> tuple[str, ...]:
    if isinstance(info, msgspec.inspect.LiteralType):
        return tuple(str(value) for value in info.values)
    if isinstance(info, msgspec.inspect.UnionType):
        return next((found for member in info.types if (found := _literals(member))), ())
    if isinstance(info, msgspec.inspect.VarTupleType):
        return _literals(info.item_type)
    return ()


def _in(values: Any) -> str:
    return ", ".join(literal(value) for value in sorted(values))
