"""What an infant and its mother were given and what befell them: doses, feeding, conditions."""

from typing import Literal

from contracts.fields import ConditionCode, DateOrMonth, DateOrTime, Number
from contracts.kinds.base import Data, Person


class Dose(Data, frozen=True, kw_only=True):
    """One dose of B12, or of what is given beside it, given or missed."""

    person: Literal["infant", "mother"]
    """To whom it was given."""
    compound: Literal[
        "cyanocobalamin",
        "hydroxocobalamin",
        "methylcobalamin",
        "adenosylcobalamin",
        "b12_unspecified",
        "multivitamin_with_b12",
        "folic_acid",
        "iron",
        "other",
    ]
    """What was given."""
    route: Literal["im", "sc", "iv", "po", "sl", "nasal"]
    """How it was given: intramuscular, subcutaneous, intravenous, oral, sublingual, nasal."""
    ug: Number | None = None
    """Amount in micrograms; of B12 for any compound that holds B12. Absent when missed or refused."""
    scheduled: DateOrTime | None = None
    """When it was due."""
    given: DateOrTime | None = None
    """When it was given. Absent when missed or refused."""
    status: Literal["given", "missed", "refused"]
    """Whether it was given."""
    purpose: Literal["therapeutic", "maintenance", "prophylactic"] | None = None
    """Why it was given."""


class Feeding(Data, frozen=True, kw_only=True):
    """How the infant was fed and what the mother ate over a period."""

    infant: Literal[
        "exclusive",
        "predominant",
        "mixed",
        "formula_only",
        "weaned",
        "breastfed_unspecified",
        "not_breastfed",
    ]
    """Feeding of the infant; `exclusive`, `predominant` and `mixed` are breastfeeding as WHO defines it."""
    animal_source_food: bool | None = None
    """The infant ate food of animal origin."""
    mother_diet: Literal["vegan", "lacto_vegetarian", "lacto_ovo_vegetarian", "pescatarian", "omnivore"] | None = None
    """Diet of the mother."""
    maternal_b12_ug_per_day: Number | None = None
    """The mother's daily intake of B12 from food and supplements in micrograms."""
    start: DateOrMonth
    """First day of the period."""
    end: DateOrMonth | None = None
    """Last day of the period. Absent while it goes on."""


class Condition(Data, frozen=True, kw_only=True):
    """A diagnosis, comorbidity, exclusion, adverse event or procedure."""

    person: Person
    """Whose condition it is."""
    code: ConditionCode
    """ICD-10, SNOMED CT or HPO code with its system, like ICD10:E53.8."""
    category: Literal["diagnosis", "comorbidity", "exclusion", "adverse_event", "procedure"]
    """What the condition is to the registry."""
    onset: DateOrMonth
    """When it began or was done."""
    resolved: DateOrMonth | None = None
    """When it ended."""
