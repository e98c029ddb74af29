"""The courses that infants of the cohort take: what is found, given and found again.

Invented to visit every branch of the definitions; no effect, rate or frequency is meant. Which numbers the
laboratories write is decided in `laboratory`.
"""

from b12.demo.courses.definite import DEFINITE
from b12.demo.courses.others import OTHERS

COURSES = (*DEFINITE, *OTHERS)
"""Those of the demonstration."""
