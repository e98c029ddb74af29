"""Who takes part: a subject's enrolment, where it stands in the study, and what its family agreed to."""

from typing import Annotated, Literal

from msgspec import Meta

from contracts.fields import DateOrMonth, MotherCode, Number
from contracts.kinds.base import Data


class Enrolment(Data, frozen=True, kw_only=True):
    """A subject enters the registry. One current enrolment per subject; it must exist before anything counts."""

    person: Literal["infant", "comparator"]
    """Whom the subject code names: the infant, or a comparator who is not followed."""
    birth: DateOrMonth
    """Date of birth, to the day or to the month."""
    sex: Literal["female", "male", "unknown"]
    """Sex recorded at birth."""
    group: Literal["suspected", "screened", "control", "sibling", "comparator"]
    """Why the subject is in the registry."""
    route: Literal["symptoms", "risk_screening", "newborn_screening", "sibling"] | None = None
    """How the subject was found."""
    gestation_weeks: Annotated[int, Meta(ge=20, le=45)] | None = None
    """Completed weeks of gestation at birth."""
    gestation_days: Annotated[int, Meta(ge=0, le=6)] | None = None
    """Days beyond the completed weeks of gestation."""
    birth_weight_g: Number | None = None
    """Weight at birth in g."""
    plurality: Annotated[int, Meta(ge=1, le=8)] | None = None
    """Number of infants born together."""
    mother: MotherCode | None = None
    """The site's code for the mother, hashed at the door: siblings and twins share it."""
    enrolled: DateOrMonth | None = None
    """When the subject entered the registry."""
    diagnosed: DateOrMonth | None = None
    """When deficiency was diagnosed."""
    symptom_onset: DateOrMonth | None = None
    """When the first symptom was noticed."""


class Status(Data, frozen=True, kw_only=True):
    """Where the subject stands in the study."""

    state: Literal["alive", "died", "moved", "lost", "completed"]
    """State of the subject."""
    effective: DateOrMonth
    """Since when."""
    last_contact: DateOrMonth | None = None
    """When the family was last in contact."""


class Consent(Data, frozen=True, kw_only=True):
    """What the family agreed to, or withdrew."""

    scopes: tuple[Literal["blood", "development", "imaging", "mother", "sharing"], ...]
    """What it covers."""
    status: Literal["given", "withdrawn"]
    """Given or withdrawn."""
    effective: DateOrMonth
    """Since when."""
