"""Infants on the last point or the last day of recovery in scores and signs, for tests of the definitions.

Edges of blood and of classes stand in `edges`.
"""

from b12.demo.courses.course import FINE, HYPOTONIA, PALE, TREMOR, Course, Draw, Scores, Sign

_BEFORE = {"b12": "deficient", "homocysteine": "high", "mma": "raised"}


def _seen(
    name: str,
    *,
    signs: tuple[Sign, ...] = (),
    scores: tuple[Scores, ...] = (),
    states: tuple[tuple[str, int], ...] = (),
) -> Course:
    """A definite case whose blood recovers by three months."""
    return Course(
        name,
        "definite",
        ("SYN01",),
        draws=(Draw(-1, _BEFORE), Draw(90, FINE)),
        age_days=(210, 300),
        regimen="site",
        signs=signs,
        scores=scores,
        states=states,
    )


RECOVERY_EDGES = (
    _seen("a score of 84, then 85", scores=(Scores(0, "84", "85"), Scores(90, "85", "70"))),
    _seen("scores 15 and 14 up", scores=(Scores(0, "60", "60"), Scores(90, "75", "74"), Scores(180, "75", "75"))),
    _seen("scored 15 days after the first dose", scores=(Scores(15, "60", "62"), Scores(90, "90", "92"))),
    _seen("untestable before", scores=(Scores(0, None, None), Scores(90, "70", "75"))),
    _seen("untestable after", scores=(Scores(0, "70", "75"), Scores(90, None, None))),
    _seen("a sign 30 days before", signs=(Sign(HYPOTONIA, -30, gone=90),)),
    _seen("a sign 31 days before", signs=(Sign(HYPOTONIA, -31, gone=90),)),
    _seen("a sign on day 3", signs=(Sign(HYPOTONIA, 3, gone=90),)),
    _seen("a sign on day 4", signs=(Sign(HYPOTONIA, 4, gone=90),)),
    _seen("gone before the first dose", signs=(Sign(HYPOTONIA, -10, gone=-2), Sign(PALE, 0, gone=5))),
    _seen("a tremor of treatment", signs=(Sign(HYPOTONIA, 0, gone=85), Sign(TREMOR, 6, onset=5, gone=34))),
    _seen("a tremor of treatment stays", signs=(Sign(HYPOTONIA, 0, gone=85), Sign(TREMOR, 80, onset=12))),
    _seen("dies between visits", signs=(Sign(TREMOR),), scores=(Scores(0, "60", "60"),), states=(("died", 140),)),
    _seen("lost between visits", signs=(Sign(TREMOR),), scores=(Scores(0, "60", "60"),), states=(("lost", 140),)),
)
