"""A kind's current rows, and how a check of them is made.

Which checks there are stands in conformance.py and suites.py.
"""

from typing import Any, get_args

from contracts import codes
from expectations.checks import NO_ROWS, Category, Check, literal


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
        f"({literal(loinc)}, {literal(unit)}, {literal(code.analyte)}, {factor}::DOUBLE)"
        for loinc, code in sorted(codes.loinc_codes().items())
        for unit, factor in sorted(code.factors.items())
    )
    return (
        f"{rows}, f.analyte, c.value::DOUBLE * f.factor AS canonical FROM {current(kind)} AS c"
        f" LEFT JOIN (VALUES {factors}) AS f (loinc, unit, analyte, factor)"
        " ON c.loinc = f.loinc AND c.unit = f.unit"
    )


def check(kind: str, name: str, asks: str, failing: str | None, **fields: Any) -> Check:
    """A check of a kind's current rows that fails with any failing row, unless told otherwise."""
    given = {"category": "conformance", "severity": "critical", "rows": _rows(kind), "table": current(kind), **fields}
    if "expectation" not in given:
        applies, breaks = given.get("applies", "true"), given.get("breaks")
        ending = f"GROUP BY site HAVING {breaks}" if breaks else f"WHERE ({applies}) AND ({failing})"
        given["expectation"] = NO_ROWS
        # Rows are only counted (no_rows.py); the one column they have names a site.
        given["arguments"] = {"unexpected_rows_query": f"SELECT site FROM {{batch}} {ending}"}
    return Check(name=name, asks=asks, failing=failing, level="site", **given)
