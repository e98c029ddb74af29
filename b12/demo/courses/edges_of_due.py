"""Cases whose test, treatment or mother is missing since the day on which the site is told, or a day less, for tests.

Counted to the cut-off of the cohort. Edges of blood and of classes stand in `edges`.
"""

from b12.demo.courses.course import FULL, Course, Draw


def _waiting(name: str, presents: str, **given: object) -> Course:
    """A case that was seen once."""
    return Course(
        name, "definite", ("SYN01",), (Draw(0, FULL),), (200, 260), diet="vegan", presents=(presents, presents), **given
    )


DUE_EDGES = (
    _waiting("untreated for seven days", "2026-06-23"),
    _waiting("untreated for six days", "2026-06-24"),
    _waiting("untreated, its mother untested for thirty days", "2026-05-31"),
    _waiting("untreated, its mother untested for twenty-nine days", "2026-06-01"),
    _waiting("untreated for too long to ask", "2026-03-24"),
    _waiting("untreated and moved away", "2026-06-01", states=(("moved", 10),)),
    _waiting("overdue since yesterday", "2026-03-01", regimen="site"),
    _waiting("the last day of its window", "2026-03-02", regimen="site"),
    _waiting("the first day of its window", "2026-04-16", regimen="site"),
    _waiting("a day before its window", "2026-04-17", regimen="site"),
    _waiting("overdue, and asked for the last time", "2025-12-31", regimen="site"),
    _waiting("overdue for too long to ask", "2025-12-30", regimen="site"),
)
