"""Infants whom a screening should find, and those whom one answer keeps from its list, for tests of the definitions.

Edges of blood and of classes stand in `edges`.
"""

from b12.demo.courses.course import Course, Draw


def _young(name: str, age_days: int = 200, **given: object) -> Course:
    """A breastfed infant of a vegan mother who presents a month before the cut-off."""
    told = {"draws": (), "diet": "vegan", "group": "screened", **given}
    return Course(
        name, "not_assessable", ("SYN01",), age_days=(age_days, age_days), presents=("2026-05-31", "2026-05-31"), **told
    )


SCREENING_EDGES = (
    _young("to be screened"),
    _young("to be screened, a day before its birthday", 334),
    _young("a year old at the cut-off", 335),
    _young("on formula", feeding="formula_only"),
    _young("of a mother who eats everything", diet="omnivore"),
    _young("to be screened whatever its mother has", draws=(Draw(0, {"b12": "@300"}, person="mother"),)),
    _young("given B12 and never measured", doses=((0, "infant", "2.5", "maintenance"),)),
    _young("to be screened whatever its mother was given", doses=((0, "mother", "1000", "therapeutic"),)),
    _young("moved away unmeasured", states=(("moved", 10),)),
)
