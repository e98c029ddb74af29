"""What was seen: milestones, scores of developmental instruments, signs and symptoms."""

from typing import Literal

from contracts.fields import DateOrMonth, DateOrTime, Hpo, Name, Number
from contracts.kinds.base import Data


class Milestone(Data, frozen=True, kw_only=True):
    """Whether a developmental milestone was there on a day."""

    code: Name
    """Milestone, from the closed list `milestones`."""
    status: Literal["achieved", "emerging", "not_yet", "lost", "regained"]
    """State on the day it was observed."""
    observed: DateOrTime
    """When the state was seen or asked for."""
    attained: DateOrMonth | None = None
    """When it was first attained, as the caregiver recalls it."""
    source: Literal["examined", "caregiver", "record", "video"]
    """Who says so."""


class Assessment(Data, frozen=True, kw_only=True):
    """One score of one domain of one developmental instrument."""

    instrument: Name
    """Instrument, from the closed list `instruments`."""
    edition: Name
    """Edition or version of the instrument: part of the score, never pooled."""
    domain: Name
    """Domain or scale of the instrument, from its list."""
    score_type: Literal["composite", "scaled", "ratio_dq", "raw", "ordinal"]
    """What the score is."""
    score: Number | None = None
    """The score. Absent when untestable, refused, or when only a category is given."""
    category: Literal["normal", "suspect", "abnormal", "untestable", "I", "II", "III", "IV", "V"] | None = None
    """Result of an ordinal instrument."""
    comparator: Literal["floor", "ceiling"] | None = None
    """The score stands at the end of the scale."""
    sem: Number | None = None
    """Standard error of measurement that the manual gives for this score."""
    interval_low: Number | None = None
    """Lower end of the score's confidence interval."""
    interval_high: Number | None = None
    """Upper end of the score's confidence interval."""
    age_used: Literal["chronological", "corrected"]
    """The age at which the norms were read."""
    status: Literal["completed", "untestable", "refused"] = "completed"
    """Whether the assessment took place."""
    blinded: bool | None = None
    """The assessor did not know the infant's treatment or group."""
    assessed: DateOrTime
    """When the assessment took place."""


class Symptom(Data, frozen=True, kw_only=True):
    """Whether a sign or symptom was there on a day."""

    code: Hpo
    """Human Phenotype Ontology term, from the closed list `signs`."""
    status: Literal["present", "resolved", "absent"]
    """State on the day it was observed."""
    severity: Literal["mild", "moderate", "severe"] | None = None
    """How severe it was."""
    onset: DateOrMonth | None = None
    """When it began."""
    observed: DateOrTime
    """When the state was seen or asked for."""
    source: Literal["examined", "caregiver", "mri"]
    """How it is known."""
