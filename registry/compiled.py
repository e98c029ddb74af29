"""The one model whose SQL is compiled: the row rules of the contract, over the current version of each record.

The rules' meaning is in contracts/rules/rows.toml, their translation in row_rules.py.
"""

from contracts.events import KINDS
from registry.row_rules import findings_sql

KEYS = ("delivery",)

_HEADER = """\
-- grain: one row per current version and rule that finds it
-- key: delivery, rule
"""


def rule_hits() -> str:
    """SQL of `staging.rule_hits`."""
    return _HEADER + "\nUNION ALL\n".join(f"({findings_sql(kind, _current(kind), KEYS)})" for kind in KINDS)


def _current(kind: str) -> str:
    """The kind's current versions, each beside its subject's birth."""
    birth = "" if kind == "enrolment" else ", b.birth_date, b.birth_precision"
    return f"""(
        SELECT l.*{birth}
        FROM staging.lake_{kind} AS l
        LEFT JOIN staging.identity AS i ON l.delivery = i.delivery
        LEFT JOIN staging.births AS b ON l.site = b.site AND l.subject_key = b.subject_key
        WHERE i.verdict IS NULL
    )"""
