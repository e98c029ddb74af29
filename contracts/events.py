"""The fifteen kinds of event, as CloudEvents 1.0 JSON objects in structured mode.

The docstring under a field is its entry in the data dictionary: the JSON Schemas, AsyncAPI, the column comments of the
lake and the dictionary page are made from it. What a kind says stands in contracts/kinds, what a code may be in
contracts/tables.
"""

from datetime import datetime
from typing import Annotated, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field

from contracts.fields import Identifier, SubjectCode
from contracts.kinds.answers import Acknowledgement, Confirmation, Retraction
from contracts.kinds.base import Data
from contracts.kinds.care import Condition, Dose, Feeding
from contracts.kinds.measured import Growth, Imaging, LabResult
from contracts.kinds.observed import Assessment, Milestone, Symptom
from contracts.kinds.subject import Consent, Enrolment, Status


class Envelope(Struct, frozen=True, kw_only=True, tag_field="type"):
    """The CloudEvents attributes that are read. Others are accepted and not stored."""

    specversion: Literal["1.0"]
    """Version of CloudEvents."""
    id: Identifier
    """The sender's id of this statement: the same id must say the same for ever."""
    source: Annotated[str, Meta(max_length=64)]
    """`/sites/` and the site's name."""
    time: Annotated[datetime, Meta(tz=True)]
    """When the sender made the statement, RFC 3339 with zone: the later statement of a record is current."""
    subject: SubjectCode
    """The site's study code for the infant, for mother and child alike."""
    record: Identifier | UnsetType = field(default=UNSET)
    """The sender's own stable key of the thing reported; the id when absent. A correction repeats it."""


class EnrolmentEvent(Envelope, frozen=True, kw_only=True, tag="b12.enrolment.v1"):
    data: Enrolment


class LabResultEvent(Envelope, frozen=True, kw_only=True, tag="b12.lab_result.v1"):
    data: LabResult


class MilestoneEvent(Envelope, frozen=True, kw_only=True, tag="b12.milestone.v1"):
    data: Milestone


class AssessmentEvent(Envelope, frozen=True, kw_only=True, tag="b12.assessment.v1"):
    data: Assessment


class DoseEvent(Envelope, frozen=True, kw_only=True, tag="b12.dose.v1"):
    data: Dose


class FeedingEvent(Envelope, frozen=True, kw_only=True, tag="b12.feeding.v1"):
    data: Feeding


class SymptomEvent(Envelope, frozen=True, kw_only=True, tag="b12.symptom.v1"):
    data: Symptom


class ConditionEvent(Envelope, frozen=True, kw_only=True, tag="b12.condition.v1"):
    data: Condition


class GrowthEvent(Envelope, frozen=True, kw_only=True, tag="b12.growth.v1"):
    data: Growth


class ImagingEvent(Envelope, frozen=True, kw_only=True, tag="b12.imaging.v1"):
    data: Imaging


class StatusEvent(Envelope, frozen=True, kw_only=True, tag="b12.status.v1"):
    data: Status


class ConsentEvent(Envelope, frozen=True, kw_only=True, tag="b12.consent.v1"):
    data: Consent


class ConfirmationEvent(Envelope, frozen=True, kw_only=True, tag="b12.confirmation.v1"):
    data: Confirmation


class AcknowledgementEvent(Envelope, frozen=True, kw_only=True, tag="b12.acknowledgement.v1"):
    data: Acknowledgement


class RetractionEvent(Envelope, frozen=True, kw_only=True, tag="b12.retraction.v1"):
    data: Retraction


Event = (
    EnrolmentEvent
    | LabResultEvent
    | MilestoneEvent
    | AssessmentEvent
    | DoseEvent
    | FeedingEvent
    | SymptomEvent
    | ConditionEvent
    | GrowthEvent
    | ImagingEvent
    | StatusEvent
    | ConsentEvent
    | ConfirmationEvent
    | AcknowledgementEvent
    | RetractionEvent
)

ENVELOPES: dict[str, type[Event]] = {str(envelope.__struct_config__.tag): envelope for envelope in get_args(Event)}
"""The envelope of each supported `type`."""

KIND_OF: dict[type, str] = {envelope: tag.split(".")[1] for tag, envelope in ENVELOPES.items()}
"""The kind of each envelope."""

DATA: dict[str, type[Data]] = {KIND_OF[e]: e.__annotations__["data"] for e in ENVELOPES.values()}
"""The struct of each kind's `data`."""

KINDS: tuple[str, ...] = tuple(DATA)
"""The name of each kind."""
