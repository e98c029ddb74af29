"""Children on the last day on which their age is corrected or their length is a lying one, for tests.

Edges of blood and of classes stand in `edges`.
"""

from b12.demo.courses.course import Course


def _grown(name: str, age_days: int, weeks: int) -> Course:
    """A child who is measured once."""
    return Course(
        name,
        "not_assessable",
        ("SYN02",),
        age_days=(age_days, age_days),
        group="screened",
        route="risk_screening",
        gestation=(weeks, 0),
        presents=("2025-03-01", "2025-03-01"),
    )


GROWTH_EDGES = (
    _grown("at 30 weeks, the day before its term", 69, 30),
    _grown("at 30 weeks, on its term", 70, 30),
    _grown("at 30 weeks, the day before 24 months", 729, 30),
    _grown("at 30 weeks, 24 months old", 730, 30),
    _grown("at 37 weeks, the last day of lying", 730, 37),
    _grown("at 37 weeks, the first day of standing", 731, 37),
)
