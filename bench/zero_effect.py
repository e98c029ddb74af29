"""What the default definitions read as recovery where treatment does nothing: the table of docs/explanation/truth.md.

The registry agrees with the truth about such cohorts row for row (tests/spec/test_zero_effect.py), so it is the truth
that is counted here, in cohorts as large as a share needs.
"""

from collections.abc import Callable
from dataclasses import replace
from statistics import mean
from typing import Any

from b12.demo import cohort
from b12.demo.simulator import HOMOCYSTEINE, Knobs, Simulated, simulated
from b12.demo.truth import release
from b12.demo.truth.core import Row

SEED = 7
_TARGET = 6.5
_GROWING_UP = replace(HOMOCYSTEINE, maturation=-0.09)

Tables = dict[str, list[Row]]


def measure(dyads: int) -> list[str]:
    """The table, of cohorts of so many infants."""
    lines = [f"{dyads} infants each, seed {SEED}", "", "| what is there | what is read |", "|---|---|"]
    return lines + [f"| {there} | {read} |" for there, read in _rows(dyads)]


def _rows(dyads: int) -> list[tuple[str, str]]:
    some, more = Knobs(dyads=dyads), Knobs(dyads=dyads, homocysteine=replace(HOMOCYSTEINE, error=0.25))
    grows = Knobs(dyads=dyads, homocysteine=_GROWING_UP, attends=(0.95, 0.4))
    misses = Knobs(dyads=dyads, homocysteine=_GROWING_UP, missed=0.5, drops_out=0.3)
    return [
        ("error of 15 % in one measurement", _read(some, _biochemical)),
        ("error of 25 %", _read(more, _biochemical)),
        ("scores with a standard error of 5 points", _read(some, _developmental)),
        ("growing up, error of 15 %; who is well comes more often", _read(grows, _attending)),
        ("doses missed with time, drop-out", _read(misses, _doses)),
    ]


def _read(knobs: Knobs, told: Callable[[Tables, list[Simulated]], str]) -> str:
    cases = simulated(SEED, "zero effect", knobs)
    courses = [case.course for case in cases]
    return told(release.tables(cohort.told(SEED, courses), cohort.CUT_OFF), cases)


def _states(tables: Tables, dimension: str, **said: Any) -> list[str]:
    """At six months, of those at risk."""
    asked = {"dimension": dimension, "visit": "months_6", "is_at_risk": True, **said}
    return [row["state"] for row in tables["research.recovery"] if asked.items() <= row.items()]


def _biochemical(tables: Tables, cases: list[Simulated]) -> str:
    states = _states(tables, "biochemical")
    ever = [row for row in tables["research.time_to_recovery"] if row["dimension"] == "biochemical"]
    n = sum(row["event"] == "recovered" for row in ever)
    within = sum(case.homocysteine[0] <= _TARGET for case in cases)
    return (
        f"biochemically recovered at 6 months: {states.count('recovered')} of {len(states)}, while {within} were within"
        f" the target all along; at some visit (`time_to_recovery`): {n} of {len(ever)}"
    )


def _developmental(tables: Tables, cases: list[Simulated]) -> str:
    states = _states(tables, "developmental")
    true = sum(case.score[0] >= 85 for case in cases)
    return (
        f"developmentally recovered at 6 months: {states.count('recovered')} of {len(states)} below 85 at baseline;"
        f" truly at 85 or more, then as before: {true} of {len(cases)}"
    )


def _attending(tables: Tables, cases: list[Simulated]) -> str:
    states = _states(tables, "biochemical")
    assessed = [state for state in states if state != "not_assessable"]
    recovered = assessed.count("recovered")
    true = sum(case.homocysteine[-1] <= _TARGET for case in cases)
    return (
        f"at 6 months {recovered} of {len(assessed)} assessed ({recovered / len(assessed):.0%}), while {true} of"
        f" {len(cases)} ({true / len(cases):.0%}) are"
    )


def _doses(tables: Tables, cases: list[Simulated]) -> str:
    asked = {"dimension": "biochemical", "visit": "months_6", "state": "recovered"}
    recovered = {row["subject_key"] for row in tables["research.recovery"] if asked.items() <= row.items()}

    def of(table: str, column: str) -> tuple[float, float]:
        told = {row["subject_key"]: row[column] for row in tables[f"research.{table}"]}
        return mean(told[key] for key in recovered), mean(told[key] for key in told.keys() - recovered)

    whole, begun = of("adherence", "doses_given"), of("cases", "regimen_doses")
    return (
        f"the {len(recovered)} of {len(cases)} who recovered were given {whole[0]:.1f} doses over the follow-up, the"
        f" others {whole[1]:.1f};"
        f" on days 0 to 13 {begun[0]:.1f} and {begun[1]:.1f}"
    )
