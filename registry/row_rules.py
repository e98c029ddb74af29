"""The row rules as SQL: the same data that contracts/rows.py interprets, compiled to one SELECT over a kind's rows.

What a finding does to a record's verdict belongs to the staging models.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from contracts import codes
from contracts.rulebook import Comparison, Range, Reference, Rule, date_field, fields, rules, type_of

DELIVERY = ("site", "topic_uuid", '"partition"', '"offset"')
"""The columns by which the lake knows a delivery."""

_FINDING = ("rule", "field", "category", "severity", "effect", "reason")
_NUMBER = "DECIMAL(38,19)"
"""Holds DECIMAL(28,12) times a factor of DECIMAL(10,7) without rounding."""


def findings_sql(kind: str, source: str, keys: Sequence[str] = DELIVERY) -> str:
    """A SELECT of the key columns and rule, field, category, severity, effect, reason: one row for each finding.

    `source` is a relation's name or a subquery in parentheses. It has the lake's columns of the kind (dates as
    `<field>_date` and `<field>_precision`), `event_time`, the key columns and, except for enrolments, `birth_date`
    and `birth_precision` of the subject's enrolment, null where there is none: the rules that need it then find
    nothing. Nothing in the result is a reported value, a subject or a date.
    """
    chosen = ", ".join(keys)
    if not rules(kind):
        empty = ", ".join(f"CAST(NULL AS VARCHAR) AS {column}" for column in _FINDING)
        return f"SELECT {chosen}, {empty} FROM {source} WHERE false"
    fails = {rule.name: _fails(rule) for rule in rules(kind)}
    found = [" AND NOT ".join((fails[rule.name], *(fails[excuse] for excuse in rule.unless))) for rule in rules(kind)]
    flags = [f"fails_{place}" for place in range(len(found))]
    # Few rows fail anything: the flags are what every row costs, the list of names is made only for those that fail.
    return f"""WITH asked AS (
  SELECT {chosen},
    {_lines(f"{condition} AS {flag}" for condition, flag in zip(found, flags, strict=True))}
  FROM {_with_derived(kind, source)}
), found AS (
  SELECT {chosen}, unnest([{", ".join(_named(rules(kind), flags))}]) AS rule
  FROM asked
  WHERE {" OR ".join(flags)}
), described(rule, field, category, severity, effect, reason) AS (
  VALUES
    {_lines(map(_description, rules(kind)))}
)
SELECT {", ".join(f"found.{key}" for key in keys)}, described.*
FROM found JOIN described ON found.rule = described.rule"""


def _with_derived(kind: str, source: str) -> str:
    """The source beside the columns that no delivery holds."""
    wanted = fields(kind)
    columns, joins = ["reported.*"], [f"{source} AS reported"]
    if "analyte" in wanted:
        columns.append("coded.analyte")
        joins.append(f"LEFT JOIN (VALUES {_analytes()}) AS coded(loinc, analyte) ON coded.loinc = reported.loinc")
    if "canonical_value" in wanted:
        columns.append("reported.value * measured.factor AS canonical_value")
        joins.append(
            f"LEFT JOIN (VALUES {_factors()}) AS measured(loinc, unit, factor)"
            " ON measured.loinc = reported.loinc AND measured.unit = reported.unit"
        )
    if "value_mm2_per_s" in wanted:
        columns.append("reported.value * diffused.factor AS value_mm2_per_s")
        joins.append(
            f"LEFT JOIN (VALUES {_diffusivities()}) AS diffused(unit, factor) ON diffused.unit = reported.unit"
        )
    if "gestation_total_days" in wanted:
        columns.append("gestation_weeks * 7 + coalesce(gestation_days, 0) AS gestation_total_days")
    if "age_days" in wanted:
        columns.append(f"{date_field(kind)}_date - birth_date AS age_days")
    joined = "\n    ".join(joins)
    return f"(\n    SELECT {', '.join(columns)}\n    FROM {joined}\n  ) AS derived"


def _fails(rule: Rule) -> str:
    """Whether a rule is asked of a row and not met, its `unless` left aside: true or false, never null."""
    asked = "".join(f"{_question(rule.kind, condition)} AND " for condition in rule.when)
    return f"coalesce({asked}NOT {_question(rule.kind, rule.expects)}, false)"


def _question(kind: str, comparison: Comparison) -> str:
    """One comparison: true, false, or null where a value is missing."""
    operator, operand = comparison.operator, comparison.operand
    field = _quoted(comparison.field)
    if type_of(kind, comparison.field) == "date":
        return _dates(kind, comparison)
    match operator:
        case "present":
            return f"({field} IS NOT NULL)"
        case "absent":
            return f"({field} IS NULL)"
        case "in" | "not_in":
            assert isinstance(operand, tuple)  # noqa: S101  # the rulebook sees to it
            members = ", ".join(map(_text, operand))
            return f"({field} {'IN' if operator == 'in' else 'NOT IN'} ({members}))"
        case "within" | "outside":
            assert isinstance(operand, Range)  # noqa: S101
            return f"({'' if operator == 'within' else 'NOT '}({_bounds(field, operand)}))"
    if isinstance(operand, Reference):
        return f"({field} {operator} {_quoted(operand.field)})"
    literal = f"CAST({operand:f} AS {_NUMBER})" if isinstance(operand, Decimal) else _text(str(operand))
    return f"({field} {operator} {literal})"


def _bounds(field: str, bounds: Range) -> str:
    pairs = ((">=", bounds.at_least), (">", bounds.above), ("<=", bounds.at_most), ("<", bounds.below))
    return " AND ".join(
        f"{field} {operator} CAST({bound:f} AS {_NUMBER})" for operator, bound in pairs if bound is not None
    )


def _dates(kind: str, comparison: Comparison) -> str:
    """A month counts as any of its days, so that a doubt finds nothing."""
    if comparison.operator in ("present", "absent"):
        there = "IS NOT NULL" if comparison.operator == "present" else "IS NULL"
        return f"({_column(kind, comparison.field)}_date {there})"
    assert isinstance(comparison.operand, Reference)  # noqa: S101  # the rulebook sees to it
    other = comparison.operand.field
    if comparison.operator == "not_before":
        return f"({_latest(kind, comparison.field)} >= {_earliest(kind, other)})"
    return f"({_earliest(kind, comparison.field)} <= {_latest(kind, other)})"


def _earliest(kind: str, field: str) -> str:
    if field == "statement_day":
        return "(CAST(event_time AT TIME ZONE 'UTC' AS DATE) + 1)"
    name = _column(kind, field)
    return (
        f"CASE {name}_precision WHEN 'month' THEN CAST(date_trunc('month', {name}_date) AS DATE) ELSE {name}_date END"
    )


def _latest(kind: str, field: str) -> str:
    if field == "statement_day":
        return _earliest(kind, field)
    name = _column(kind, field)
    return f"CASE {name}_precision WHEN 'month' THEN last_day({name}_date) ELSE {name}_date END"


def _column(kind: str, field: str) -> str:
    return date_field(kind) if field == "date" else field


def _named(asked: Sequence[Rule], flags: Sequence[str]) -> Iterable[str]:
    """The name of each rule that a row fails, null for the others: the join with the descriptions drops those."""
    return (f"CASE WHEN {flag} THEN {_text(rule.name)} END" for rule, flag in zip(asked, flags, strict=True))


def _description(rule: Rule) -> str:
    texts = (rule.name, rule.field, rule.category, rule.severity, rule.effect)
    reason = "CAST(NULL AS VARCHAR)" if rule.reason is None else _text(rule.reason)
    return f"({', '.join(map(_text, texts))}, {reason})"


def _analytes() -> str:
    return ", ".join(f"({_text(loinc)}, {_text(code.analyte)})" for loinc, code in codes.loinc_codes().items())


def _factors() -> str:
    return ", ".join(
        f"({_text(loinc)}, {_text(unit)}, CAST({factor:f} AS DECIMAL(10,7)))"
        for loinc, code in codes.loinc_codes().items()
        for unit, factor in code.factors.items()
    )


def _diffusivities() -> str:
    return ", ".join(
        f"({_text(unit)}, CAST({factor:f} AS DECIMAL(10,7)))" for unit, factor in codes.diffusivity_factors().items()
    )


def _lines(parts: Iterable[str]) -> str:
    return ",\n    ".join(parts)


def _quoted(column: str) -> str:
    return f'"{column}"'  # group and end are words of SQL


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
