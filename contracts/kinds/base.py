"""What the kinds share: their names, the persons that they are about, and how strictly their fields are read."""

from typing import Literal

from msgspec import Struct

Kind = Literal[
    "enrolment",
    "lab_result",
    "milestone",
    "assessment",
    "dose",
    "feeding",
    "symptom",
    "condition",
    "growth",
    "imaging",
    "status",
    "consent",
    "confirmation",
    "acknowledgement",
    "retraction",
]

Person = Literal["infant", "mother", "comparator"]


class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every kind's `data` has in common: unknown fields are refused, absent ones are left out."""
