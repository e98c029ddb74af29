"""Children of one mother, of whom each one's site reports what she was given and what was measured, for tests.

Edges of blood and of classes stand in `edges`.
"""

from b12.demo.courses.course import FINE, Course, Draw


def _child(name: str, age_days: int, expects: str = "none", **given: object) -> Course:
    """A child who presents on the day on which its mother is first treated."""
    draws = (Draw(0, {**FINE, "b12": "normal"}), Draw(-3, {"b12": "=170", "homocysteine": "=12.1"}, person="mother"))
    told = {"draws": draws, "diet": "vegan", "maternal_b12": "0.6", "group": "sibling", "route": "sibling", **given}
    return Course(
        name,
        expects,
        ("SYN01",),
        age_days=(age_days, age_days),
        mother="three",
        presents=("2025-03-03", "2025-03-03"),
        **told,
    )


_HERS = tuple((day, "mother", "1000", "therapeutic") for day in (0, 7, 28))

MOTHERS_EDGES = (
    _child("a twin of a treated mother", 120, doses=_HERS, missed=(2,)),
    _child("the other twin of a treated mother", 120, doses=_HERS, missed=(2,)),
    # Not all is told of her here, and her diet from another day.
    _child("the older child of a treated mother", 700, doses=_HERS[:2], fed_from=-300),
)
